"""The stores, the locks and the broker that a project asks for, opened together and closed together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from bot.dialogue.events import Event
from bot.dialogue.messages import UserMessage
from bot.runtime.conversations import ConversationStore
from bot.runtime.crm_tracker_store import CrmTrackerStore
from bot.runtime.event_brokers.published_store import PublishedStore
from bot.runtime.event_brokers.publisher import BackgroundPublisher
from bot.runtime.locks import ConversationLocks, Locks, RemoteLocks
from bot.runtime.reminders import KINDS
from bot.runtime.stores.agent_ownership import WithAgents
from bot.runtime.stores.registry import BrokerOptions, LockOptions, TrackerStoreOptions
from bot.runtime.tracker_store import StoreUnavailable
from crm_connector import database

_NOBODYS = UserMessage("", "health")


@runtime_checkable
class Closable(Protocol):
    """A store with connections of its own."""

    def close(self) -> None:
        """Let go of them."""
        ...


@runtime_checkable
class FindsEvents(Protocol):
    """A store that finds events of some kinds without a conversation's name."""

    def events_of(self, *kinds: str) -> Sequence[tuple[str, Event]]:
        """Return sender ids with their events of these kinds, in the order in which they were stored.

        Raises:
            StoreUnavailable: They cannot be read just now.
        """
        ...


@dataclass(frozen=True, slots=True)
class OpenedStores:
    """What keeps conversations: `tracker_store` also publishes, and knows who owns each one.

    `plain_store` is the same without both.
    """

    tracker_store: ConversationStore
    plain_store: ConversationStore
    locks: Locks
    publisher: BackgroundPublisher | None = None

    @classmethod
    def open(
        cls,
        root: Path,
        crm: database.Store,
        tracker_store: TrackerStoreOptions | None,
        lock_store: LockOptions | None,
        event_broker: BrokerOptions | None,
    ) -> OpenedStores:
        """Open what is set; without a tracker store conversations live in the CRM.

        Raises:
            SettingsError: One of them cannot be used.
        """
        locks = lock_store.open_locks(root) if lock_store else ConversationLocks()
        broker = event_broker.open_broker(root) if event_broker else None
        plain = tracker_store.open_store(root) if tracker_store else CrmTrackerStore(crm)
        store: ConversationStore = WithAgents(plain, crm) if tracker_store else plain
        if broker is None:
            return cls(store, plain, locks)
        publisher = BackgroundPublisher(broker)
        return cls(PublishedStore(store, publisher), plain, locks, publisher)

    def reminders(self) -> Sequence[tuple[str, Event]]:
        """Return what is stored of reminders; nothing where the store cannot tell.

        Raises:
            StoreUnavailable: It cannot be read just now.
        """
        return self.plain_store.events_of(*KINDS) if isinstance(self.plain_store, FindsEvents) else ()

    async def is_reachable(self) -> bool:
        """Whether a turn could be loaded, and its order held; never raises."""
        try:
            await asyncio.to_thread(self.tracker_store.load, _NOBODYS)
            if isinstance(self.locks, RemoteLocks):
                await self.locks.ping()
        except StoreUnavailable:
            return False
        return True

    async def close(self) -> None:
        """Send what waits for the broker, and close all connections but the CRM's."""
        if self.publisher:
            await asyncio.to_thread(self.publisher.close)
        if isinstance(self.locks, RemoteLocks):
            await self.locks.close()
        if isinstance(self.plain_store, Closable):
            self.plain_store.close()
