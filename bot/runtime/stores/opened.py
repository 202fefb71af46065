"""The stores, the locks and the broker that a project asks for, opened together and closed together."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from bot.dialogue.messages import UserMessage
from bot.runtime.conversations import ConversationStore
from bot.runtime.crm_tracker_store import CrmTrackerStore
from bot.runtime.event_brokers.published_store import PublishedStore
from bot.runtime.event_brokers.publisher import BackgroundPublisher
from bot.runtime.locks import ConversationLocks, Locks, RemoteLocks
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


@dataclass(frozen=True, slots=True)
class OpenedStores:
    """What keeps conversations: `tracker_store` also publishes, and knows who owns each one."""

    tracker_store: ConversationStore
    locks: Locks
    publisher: BackgroundPublisher | None = None
    own_store: ConversationStore | None = None

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
        own = tracker_store.open_store(root) if tracker_store else None
        store: ConversationStore = WithAgents(own, crm) if own else CrmTrackerStore(crm)
        if broker is None:
            return cls(store, locks, own_store=own)
        publisher = BackgroundPublisher(broker)
        return cls(PublishedStore(store, publisher), locks, publisher, own)

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
        if isinstance(self.own_store, Closable):
            self.own_store.close()
