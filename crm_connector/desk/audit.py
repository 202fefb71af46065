"""The audit log: who changed what, when. Written in the transaction of the change, and never changed itself.

The database refuses to change or delete a row. Each row carries a seal, a hash over itself and the seal
before it: whoever gets past the database cannot change a row without breaking every seal after it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import closing

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from crm_connector.columns import JSON, JSONObject, storable, utc_now
from crm_connector.tables import AuditEntry

_LOCK = 7_206_120  # key of the advisory lock on PostgreSQL; any number that nobody else uses


def note(
    session: Session, actor: str, action: str, subject: str, detail: JSONObject | None = None
) -> AuditEntry:
    """Add a row: seals need one order, so transactions that write here wait for each other."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    last = session.scalar(select(AuditEntry.seal).order_by(AuditEntry.id.desc()).limit(1))
    entry = AuditEntry(
        actor=storable(actor),
        action=storable(action),
        subject=storable(subject),
        detail=_stored(detail or {}),
        noted_at=utc_now(),
        seal="",
    )
    entry.seal = _seal(entry, last or "")
    session.add(entry)
    session.flush()
    return entry


def entries(
    session: Session,
    *,
    subject: str | None = None,
    actor: str | None = None,
    limit: int = 200,
    before: int = 0,
) -> list[AuditEntry]:
    """Rows, newest first; with `before`, those with a smaller id."""
    query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit)
    if subject is not None:
        query = query.where(AuditEntry.subject == subject)
    if actor is not None:
        query = query.where(AuditEntry.actor == actor)
    if before:
        query = query.where(AuditEntry.id < before)
    return list(session.scalars(query))


def first_broken(session: Session) -> AuditEntry | None:
    """The first row whose seal does not fit: something was changed there or before; None when all is well."""
    seal = ""
    query = select(AuditEntry).order_by(AuditEntry.id).execution_options(yield_per=500)
    with closing(session.scalars(query)) as rows:
        for entry in rows:
            if entry.seal != _seal(entry, seal):
                return entry
            seal = entry.seal
    return None


def _stored(detail: JSONObject) -> JSONObject:
    """The detail as it comes back from the database, with nothing in it that one would refuse."""
    stored: JSONObject = json.loads(json.dumps(_clean(detail), default=str))
    return stored


def _clean(value: JSON) -> JSON:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(str(key)): _clean(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [_clean(item) for item in value]
    return value


def _seal(entry: AuditEntry, before: str) -> str:
    row = [
        before,
        entry.noted_at.isoformat(timespec="microseconds"),
        entry.actor,
        entry.action,
        entry.subject,
        entry.detail,
    ]
    return hashlib.sha256(json.dumps(row, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
