"""Order within a conversation: turns of one sender run one after the other, of different senders at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol, runtime_checkable

from bot.runtime.tracker_store import StoreUnavailable


class LocksUnavailable(StoreUnavailable):
    """The order of a conversation cannot be held just now; its turn has not begun."""


class Locks(Protocol):
    """Who keeps the turns of a conversation one after the other."""

    def hold(self, sender_id: str) -> AbstractAsyncContextManager[None]:
        """Wait until it is this turn's time, and keep others of the same sender out.

        Raises:
            LocksUnavailable: It cannot be known whose time it is.
        """
        ...


@runtime_checkable
class RemoteLocks(Protocol):
    """Locks that others keep: they may be away, and are let go of in the end."""

    async def ping(self) -> None:
        """Ask whether they are there.

        Raises:
            LocksUnavailable: They are not.
        """
        ...

    async def close(self) -> None:
        """Close connections."""
        ...


class ConversationLocks:
    """Locks for the conversations of this process; waiting turns go in the order they came."""

    def __init__(self) -> None:
        self._locks: dict[str, asyncio.Lock] = {}
        self._waiting: dict[str, int] = {}

    @asynccontextmanager
    async def hold(self, sender_id: str) -> AsyncIterator[None]:
        """Wait until it is this turn's time, and keep others of the same sender out."""
        lock = self._locks.setdefault(sender_id, asyncio.Lock())
        self._waiting[sender_id] = self._waiting.get(sender_id, 0) + 1
        try:
            async with lock:
                yield
        finally:
            self._waiting[sender_id] -= 1
            if not self._waiting[sender_id]:
                del self._waiting[sender_id], self._locks[sender_id]

    def __len__(self) -> int:
        return len(self._locks)
