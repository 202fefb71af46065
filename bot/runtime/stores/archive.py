"""All conversations of a project's store, one after the other: for export and for markers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, runtime_checkable

from bot.dialogue.events import Event
from bot.errors import SettingsError
from bot.runtime.conversations import ConversationStore
from bot.runtime.crm_tracker_store import CrmTrackerStore
from bot.runtime.stores.opened import Closable
from bot.runtime.stores.registry import TrackerStoreOptions
from crm_connector import conversations, database


@runtime_checkable
class ListsConversations(Protocol):
    """A tracker store that knows which conversations it holds."""

    def sender_ids(self) -> Sequence[str]:
        """Return the sender ids of all conversations."""
        ...


class Archive:
    """Reads conversations; nothing is written."""

    def __init__(self, store: ConversationStore, names: ListsConversations) -> None:
        self._store = store
        self._names = names

    def sender_ids(self) -> list[str]:
        """Return the sender ids of all conversations."""
        return list(self._names.sender_ids())

    def events(self, sender_id: str) -> list[Event]:
        """Return all events of a conversation, of all its sessions."""
        return [event for _, event in asyncio.run(self._transcript(sender_id))]

    async def _transcript(self, sender_id: str) -> Sequence[tuple[int, Event]]:
        return await self._store.transcript(sender_id, 0)


class _CrmNames:
    def __init__(self, crm: database.Store) -> None:
        self._crm = crm

    def sender_ids(self) -> list[str]:
        with self._crm.reading() as session:
            return conversations.sender_ids(session)


@contextmanager
def open_archive(root: Path, crm_url: str, tracker_store: TrackerStoreOptions | None) -> Iterator[Archive]:
    """Open the store that a project's settings name.

    Raises:
        SettingsError: It cannot be opened, or it cannot say what it holds.
    """
    if tracker_store is None:
        try:
            crm = database.open(crm_url)
        except database.StoreUnavailable as error:
            raise SettingsError(f"the CRM's store cannot be opened: {error}") from error
        try:
            yield Archive(CrmTrackerStore(crm), _CrmNames(crm))
        finally:
            crm.close()
        return
    store = tracker_store.open_store(root)
    try:
        if not isinstance(store, ListsConversations):
            name = type(store).__name__
            raise SettingsError(f"the tracker store {name} has no method sender_ids(): it cannot be exported")
        yield Archive(store, store)
    finally:
        if isinstance(store, Closable):
            store.close()
