"""Who works on the queues of a store: one process on SQLite, up to 64 on PostgreSQL; and who is dead.

A process holds a lock for as long as it lives, and the system lets go of it however the process ends. On
SQLite it keeps a second process out. On PostgreSQL it is an advisory lock on a number from 1 to 64, the
process's name: whoever finds a number free that still has work under way goes on with that work.
"""

from __future__ import annotations

import sqlite3
import time
import zlib
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from bot.errors import SettingsError

MOST_PROCESSES = 64
WAIT_FOR_THE_LAST_S = 15.0
_NAMES = "process-"


class Executor(Protocol):
    """This process among those that work on the same queues."""

    @property
    def name(self) -> str:
        """What its work is marked with; at most one living process has it."""
        ...

    def dead(self) -> list[str]:
        """Return names whose process is dead; they stay so until `release`.

        A process that has lost its connection to PostgreSQL looks dead, so a name counts as dead when it was
        found free twice in a row.
        """
        ...

    def release(self) -> None:
        """Let others have the dead names, once their work was taken over."""
        ...

    def close(self) -> None:
        """Give the own name back."""
        ...


class OnlyProcess:
    """The one process that may work on queues in SQLite; what its forerunner left is its own."""

    name = "only"

    def __init__(self, lock: Path | None, *, wait_s: float = WAIT_FOR_THE_LAST_S) -> None:
        """Take the lock, waiting for a forerunner to end; a store in memory needs none.

        Raises:
            SettingsError: Another process has it.
        """
        self._held = _exclusive(lock, wait_s) if lock else None

    def dead(self) -> list[str]:
        """Return nobody."""
        return []

    def release(self) -> None:
        """Do nothing: nobody was found dead."""

    def close(self) -> None:
        """Let the next process in."""
        if self._held is not None:
            self._held.close()


class NumberedProcess:
    """One of several processes on PostgreSQL."""

    def __init__(self, engine: Engine, queue: str) -> None:
        """Take the first free number of a queue.

        Raises:
            SettingsError: There is none, or no connection.
        """
        self._engine = engine
        # Locks are numbered within a database, which may have several queues.
        self._space = zlib.crc32(queue.encode()) & 0x7FFF_FFFF
        self._number: int | None = None
        self._connection: Connection | None = None
        self._seen_free: set[int] = set()
        self._held: list[int] = []
        try:
            self._number = self._take_a_number()
        except SQLAlchemyError as error:
            self.close()
            raise SettingsError(f"the queue of messages cannot be used: {error}") from error

    @property
    def name(self) -> str:
        """Its number, with a word before it."""
        return f"{_NAMES}{self._number}"

    def dead(self) -> list[str]:
        """Return names of dead processes; see `Executor.dead`."""
        numbers = [number for number in range(1, MOST_PROCESSES + 1) if number != self._number]
        free = set(self._lock(numbers))
        self._held = sorted(free & self._seen_free)
        self._unlock(sorted(free - set(self._held)))
        self._seen_free = free
        return [f"{_NAMES}{number}" for number in self._held]

    def release(self) -> None:
        """Let go of the numbers that `dead` returned."""
        self._unlock(self._held)
        self._held = []

    def close(self) -> None:
        """Close the connection that holds the locks."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _take_a_number(self) -> int:
        # Others hold free numbers for moments while they look for the dead.
        for _ in range(20):
            for number in range(1, MOST_PROCESSES + 1):
                if self._lock([number]):
                    return number
            time.sleep(0.1)
        raise SettingsError(f"{MOST_PROCESSES} processes work on this queue already, more cannot")

    def _lock(self, numbers: list[int]) -> list[int]:
        """Take the locks that are free; returns their numbers."""
        return self._ask(
            "SELECT number FROM unnest(CAST(:numbers AS int[])) AS number"
            " WHERE pg_try_advisory_lock(:space, number)",
            numbers,
        )

    def _unlock(self, numbers: list[int]) -> None:
        if numbers:
            self._ask(
                "SELECT number FROM unnest(CAST(:numbers AS int[])) AS number"
                " WHERE pg_advisory_unlock(:space, number)",
                numbers,
            )

    def _ask(self, statement: str, numbers: list[int]) -> list[int]:
        """Ask on the connection that holds the locks; a new one takes the own number again."""
        try:
            rows = self._connected().execute(text(statement), {"space": self._space, "numbers": numbers})
            return [int(row.number) for row in rows]
        except SQLAlchemyError:
            self.close()
            raise

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            # Given back to the pool it would keep its locks.
            self._connection.detach()
            if self._number is not None and not self._lock([self._number]):
                self.close()
                raise SettingsError(f"another process has taken over as {self.name}")
        return self._connection


def _exclusive(lock: Path, wait_s: float) -> sqlite3.Connection:
    """Hold an exclusive lock on a file, on every system that SQLite knows."""
    connection = sqlite3.connect(lock, timeout=wait_s, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        connection.close()
        raise SettingsError(
            f"{lock}: another process sends the messages of this CRM store; several at once need PostgreSQL"
        ) from error
    return connection
