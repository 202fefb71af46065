"""Files of customers in memory, in the place of the CRM's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from pathlib import Path

from bot.channels.attachments import StoredFile
from bot.channels.incoming import Refused


class MemoryFiles:
    """Keeps text files of up to 1,000 bytes; `broken` is raised instead."""

    max_bytes = 1000
    media_types: Collection[str] = ("text/plain",)

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str, str], tuple[str, bytes]] = {}
        self.broken: Exception | None = None

    async def keep(
        self, channel: str, sender_id: str, *, key: str, name: str, content: AsyncIterator[bytes]
    ) -> StoredFile:
        """Keep a file."""
        if self.broken is not None:
            raise self.broken
        found = b"".join([part async for part in content])
        if not found.isascii():
            raise Refused("no text", reason="WrongType")
        self.kept[channel, sender_id, key] = (name, found)
        return StoredFile(f"id-{len(self.kept)}", name, "text/plain", len(found))

    async def find(self, channel: str, sender_id: str, file_id: str) -> tuple[StoredFile, Path] | None:  # noqa: ARG002
        """Find none."""
        return None
