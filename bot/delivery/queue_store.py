"""Where DBOS keeps its workflows: beside the CRM store that holds the rows they work on.

For an SQLite store that is the file `.frontdesk/NAME-queue.db` in its folder, for PostgreSQL a schema of the
same database. So whoever serves the same CRM has the same queue.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, StaticPool, create_engine, event, text
from sqlalchemy.exc import SQLAlchemyError

from bot.errors import SettingsError
from crm_connector.database import Store

FOLDER = ".frontdesk"
_BUSY_TIMEOUT_MS = 30_000


@dataclass(frozen=True, slots=True)
class QueueStore:
    """A place for DBOS; `file` on SQLite (None for a store in memory), `schema` on PostgreSQL."""

    crm: Engine
    file: Path | None = None
    schema: str | None = None

    @classmethod
    def beside(cls, store: Store) -> QueueStore:
        """Choose the place that belongs to a CRM store.

        Raises:
            SettingsError: It cannot be written.
        """
        engine = store.engine
        if engine.dialect.name == "postgresql":
            return cls(engine, schema=f"{_schema(engine)}_queue")
        database = engine.url.database
        if not database or database == ":memory:":
            return cls(engine)
        crm = Path(database).resolve()
        folder = crm.parent / FOLDER
        try:
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise SettingsError(f"{folder}: the queue of messages cannot be kept there: {error}") from error
        return cls(engine, file=folder / f"{crm.stem}-queue.db")

    @property
    def url(self) -> str:
        """Its address, with the password."""
        if self.schema is not None:
            return self.crm.url.render_as_string(hide_password=False)
        return f"sqlite:///{self.file or ':memory:'}"

    def open_engine(self) -> Engine | None:
        """Open the place on SQLite; on PostgreSQL DBOS does it."""
        if self.schema is not None:
            return None
        engine = create_engine(
            self.url,
            poolclass=None if self.file else StaticPool,
            connect_args={"check_same_thread": False},
        )
        event.listen(engine, "connect", _set_up)
        return engine


def _schema(engine: Engine) -> str:
    try:
        with engine.connect() as connection:
            return str(connection.execute(text("SELECT current_schema()")).scalar_one())
    except SQLAlchemyError as error:
        raise SettingsError(f"the queue of messages cannot be kept in PostgreSQL: {error}") from error


def _set_up(connection: Any, _record: object) -> None:
    """Let readers and one writer work beside each other; a commit outlives the process, as in the CRM."""
    connection.isolation_level = "IMMEDIATE"
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()
