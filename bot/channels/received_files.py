"""Files that a messenger announces with a message: fetched from the peer and kept before the turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

import structlog

from bot.channels.attachments import METADATA_KEY, StoredFile, text_beside
from bot.channels.channel import ChannelParts
from bot.channels.incoming import Refused
from bot.dialogue.intent_payload import FILE_INTENT
from bot.dialogue.messages import JSON, UserMessage

_log = structlog.get_logger(__name__)

ANNOUNCED_KEY = "received_files"
_PAUSES_S = (1.0, 4.0)

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """A file by what the peer says of it; `place` is where the peer gives it out.

    `unique_id` is the same for the same file for ever, `kind` a word for it where it has no name.
    """

    kind: str
    place: str
    unique_id: str
    name: str | None = None
    size_bytes: int | None = None

    @property
    def shown_name(self) -> str:
        """A name in any case."""
        return self.name or self.kind

    def as_dict(self) -> dict[str, JSON]:
        """Return it as an accepted message carries it."""
        return {
            "kind": self.kind,
            "place": self.place,
            "unique_id": self.unique_id,
            "name": self.name,
            "size_bytes": self.size_bytes,
        }


Fetch = Callable[[ReceivedFile], AsyncIterator[bytes]]


class FetchFailed(Exception):
    """The peer did not give a file out; it may do so later."""


async def with_files(
    message: UserMessage, parts: ChannelParts, fetch: Fetch, *, sleep: Sleep = asyncio.sleep
) -> UserMessage:
    """Return the message with its files kept; one that cannot be had or may not be kept leaves its name.

    Args:
        message: As it was accepted, its files described in `metadata["received_files"]`.
        parts: What keeps files, and who knows which intents there are.
        fetch: Gives the bytes of a file; raises `FetchFailed`.
        sleep: Waits between attempts, for so many seconds.
    """
    if ANNOUNCED_KEY not in message.metadata:
        return message
    announced = [ReceivedFile(**file) for file in message.metadata[ANNOUNCED_KEY]]
    kept: list[StoredFile] = []
    lost: list[str] = []
    for file in announced:
        stored = await _keep(message, file, parts, fetch, sleep)
        if stored is None:
            lost.append(file.shown_name)
        else:
            kept.append(stored)
    metadata = {key: value for key, value in message.metadata.items() if key != ANNOUNCED_KEY}
    if kept:
        metadata[METADATA_KEY] = [file.as_dict() for file in kept]
    text = text_beside(kept, message.text, knows_files=parts.knows_intent(FILE_INTENT))
    return replace(message, text=text or ", ".join(lost), metadata=metadata)


async def _keep(
    message: UserMessage, file: ReceivedFile, parts: ChannelParts, fetch: Fetch, sleep: Sleep
) -> StoredFile | None:
    if (file.size_bytes or 0) > parts.files.max_bytes:
        _log.info("file not kept, it is too large", channel=message.input_channel, size_bytes=file.size_bytes)
        return None
    for pause_s in (*_PAUSES_S, None):
        try:
            return await parts.files.keep(
                message.input_channel,
                message.sender_id,
                key=f"{message.message_id}.{file.unique_id}",
                name=file.shown_name,
                content=fetch(file),
            )
        except Refused as refused:
            _log.info("file not kept", channel=message.input_channel, reason=refused.reason)
            return None
        except FetchFailed as error:
            _log.warning("file not fetched", channel=message.input_channel, error=str(error))
        except Exception:  # noqa: BLE001  the rim: the words beside a file are worth more than the file
            _log.exception("file not kept", channel=message.input_channel, sender_id=message.sender_id)
        if pause_s is not None:
            await sleep(pause_s)
    return None


def announced(metadata: Mapping[str, JSON], files: tuple[ReceivedFile, ...]) -> dict[str, JSON]:
    """Return metadata that say which files come with a message."""
    return {**metadata, ANNOUNCED_KEY: [file.as_dict() for file in files]} if files else dict(metadata)
