"""Where conversations live between turns."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol, TypeGuard, runtime_checkable

from bot.dialogue.events import BotUttered, Event
from bot.dialogue.messages import UserMessage
from bot.errors import FrontdeskError


class StoreUnavailable(FrontdeskError):
    """The store cannot be read or written just now; nothing was changed."""


class AlreadyAnswered(FrontdeskError):
    """Another process answered this message in the meantime; `replies` is what it said."""

    def __init__(self, replies: Sequence[BotUttered]) -> None:
        self.replies = list(replies)
        super().__init__("the message was answered before")


@dataclass(frozen=True, slots=True)
class StoredConversation:
    """What a store knows when a message arrives.

    `events` are in order and hold at least the latest session. `answered` is what the bot said to this very
    message (channel and message id) when it came before, None when it is new. `is_with_agent` means that a
    person owns the conversation.
    """

    events: Sequence[Event] = ()
    answered: Sequence[BotUttered] | None = None
    is_with_agent: bool = False


class TrackerStore(Protocol):
    """Keeps the events of every conversation. Called from worker threads."""

    def load(self, message: UserMessage) -> StoredConversation:
        """Return the conversation that a message belongs to.

        Raises:
            StoreUnavailable: It cannot be read just now.
        """
        ...

    def append(self, message: UserMessage, events: Sequence[Event]) -> None:
        """Add the events of the turn that a message began, all or none.

        Raises:
            AlreadyAnswered: The same message has a turn already; nothing was added.
            StoreUnavailable: It cannot be written just now.
        """
        ...


@runtime_checkable
class QuickStore(Protocol):
    """A store that can often do in less time what changing to a worker thread and back would take.

    Called in the thread that serves all conversations, so it neither waits nor reads much.
    """

    def load_at_once(self, message: UserMessage) -> StoredConversation | None:
        """Do what `TrackerStore.load` does, or return None where that takes longer."""
        ...

    def append_at_once(self, message: UserMessage, events: Sequence[Event]) -> bool:
        """Do what `TrackerStore.append` does, or return False where that takes longer: nothing was added."""
        ...


async def load(store: TrackerStore, message: UserMessage) -> StoredConversation:
    """Load a conversation, in a worker thread unless that is quick; see `TrackerStore.load`."""
    found = store.load_at_once(message) if _is_quick(store) else None
    if found is not None:
        return found
    return await asyncio.to_thread(store.load, message)


async def append(store: TrackerStore, message: UserMessage, events: Sequence[Event]) -> None:
    """Add a turn, in a worker thread unless that is quick; see `TrackerStore.append`."""
    if not (_is_quick(store) and store.append_at_once(message, events)):
        await asyncio.to_thread(store.append, message, events)


def _is_quick(store: TrackerStore) -> TypeGuard[QuickStore]:
    return _has_quick_methods(type(store))


@cache
def _has_quick_methods(kind: type) -> bool:
    """Asked of a protocol for each message this would cost as much as a question to the store."""
    return issubclass(kind, QuickStore)


class InMemoryTrackerStore:
    """Conversations of this process only, for tests and trying out; redeliveries show in the events."""

    def __init__(self) -> None:
        self._events: dict[str, list[Event]] = {}
        self.with_agent: set[str] = set()

    def load(self, message: UserMessage) -> StoredConversation:
        """Return all events of a conversation."""
        events = list(self._events.get(message.sender_id, ()))
        return StoredConversation(events, is_with_agent=message.sender_id in self.with_agent)

    def append(self, message: UserMessage, events: Sequence[Event]) -> None:
        """Add the events of one turn."""
        self._events.setdefault(message.sender_id, []).extend(events)

    def replace(self, message: UserMessage, events: Sequence[Event]) -> None:
        """Put other events in the place of a conversation."""
        self._events[message.sender_id] = list(events)

    def events_of(self, sender_id: str) -> list[Event]:
        """Return all events of a conversation."""
        return list(self._events.get(sender_id, ()))

    async def transcript(self, sender_id: str, after: int) -> Sequence[tuple[int, Event]]:
        """Return the events with a sequence greater than `after`; sequences start at 1."""
        return list(enumerate(self._events.get(sender_id, ()), start=1))[after:]
