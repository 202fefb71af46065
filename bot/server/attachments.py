"""Files that customers send, kept in the CRM and in a folder beside it: `attachments` in `endpoints.yml`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from pathlib import Path

from bot.channels.attachments import StoredFile
from bot.channels.incoming import Refused
from bot.errors import SettingsError, nearest
from crm_connector import attachments, database
from crm_connector.attachments import Attachments, FileRefused, Limits, Origin, Refusal
from crm_connector.file_types import KNOWN_TYPES
from crm_connector.tables import Attachment

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class AttachmentOptions:
    """Where files lie, and what is kept; a relative `folder` lies in the project, 0 megabytes take none."""

    folder: str = "attachments"
    max_megabytes: int = 10
    max_files: int = 50
    media_types: tuple[str, ...] = KNOWN_TYPES

    def __post_init__(self) -> None:
        if self.max_megabytes < 0 or self.max_files < 1:
            raise SettingsError("expected 'max_megabytes' from 0 and 'max_files' from 1")
        for name in self.media_types:
            if name not in KNOWN_TYPES:
                guess = nearest(name, KNOWN_TYPES) or f", expected some of {', '.join(KNOWN_TYPES)}"
                raise SettingsError(f"media type '{name}' cannot be told by a file's bytes{guess}")

    def open_files(self, root: Path, store: database.Store) -> KeptFiles:
        """Open the folder of a project beside its CRM store."""
        limits = Limits(self.max_megabytes * _MIB, self.max_files, self.media_types)
        return KeptFiles(Attachments(store, root / self.folder, limits))


class KeptFiles:
    """The `Files` of all channels."""

    def __init__(self, kept: attachments.Attachments) -> None:
        self.kept = kept

    @property
    def max_bytes(self) -> int:
        """The size of the largest file that is kept."""
        return self.kept.limits.max_bytes

    @property
    def media_types(self) -> Collection[str]:
        """The types that are kept."""
        return self.kept.limits.media_types

    async def keep(
        self, channel: str, sender_id: str, *, key: str, name: str, content: AsyncIterator[bytes]
    ) -> StoredFile:
        """Keep a file; see `Files.keep`."""
        origin = Origin(channel, sender_id, key)
        try:
            with self.kept.receiving() as upload:
                async for part in content:
                    await asyncio.to_thread(upload.write, part)
                return _stored(await asyncio.to_thread(self.kept.keep, upload, origin, name))
        except FileRefused as refused:
            raise self._refusal(refused.reason) from refused
        except database.StoreUnavailable as error:
            text = "Files cannot be kept right now."
            raise Refused(text, code=503, reason="Unavailable") from error

    async def find(self, channel: str, sender_id: str, file_id: str) -> tuple[StoredFile, Path] | None:
        """Find a file of this conversation; see `Files.find`."""
        found = await asyncio.to_thread(self.kept.find, channel, sender_id, file_id)
        return None if found is None else (_stored(found), self.kept.path(found))

    def _refusal(self, reason: Refusal) -> Refused:
        limits = self.kept.limits
        match reason:
            case Refusal.TOO_LARGE:
                text = f"The file is too large, at most {limits.max_bytes:,} bytes are taken."
                return Refused(text, code=413, reason="FileTooLarge", details={"limit": limits.max_bytes})
            case Refusal.WRONG_TYPE:
                text = f"Such files are not taken, only {', '.join(limits.media_types)}."
                return Refused(text, code=415, reason="WrongFileType")
            case Refusal.TOO_MANY:
                text = f"A conversation takes {limits.max_files} files at most."
                return Refused(text, code=403, reason="TooManyFiles")
            case Refusal.EMPTY:
                return Refused("The file is empty.", reason="EmptyFile")


def _stored(row: Attachment) -> StoredFile:
    return StoredFile(row.file_id, row.name, row.media_type, row.size_bytes)
