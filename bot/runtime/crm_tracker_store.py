"""Conversations in the CRM: one transaction per turn, each message answered once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sqlalchemy.orm import Session

from bot.dialogue.events import BotUttered, Event, event_from_dict, events_from_dicts
from bot.dialogue.messages import JSON, UserMessage
from bot.runtime.tracker_store import AlreadyAnswered, StoredConversation, StoreUnavailable
from crm_connector import conversations, database, ownership
from crm_connector.choices import Owner
from crm_connector.tables import InboundMessage


class CrmTrackerStore:
    """A `TrackerStore` and a source of transcripts over an open CRM store."""

    def __init__(self, store: database.Store) -> None:
        self._store = store

    def load(self, message: UserMessage) -> StoredConversation:
        """Return the present session of the message's conversation; see `TrackerStore.load`."""
        try:
            with self._store.reading() as session:
                conversation = conversations.find(session, message.sender_id)
                if conversation is None:
                    return StoredConversation()
                seen = conversations.seen_message(session, conversation, _key(message))
                stored = conversations.load_events(session, conversation)
                return StoredConversation(
                    events_from_dicts(event.data for event in stored),
                    None if seen is None else _answers(session, seen),
                    ownership.owner_of(session, message.sender_id) == Owner.AGENT,
                )
        except database.StoreUnavailable as error:
            raise StoreUnavailable(str(error)) from error

    def append(self, message: UserMessage, events: Sequence[Event]) -> None:
        """Add a turn in one transaction; see `TrackerStore.append`."""
        wire: list[dict[str, JSON]] = [event.as_dict() for event in events]
        try:
            with self._store.session() as session:
                conversation = conversations.find_or_create(session, message.sender_id, message.input_channel)
                conversations.append_events(session, conversation, wire, inbound=_key(message))
        except conversations.DuplicateMessage as duplicate:
            raise AlreadyAnswered(self.load(message).answered or ()) from duplicate
        except database.StoreUnavailable as error:
            raise StoreUnavailable(str(error)) from error

    def replace(self, message: UserMessage, events: Sequence[Event]) -> None:
        """Put other events in the place of a conversation; its sequences go on, so that readers notice.

        Raises:
            StoreUnavailable: It cannot be written just now; the conversation is as it was.
        """
        wire: list[dict[str, JSON]] = [event.as_dict() for event in events]
        try:
            with self._store.session() as session:
                conversation = conversations.find_or_create(session, message.sender_id, message.input_channel)
                conversations.forget_events(session, conversation)
                conversations.append_events(session, conversation, wire)
        except database.StoreUnavailable as error:
            raise StoreUnavailable(str(error)) from error

    async def transcript(self, sender_id: str, after: int) -> Sequence[tuple[int, Event]]:
        """Return the events with a sequence greater than `after`; sequences start at 1."""
        return await asyncio.to_thread(self._transcript, sender_id, after)

    def _transcript(self, sender_id: str, after: int) -> list[tuple[int, Event]]:
        try:
            with self._store.reading() as session:
                conversation = conversations.find(session, sender_id)
                if conversation is None:
                    return []
                stored = conversations.load_events(session, conversation, after=after)
                return [(event.sequence, event_from_dict(event.data)) for event in stored]
        except database.StoreUnavailable as error:
            raise StoreUnavailable(str(error)) from error


def _key(message: UserMessage) -> conversations.MessageKey:
    return conversations.MessageKey(message.input_channel, message.message_id)


def _answers(session: Session, stored: InboundMessage) -> list[BotUttered]:
    events = events_from_dicts(conversations.answers_of(session, stored))
    return [event for event in events if isinstance(event, BotUttered)]
