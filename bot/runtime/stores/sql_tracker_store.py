"""Conversations in an SQL database, in the very table that Rasa keeps: both can read the same database."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
)

from bot.dialogue.events import Event, event_from_dict
from bot.dialogue.messages import JSON, UserMessage
from bot.errors import SettingsError
from bot.runtime.stores.sql_address import SqlAddress, SqlUnavailable, available, require_schema
from bot.runtime.tracker_store import StoredConversation, StoreUnavailable

_EVENTS = Table(
    "events",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("sender_id", String(255), nullable=False, index=True),
    Column("type_name", String(255), nullable=False),
    Column("timestamp", Float),
    Column("intent_name", String(255)),
    Column("action_name", String(255)),
    Column("data", Text),
)
_row = _EVENTS.c


@dataclass(frozen=True, slots=True)
class SqlTrackerStoreOptions(SqlAddress):
    """`tracker_store: {type: SQL}`."""

    def open_store(self, root: Path) -> SqlTrackerStore:
        """Open the store of a project.

        Raises:
            SettingsError: The database cannot be used.
        """
        return SqlTrackerStore.open(self.open(root))


class SqlTrackerStore:
    """A tracker store on Rasa's table `events`; a row's id is the event's sequence.

    The database is the only memory: several processes may share it as long as they also share locks.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._writing = engine.execution_options(writing=True)

    @classmethod
    def open(cls, engine: Engine) -> SqlTrackerStore:
        """Make the table if it is missing, and return the store.

        Raises:
            SettingsError: The database cannot be used.
        """
        try:
            with available(engine):
                require_schema(engine)
                _create_table(engine)
        except (SqlUnavailable, SettingsError) as error:
            engine.dispose()
            raise SettingsError(f"tracker_store: {error}") from error
        return cls(engine)

    def load(self, message: UserMessage) -> StoredConversation:
        """Return the present session; see `TrackerStore.load`."""
        with self._reading() as connection:
            first = _session_start(connection, message.sender_id)
            return StoredConversation([event for _, event in _read(connection, message.sender_id, first)])

    def append(self, message: UserMessage, events: Sequence[Event]) -> None:
        """Add the events of a turn in one transaction; see `TrackerStore.append`."""
        if not events:
            return
        with self._transaction() as connection:
            connection.execute(insert(_EVENTS), _rows(message.sender_id, events))

    def replace(self, message: UserMessage, events: Sequence[Event]) -> None:
        """Put other events in the place of a conversation; ids go on, so that readers notice.

        Raises:
            StoreUnavailable: It cannot be written just now; the conversation is as it was.
        """
        with self._transaction() as connection:
            own = _row.sender_id == message.sender_id
            last = connection.scalar(select(func.max(_row.id)).where(own)) or 0
            if events:
                connection.execute(insert(_EVENTS), _rows(message.sender_id, events))
            connection.execute(delete(_EVENTS).where(own, _row.id <= last))

    async def transcript(self, sender_id: str, after: int) -> Sequence[tuple[int, Event]]:
        """Return the events with a sequence greater than `after`; sequences rise, with gaps."""
        return await asyncio.to_thread(self._transcript, sender_id, after)

    def _transcript(self, sender_id: str, after: int) -> list[tuple[int, Event]]:
        with self._reading() as connection:
            return _read(connection, sender_id, after + 1)

    def events_of(self, *kinds: str) -> list[tuple[str, Event]]:
        """Return the events of these kinds in all conversations; see `FindsEvents`."""
        found = select(_row.sender_id, _row.data).where(_row.type_name.in_(kinds)).order_by(_row.id)
        with self._reading() as connection:
            rows = connection.execute(found)
            return [(sender_id, event_from_dict(json.loads(data))) for sender_id, data in rows]

    def sender_ids(self) -> list[str]:
        """Return the sender ids of all conversations, the oldest first."""
        oldest = select(_row.sender_id).group_by(_row.sender_id).order_by(func.min(_row.id))
        with self._reading() as connection:
            return list(connection.scalars(oldest))

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        try:
            with available(self._engine), self._engine.connect() as connection:
                yield connection
        except SqlUnavailable as error:
            raise StoreUnavailable(f"tracker store {error}") from error

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        try:
            with available(self._engine), self._writing.begin() as connection:
                yield connection
        except SqlUnavailable as error:
            raise StoreUnavailable(f"tracker store {error}") from error


def _create_table(engine: Engine) -> None:
    """Two processes may start at once: the loser of the race finds the table."""
    try:
        with available(engine):
            _EVENTS.metadata.create_all(engine)
    except SqlUnavailable:
        with available(engine), engine.connect() as connection:
            connection.execute(select(_EVENTS).limit(1))


def _session_start(connection: Connection, sender_id: str) -> int:
    """Return the id where the present session begins: its `session_started`, or the action before it."""
    own = _row.sender_id == sender_id
    started: int | None = connection.scalar(
        select(func.max(_row.id)).where(own, _row.type_name == "session_started")
    )
    if started is None:
        return 0
    before = connection.execute(
        select(_row.id, _row.action_name).where(own, _row.id < started).order_by(_row.id.desc()).limit(1)
    ).first()
    if before is None or before.action_name != "action_session_start":
        return started
    return int(before.id)


def _read(connection: Connection, sender_id: str, first: int) -> list[tuple[int, Event]]:
    query = select(_row.id, _row.data).where(_row.sender_id == sender_id, _row.id >= first).order_by(_row.id)
    return [(number, event_from_dict(json.loads(data))) for number, data in connection.execute(query)]


def _rows(sender_id: str, events: Sequence[Event]) -> list[dict[str, JSON]]:
    return [_as_row(sender_id, event.as_dict()) for event in events]


def _as_row(sender_id: str, data: dict[str, JSON]) -> dict[str, JSON]:
    parsed = data.get("parse_data") or {}
    return {
        "sender_id": sender_id,
        "type_name": data["event"],
        "timestamp": data["timestamp"],
        "intent_name": (parsed.get("intent") or {}).get("name"),
        "action_name": data.get("name"),
        "data": json.dumps(data),
    }
