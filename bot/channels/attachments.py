"""Files that customers send, as channels see them, and how a message says that it brings some.

A message with files carries them in `metadata["attachments"]`, as `StoredFile.as_dict` writes them. Its text
is what the customer wrote beside them; where she wrote nothing it is `FILE_PAYLOAD` if the model has that
intent, else the names of the files.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bot.channels.incoming import Refused
from bot.dialogue.intent_payload import FILE_INTENT
from bot.dialogue.messages import JSON

METADATA_KEY = "attachments"
FILE_PAYLOAD = f"/{FILE_INTENT}"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that is kept; `media_type` is what its bytes say, `name` is safe to show and to save."""

    file_id: str
    name: str
    media_type: str
    size_bytes: int

    def as_dict(self) -> dict[str, JSON]:
        """Return it as messages carry it."""
        return {"id": self.file_id, "name": self.name, "type": self.media_type, "size": self.size_bytes}


class Files(Protocol):
    """Who keeps what customers send."""

    @property
    def max_bytes(self) -> int:
        """The size of the largest file that is kept; 0 when none is."""
        ...

    @property
    def media_types(self) -> Collection[str]:
        """The types that are kept."""
        ...

    async def keep(
        self, channel: str, sender_id: str, *, key: str, name: str, content: AsyncIterator[bytes]
    ) -> StoredFile:
        """Keep a file for a conversation; under a `key` that was used before, the file of then comes back.

        Raises:
            Refused: It is too large, of a wrong type, empty, or one too many.
        """
        ...

    async def find(self, channel: str, sender_id: str, file_id: str) -> tuple[StoredFile, Path] | None:
        """Return a file of this conversation and where its bytes lie; None for every other."""
        ...


class NoFiles:
    """Stands where files are not kept."""

    max_bytes = 0
    media_types: Collection[str] = ()

    async def keep(self, *_: object, **__: object) -> StoredFile:
        """Refuse."""
        raise Refused("Files are not taken here.", code=403, reason="FilesNotTaken")

    async def find(self, *_: object) -> tuple[StoredFile, Path] | None:
        """Find none."""
        return None


def attachments_of(metadata: Mapping[str, JSON]) -> list[dict[str, JSON]]:
    """Return the files of a message, as it carries them."""
    return [file for file in metadata.get(METADATA_KEY) or () if isinstance(file, dict)]


def text_beside(files: Sequence[StoredFile], text: str, *, knows_files: bool) -> str:
    """Return the text of a message with files; `knows_files` when the model has the intent `FILE_INTENT`."""
    if text or not files:
        return text
    return FILE_PAYLOAD if knows_files else ", ".join(file.name for file in files)


async def in_one_part(content: bytes) -> AsyncIterator[bytes]:
    """Give bytes that are at hand to whoever reads them part by part."""
    yield content
