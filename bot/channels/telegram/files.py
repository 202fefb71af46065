"""Files that customers send over Telegram, as far as an update describes them."""

from __future__ import annotations

from telegram import Message

from bot.channels.incoming import clean
from bot.channels.received_files import ReceivedFile


def received_files(message: Message) -> tuple[ReceivedFile, ...]:
    """Return the file of a message, if there is one; a photo comes in sizes, the last one is the largest."""
    if message.photo:
        photo = message.photo[-1]
        return (ReceivedFile("photo", photo.file_id, photo.file_unique_id, None, photo.file_size),)
    # An animation comes as a document, too.
    for kind, file in (
        ("video", message.animation or message.video or message.video_note),
        ("audio", message.audio or message.voice),
        ("file", message.document),
    ):
        if file is not None:
            name = clean(getattr(file, "file_name", None) or "")[:200] or None
            return (ReceivedFile(kind, file.file_id, file.file_unique_id, name, file.file_size),)
    return ()
