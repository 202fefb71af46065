"""Events into an SQL table, in the form in which Rasa writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Column, Engine, Integer, MetaData, String, Table, Text, insert

from bot.dialogue.messages import JSON
from bot.runtime.event_brokers.publisher import BrokerUnavailable
from bot.runtime.stores.sql_address import SqlAddress, SqlUnavailable, available, require_schema

_EVENTS = Table(
    "events",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("sender_id", String(255)),
    Column("data", Text),
)


@dataclass(frozen=True, slots=True)
class SqlBrokerOptions(SqlAddress):
    """`event_broker: {type: SQL}`; the database must be another one than that of the tracker store."""

    db: str = "events.db"

    def open_broker(self, root: Path) -> SqlBroker:
        """Return the broker; the database is asked for when the first event comes."""
        return SqlBroker(self.open(root))


class SqlBroker:
    """One row per event in the table `events`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._writing = engine.execution_options(writing=True)
        self._has_table = False

    def send(self, event: Mapping[str, JSON]) -> None:
        """Insert one row; see `EventBroker.send`."""
        row = {"sender_id": event.get("sender_id"), "data": json.dumps(event)}
        try:
            with available(self._engine):
                if not self._has_table:
                    require_schema(self._engine)
                    _EVENTS.metadata.create_all(self._engine)
                    self._has_table = True
                with self._writing.begin() as connection:
                    connection.execute(insert(_EVENTS), row)
        except SqlUnavailable as error:
            raise BrokerUnavailable(f"event broker {error}") from error

    def stay_alive(self) -> None:
        """Do nothing: a connection that broke is replaced when it is needed."""

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()
