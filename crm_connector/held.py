"""A connection that stays open: taking one from the pool costs more than a message's small statements."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError


class HeldConnection:
    """Opens when it is first used, and again after it broke; one thread at a time has it."""

    def __init__(self, engine: Engine, *setup: str) -> None:
        """Take the engine to connect with and what is said to a new connection."""
        self._engine = engine
        self._setup = setup
        self._using = threading.Lock()
        self._connection: Connection | None = None

    @contextmanager
    def use(self) -> Iterator[Connection]:
        """Have the connection, in no transaction."""
        with self._using:
            if self._connection is None:
                self._connection = self._open()
            try:
                yield self._connection
            except (SQLAlchemyError, self._engine.dialect.loaded_dbapi.Error):
                self._drop()
                raise

    def close(self) -> None:
        """Close it until it is used again."""
        with self._using:
            self._drop()

    def _open(self) -> Connection:
        connection = self._engine.connect()
        connection.detach()
        cursor = connection.connection.cursor()
        for statement in self._setup:
            cursor.execute(statement)
        cursor.close()
        return connection

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            # What is broken cannot always be closed, and nothing is lost with it.
            with suppress(SQLAlchemyError):
                connection.close()
