"""A tracker store that tells the event broker what was stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.dialogue.events import Event
from bot.dialogue.messages import JSON, UserMessage
from bot.runtime.conversations import ConversationStore
from bot.runtime.tracker_store import StoredConversation


class Publisher(Protocol):
    """Who hands events to the broker."""

    def publish(self, event: dict[str, JSON]) -> None:
        """Take an event at once and never raise; called from worker threads."""
        ...


@dataclass(frozen=True, slots=True)
class PublishedStore:
    """A tracker store whose new events are published after they were stored, in their order."""

    store: ConversationStore
    publisher: Publisher

    def load(self, message: UserMessage) -> StoredConversation:
        """Return the conversation; see `TrackerStore.load`."""
        return self.store.load(message)

    def append(self, message: UserMessage, events: Sequence[Event]) -> None:
        """Add the events of a turn; what could not be stored is not published."""
        self.store.append(message, events)
        for event in events:
            self.publisher.publish({"sender_id": message.sender_id, **event.as_dict()})

    def replace(self, message: UserMessage, events: Sequence[Event]) -> None:
        """Put other events in the place of a conversation; they are old ones, so nothing is published."""
        self.store.replace(message, events)

    async def transcript(self, sender_id: str, after: int) -> Sequence[tuple[int, Event]]:
        """Return the events with a sequence greater than `after`; see `ConversationStore.transcript`."""
        return await self.store.transcript(sender_id, after)
