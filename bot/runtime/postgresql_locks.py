"""Order within a conversation across processes: advisory locks of a PostgreSQL database, which keeps nothing.

All locks of a process hang on one connection, so those of a process that died are free at once. A pooler that
hands connections on between transactions (PgBouncer in transaction mode) cannot stand between.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bot.errors import SettingsError
from bot.runtime.locks import ConversationLocks, LocksUnavailable
from bot.runtime.optional_library import require
from bot.runtime.stores.sql_address import CONNECT_TIMEOUT_S, SqlAddress

if TYPE_CHECKING:
    import psycopg

logger = logging.getLogger(__name__)

# How often a waiting turn asks whether it may begin: only turns of one conversation in two processes wait so.
ASK_AGAIN_S = 0.02
_TAKE, _GIVE_BACK = "SELECT pg_try_advisory_lock(%s)", "SELECT pg_advisory_unlock(%s)"


@dataclass(frozen=True, slots=True)
class PostgresqlLockOptions(SqlAddress):
    """`lock_store: {type: postgresql}`; `key_prefix` tells assistants that share a database apart."""

    dialect: str = "postgresql"
    db: str = "rasa"
    key_prefix: str = ""

    def open_locks(self, root: Path) -> PostgresqlLocks:
        """Return the locks.

        Raises:
            SettingsError: The library is missing, or the address is not PostgreSQL's.
        """
        require("psycopg", extra="postgresql", purpose="lock_store of type postgresql")
        address = self.location(root)
        if address.get_backend_name() != "postgresql":
            raise SettingsError(f"lock_store: {address!r} is no PostgreSQL database")
        plain = address.set(drivername="postgresql")
        return PostgresqlLocks(
            plain.render_as_string(hide_password=False),
            place=plain.render_as_string(hide_password=True),
            prefix=self.key_prefix,
        )


class PostgresqlLocks:
    """Locks that all processes with the same database and prefix share.

    Turns within a process go in the order they came; between processes whoever asks first after a turn has
    ended is next.
    """

    def __init__(self, address: str, *, place: str = "PostgreSQL", prefix: str = "") -> None:
        self._address = address
        self._place = place
        self._prefix = prefix
        self._connection: psycopg.AsyncConnection[tuple[bool]] | None = None
        self._asking = asyncio.Lock()
        # The same connection gets the same lock twice: within the process somebody else has to keep order.
        self._own = ConversationLocks()

    @asynccontextmanager
    async def hold(self, sender_id: str) -> AsyncIterator[None]:
        """Wait until it is this turn's time, and keep others of the same sender out, in all processes.

        Raises:
            LocksUnavailable: The database is away; the turn has not begun.
        """
        key = self._key(sender_id)
        async with self._own.hold(sender_id):
            await self._wait(key)
            try:
                yield
            finally:
                await asyncio.shield(self._give_back(key, sender_id))

    async def ping(self) -> None:
        """Ask whether the database is there.

        Raises:
            LocksUnavailable: It is not.
        """
        await self._ask("SELECT %s = 0", 0)

    async def close(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection:
            await connection.close()

    async def _wait(self, key: int) -> None:
        while not await self._take(key):  # noqa: ASYNC110 - the lock is let go of in another process
            await asyncio.sleep(ASK_AGAIN_S)

    async def _take(self, key: int) -> bool:
        """Ask for a lock; one that comes after nobody waits for it any more is given back."""
        asked = asyncio.create_task(self._ask(_TAKE, key))
        try:
            return await asyncio.shield(asked)
        except asyncio.CancelledError:
            if await asked:
                await self._ask(_GIVE_BACK, key)
            raise

    async def _give_back(self, key: int, sender_id: str) -> None:
        """Let the next one in; where the connection broke meanwhile, the lock is gone already."""
        try:
            was_held = await self._ask(_GIVE_BACK, key)
        except LocksUnavailable as error:
            logger.warning("the lock of conversation %r was not given back: %s", sender_id, error)
            return
        if not was_held:
            logger.error("a turn of conversation %r lost its lock: the connection broke", sender_id)

    async def _ask(self, statement: str, key: int) -> bool:
        """Run one statement, on a new connection if the old one broke while it was idle."""
        import psycopg  # noqa: PLC0415 (an extra, needed only where it is configured)

        async with self._asking:
            for is_last in (False, True):
                try:
                    if self._connection is None:
                        self._connection = await psycopg.AsyncConnection.connect(
                            self._address, autocommit=True, connect_timeout=CONNECT_TIMEOUT_S
                        )
                    cursor = await self._connection.execute(statement, (key,))
                    row = await cursor.fetchone()
                    return bool(row and row[0])
                except (psycopg.Error, OSError) as error:
                    await self.close()
                    if is_last:
                        message = f"lock store: {self._place} does not answer: {error}"
                        raise LocksUnavailable(message) from error
        raise AssertionError("the loop returns or raises")

    def _key(self, sender_id: str) -> int:
        """Return 64 bits, as advisory locks are named; two conversations with equal ones would only wait."""
        digest = hashlib.sha256(f"{self._prefix}\0{sender_id}".encode("utf-8", "surrogatepass")).digest()
        return int.from_bytes(digest[:8], signed=True)
