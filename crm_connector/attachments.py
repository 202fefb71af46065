"""Files that customers send: checked by their bytes, kept in a folder, found by their conversation."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from tempfile import NamedTemporaryFile

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm_connector.columns import storable
from crm_connector.database import Store, insert_once
from crm_connector.file_types import HEAD_BYTES, KNOWN_TYPES, media_type_of, safe_name
from crm_connector.tables import Attachment

_UNFINISHED = "unfinished-"
_FORGOTTEN_AFTER_S = 24 * 3600


class Refusal(StrEnum):
    """Why a file is not kept."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    WRONG_TYPE = "wrong_type"
    TOO_MANY = "too_many"


class FileRefused(Exception):
    """The file is not kept; `reason` says why."""

    def __init__(self, reason: Refusal) -> None:
        self.reason = reason
        super().__init__(f"file refused: {reason}")


@dataclass(frozen=True, slots=True)
class Limits:
    """What is kept: bytes a file, files a conversation, and the media types."""

    max_bytes: int = 10 * 1024 * 1024
    max_files: int = 50
    media_types: Collection[str] = KNOWN_TYPES


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a file comes from; `key` names the upload within its conversation, for ever."""

    channel: str
    sender_id: str
    key: str


class Upload:
    """A file that is coming in, part by part."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._limits = limits
        self._file = NamedTemporaryFile(dir=folder, prefix=_UNFINISHED, delete=False)  # noqa: SIM115 - closed by `finish` or `drop`
        self._hash = hashlib.sha256()
        self.path = Path(self._file.name)
        self.head = b""
        self.size_bytes = 0

    def write(self, part: bytes) -> None:
        """Add a part.

        Raises:
            FileRefused: The file is larger than allowed.
        """
        self.size_bytes += len(part)
        if self.size_bytes > self._limits.max_bytes:
            raise FileRefused(Refusal.TOO_LARGE)
        self.head += part[: HEAD_BYTES - len(self.head)]
        self._hash.update(part)
        self._file.write(part)

    def finish(self) -> str:
        """Bring everything to the disk, and return the SHA-256 in hexadecimal."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        return self._hash.hexdigest()

    def drop(self) -> None:
        """Forget it; nothing happens to a file that was kept."""
        self._file.close()
        self.path.unlink(missing_ok=True)


class Attachments:
    """The files of all conversations: rows in the CRM, bytes in `folder`, which no web server shows."""

    def __init__(self, store: Store, folder: Path, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._store = store
        self._folder = folder

    @contextmanager
    def receiving(self) -> Iterator[Upload]:
        """Take a file in; what the block does not hand to `keep` is gone after it."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._tidy()
        upload = Upload(self._folder, self.limits)
        try:
            yield upload
        finally:
            upload.drop()

    def keep(self, upload: Upload, origin: Origin, name: str) -> Attachment:
        """Keep a file, or return the one that came under the same origin before.

        Raises:
            FileRefused: It is empty, of a type that is not allowed, or one too many for its conversation.
            StoreUnavailable: The store is away.
        """
        if upload.size_bytes == 0:
            raise FileRefused(Refusal.EMPTY)
        media_type = media_type_of(upload.head)
        if media_type is None or media_type not in self.limits.media_types:
            raise FileRefused(Refusal.WRONG_TYPE)
        row = Attachment(
            file_id=secrets.token_hex(16),
            source_key=storable(f"{origin.channel}:{origin.sender_id}:{origin.key}"),
            channel=origin.channel,
            sender_id=origin.sender_id,
            name=safe_name(name, media_type),
            media_type=media_type,
            size_bytes=upload.size_bytes,
            sha256=upload.finish(),
        )
        with self._store.session() as session:
            kept = self._note(session, row)
            if kept is row:
                # Inside the transaction: no row without its bytes; bytes without a row harm nobody.
                path = self.path(row)
                path.parent.mkdir(mode=0o700, exist_ok=True)
                upload.path.rename(path)
        return kept

    def find(self, channel: str, sender_id: str, file_id: str) -> Attachment | None:
        """The file of a conversation; that of another one is not there."""
        with self._store.reading() as session:
            row = session.scalars(select(Attachment).where(Attachment.file_id == file_id)).one_or_none()
            belongs = row is not None and (row.channel, row.sender_id) == (channel, sender_id)
            return row if belongs else None

    def path(self, attachment: Attachment) -> Path:
        """Where the bytes lie."""
        return self._folder / attachment.file_id[:2] / attachment.file_id

    def _note(self, session: Session, row: Attachment) -> Attachment:
        of_conversation = (Attachment.channel == row.channel, Attachment.sender_id == storable(row.sender_id))
        stored = insert_once(session, row, Attachment.source_key == row.source_key)
        count = session.scalar(select(func.count(Attachment.id)).where(*of_conversation)) or 0
        if stored is row and count > self.limits.max_files:
            raise FileRefused(Refusal.TOO_MANY)
        return stored

    def _tidy(self) -> None:
        """Remove what a process left behind that died in the middle."""
        oldest = time.time() - _FORGOTTEN_AFTER_S
        for path in self._folder.glob(f"{_UNFINISHED}*"):
            try:
                if path.stat().st_mtime < oldest:
                    path.unlink()
            except FileNotFoundError:
                continue  # another process was faster


def of_conversation(session: Session, channel: str, sender_id: str) -> list[Attachment]:
    """All files of a conversation, oldest first."""
    query = select(Attachment).where(Attachment.channel == channel, Attachment.sender_id == sender_id)
    return list(session.scalars(query.order_by(Attachment.id)))
