"""Who owns a conversation stands in the CRM, wherever the conversation itself is stored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from bot.dialogue.events import Event
from bot.dialogue.messages import UserMessage
from bot.runtime.conversations import ConversationStore
from bot.runtime.tracker_store import StoredConversation, StoreUnavailable
from crm_connector import conversations, database, ownership
from crm_connector.choices import Owner
from crm_connector.columns import utc_now

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WithAgents:
    """A tracker store that knows from the CRM whether a person owns a conversation."""

    store: ConversationStore
    crm: database.Store

    def load(self, message: UserMessage) -> StoredConversation:
        """Return the conversation and its owner; see `TrackerStore.load`."""
        stored = self.store.load(message)
        try:
            with self.crm.reading() as session:
                is_with_agent = ownership.owner_of(session, message.sender_id) == Owner.AGENT
        except database.StoreUnavailable as error:
            raise StoreUnavailable(str(error)) from error
        return replace(stored, is_with_agent=is_with_agent)

    def append(self, message: UserMessage, events: Sequence[Event]) -> None:
        """Add the events of a turn; see `TrackerStore.append`."""
        self.store.append(message, events)
        try:
            with self.crm.session() as session:
                conversation = conversations.find(session, message.sender_id)
                if conversation is not None:
                    ownership.customer_wrote(session, conversation, utc_now())
        except database.StoreUnavailable:
            _log.exception("the desk does not know that a customer wrote", sender_id=message.sender_id)

    def replace(self, message: UserMessage, events: Sequence[Event]) -> None:
        """Put other events in the place of a conversation; see `ConversationStore.replace`."""
        self.store.replace(message, events)

    async def transcript(self, sender_id: str, after: int) -> Sequence[tuple[int, Event]]:
        """Return the events with a sequence greater than `after`; see `ConversationStore.transcript`."""
        return await self.store.transcript(sender_id, after)
