"""Conversations in the CRM: one transaction per turn, each message answered once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from bot.dialogue.events import (
    ActionExecuted,
    BotUttered,
    Event,
    SessionStarted,
    event_from_dict,
    events_from_dicts,
)
from bot.dialogue.messages import JSON, UserMessage
from bot.runtime.recent import Recent
from bot.runtime.tracker_store import AlreadyAnswered, StoredConversation, StoreUnavailable
from bot.runtime.turn import SESSION_START
from crm_connector import conversations, database, ownership
from crm_connector.choices import Owner
from crm_connector.columns import utc_now


@dataclass(frozen=True, slots=True)
class _Session:
    """The events of a conversation's present session up to a sequence."""

    last_sequence: int
    events: list[Event]


class CrmTrackerStore:
    """A `TrackerStore` and a source of transcripts over an open CRM store.

    Of conversations that this process took part in lately only what others added is read.
    """

    def __init__(self, store: database.Store) -> None:
        self._store = store
        self._recent: Recent[_Session] = Recent()

    def load(self, message: UserMessage) -> StoredConversation:
        """Return the present session of the message's conversation; see `TrackerStore.load`."""
        try:
            with self._store.reading_transaction() as connection:
                standing = conversations.standing(connection, message.sender_id, _key(message))
                if standing is None:
                    return StoredConversation()
                present = self._present(connection, message.sender_id, standing)
                self._recent.put(message.sender_id, present)
                return StoredConversation(
                    list(present.events),
                    _answers(connection, message) if standing.is_answered else None,
                    standing.owner == Owner.AGENT,
                )
        except database.StoreUnavailable as error:
            raise StoreUnavailable(str(error)) from error

    def load_at_once(self, message: UserMessage) -> StoredConversation | None:
        """Return a conversation that is new, or as this process knows it; see `QuickStore`."""
        if not self._store.is_local:
            return None
        try:
            with self._store.asking() as connection:
                standing = conversations.standing(connection, message.sender_id, _key(message))
        except database.StoreUnavailable as error:
            raise StoreUnavailable(str(error)) from error
        if standing is None:
            return StoredConversation()
        known = self._recent.take(message.sender_id)
        if known is None:
            return None
        self._recent.put(message.sender_id, known)
        if standing.is_answered or not _is_current(known, standing):
            return None
        return StoredConversation(list(known.events), None, standing.owner == Owner.AGENT)

    def _present(self, connection: Connection, sender_id: str, standing: conversations.Standing) -> _Session:
        """Read the present session, or what is new in it."""
        known = self._recent.take(sender_id)
        if known is not None:
            if _is_current(known, standing):
                return known
            # The last known event is read again: where it is gone, the conversation was replaced.
            new = conversations.load_events(connection, standing, after=known.last_sequence - 1)
            if new and new[0].sequence == known.last_sequence and not any(map(_starts_session, new[1:])):
                added = events_from_dicts(event.data for event in new[1:])
                return _Session(new[-1].sequence, [*known.events, *added])
        stored = conversations.load_events(connection, standing)
        last = stored[-1].sequence if stored else 0
        return _Session(last, events_from_dicts(event.data for event in stored))

    def append(self, message: UserMessage, events: Sequence[Event]) -> None:
        """Add a turn in one transaction; see `TrackerStore.append`."""
        self._append(message, events, at_once=False)

    def append_at_once(self, message: UserMessage, events: Sequence[Event]) -> bool:
        """Add a turn in one transaction if nobody else is writing; see `QuickStore`."""
        try:
            self._append(message, events, at_once=True)
        except database.WouldWait:
            return False
        return True

    def _append(self, message: UserMessage, events: Sequence[Event], *, at_once: bool) -> None:
        wire: list[dict[str, JSON]] = [event.as_dict() for event in events]
        try:
            with self._store.transaction(at_once=at_once) as connection:
                appended = conversations.append_turn(
                    connection, message.sender_id, message.input_channel, wire, inbound=_key(message)
                )
                if appended.owner != Owner.BOT:
                    _note_for_people(connection, message.sender_id)
        except conversations.DuplicateMessage as duplicate:
            raise AlreadyAnswered(self.load(message).answered or ()) from duplicate
        except database.StoreUnavailable as error:
            raise StoreUnavailable(str(error)) from error
        self._keep(message.sender_id, events, appended)

    def _keep(self, sender_id: str, events: Sequence[Event], appended: conversations.Appended) -> None:
        """Hold on to a session that is known to its end."""
        known, start = self._recent.take(sender_id), _session_start(events)
        if start is not None:
            self._recent.put(sender_id, _Session(appended.end - 1, [*events[start:]]))
        elif known is not None and known.last_sequence == appended.first - 1:
            self._recent.put(sender_id, _Session(appended.end - 1, [*known.events, *events]))

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

    def events_of(self, *kinds: str) -> list[tuple[str, Event]]:
        """Return the events of these kinds in all conversations; see `FindsEvents`."""
        try:
            with self._store.reading() as session:
                found = conversations.events_of(session, kinds)
        except database.StoreUnavailable as error:
            raise StoreUnavailable(str(error)) from error
        return [(sender_id, event_from_dict(data)) for sender_id, data in found]

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


def _is_current(known: _Session, standing: conversations.Standing) -> bool:
    return known.last_sequence == standing.last_sequence and standing.is_whole


def _session_start(events: Sequence[Event]) -> int | None:
    """Return where the last session begins, with the action that began it, as `load_events` has it."""
    for place in range(len(events) - 1, -1, -1):
        if isinstance(events[place], SessionStarted):
            before = events[place - 1] if place else None
            began = isinstance(before, ActionExecuted) and before.name == SESSION_START
            return place - 1 if began else place
    return None


def _starts_session(event: conversations.StoredEvent) -> bool:
    return event.data.get("event") == SessionStarted.event


def _key(message: UserMessage) -> conversations.MessageKey:
    return conversations.MessageKey(message.input_channel, message.message_id)


def _answers(connection: Connection, message: UserMessage) -> list[BotUttered]:
    with database.within(connection) as session:
        conversation = conversations.find(session, message.sender_id)
        seen = conversations.seen_message(session, conversation, _key(message)) if conversation else None
        data = conversations.answers_of(session, seen) if seen else []
    return [event for event in events_from_dicts(data) if isinstance(event, BotUttered)]


def _note_for_people(connection: Connection, sender_id: str) -> None:
    with database.within(connection) as session:
        conversation = conversations.find(session, sender_id)
        if conversation is not None:
            ownership.customer_wrote(session, conversation, utc_now())
