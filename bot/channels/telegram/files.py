"""Files that customers send over Telegram, as far as an update describes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from telegram import Message

from bot.channels.incoming import MAX_TEXT_CHARACTERS, clean
from bot.channels.received_files import ANNOUNCED_KEY, ReceivedFile
from bot.dialogue.messages import UserMessage

# Each picture of an album comes as a message of its own, which names the album until it is put together.
ALBUM_KEY = "album"


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


def album(pictures: Sequence[UserMessage]) -> UserMessage:
    """Return the pictures of an album as one message with all captions."""
    captions = (picture.text for picture in pictures if picture.text)
    files = [file for picture in pictures for file in picture.metadata.get(ANNOUNCED_KEY, ())]
    metadata = {key: value for key, value in pictures[0].metadata.items() if key != ALBUM_KEY}
    return replace(
        pictures[0],
        text="\n".join(captions)[:MAX_TEXT_CHARACTERS],
        metadata=metadata | {ANNOUNCED_KEY: files},
    )
