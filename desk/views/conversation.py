"""One conversation as an agent sees it: what was said, what happened, the handoff card, and the customer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_connector import conversations, deliveries, ownership
from crm_connector.choices import Outcome, Owner, Sentiment, Severity
from crm_connector.columns import JSON, JSONObject
from crm_connector.desk import service_levels, writing
from crm_connector.tables import Agent, Clock, Conversation, Customer, Handoff
from desk.access import Deed, Desk, Permission
from desk.deeds.conversations import find
from desk.views.conversation_list import short_name

MAX_LINES = 300


class LineKind(StrEnum):
    """What a line of the transcript is."""

    CUSTOMER = "customer"
    ASSISTANT = "assistant"
    AGENT = "agent"
    NOTE = "note"
    MARK = "mark"


@dataclass(frozen=True, slots=True)
class Line:
    """One line; `id` is unlike every other one's, `message_id` is what the handoff card refers to.

    `delivery` is how far it has come on its way, where the channel is one that queues.
    """

    id: str
    kind: LineKind
    text: str
    at: datetime
    by: str = ""
    message_id: str | None = None
    data: JSONObject | None = None
    sentiment: Sentiment | None = None
    intent: str | None = None
    delivery: str | None = None


_KINDS = {
    "user": LineKind.CUSTOMER,
    "bot": LineKind.ASSISTANT,
    "agent": LineKind.AGENT,
    "pause": LineKind.MARK,
    "resume": LineKind.MARK,
    "session_started": LineKind.MARK,
}


@dataclass(frozen=True, slots=True)
class Card:
    """What is read first; `sentences` come with the ids of the messages they rest on."""

    reason: str
    severity: Severity
    sentiment: Sentiment
    topic: str
    requested_at: datetime
    wanted: str
    tried: tuple[str, ...]
    open_questions: tuple[str, ...]
    slots: Mapping[str, JSON]
    sentences: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Stay:
    """An earlier stay with people."""

    requested_at: datetime
    reason: str
    agent: str | None
    outcome: Outcome | None


@dataclass(frozen=True, slots=True)
class OpenConversation:
    """Everything in the middle pane."""

    id: int
    name: str
    sender_id: str
    channel: str
    language: str | None
    owner: Owner
    agent: str | None
    is_mine: bool
    last_sequence: int
    lines: tuple[Line, ...]
    card: Card | None
    due_at: datetime | None
    due_for: str | None
    snoozed_until_at: datetime | None
    draft: str
    note_draft: str
    slots: Mapping[str, JSON]
    stays: tuple[Stay, ...]


def open_conversation(desk: Desk, token: str, conversation_id: int) -> OpenConversation:
    """Everything about a conversation that is shown in its pane.

    Raises:
        Refused: There is none.
    """
    with desk.read(token, Permission.CONVERSATIONS) as deed:
        session = deed.session
        conversation = find(session, conversation_id)
        customer = session.get(Customer, conversation.customer_id) if conversation.customer_id else None
        handoff = ownership.handoff_of(session, conversation)
        clock = _clock(session, handoff)
        agent = session.get(Agent, conversation.agent_id) if conversation.agent_id else None
        return OpenConversation(
            id=conversation.id,
            name=(customer.name if customer else None) or short_name(conversation.sender_id),
            sender_id=conversation.sender_id,
            channel=conversation.channel,
            language=(handoff.language if handoff else None) or conversation.language,
            owner=conversation.owner,
            agent=agent.name if agent else None,
            is_mine=conversation.agent_id == deed.agent.id,
            last_sequence=conversation.last_sequence,
            lines=_lines(session, conversation),
            card=_card(handoff),
            due_at=clock.due_at if clock else None,
            due_for=clock.target.value if clock else None,
            snoozed_until_at=handoff.snoozed_until_at if handoff else None,
            draft=writing.draft_of(session, conversation, deed.agent),
            note_draft=writing.draft_of(session, conversation, deed.agent, is_note=True),
            slots=_slots(handoff, customer, deed),
            stays=_stays(session, conversation),
        )


def _lines(session: Session, conversation: Conversation) -> tuple[Line, ...]:
    """What was said and who came and went, with the private notes where they were written."""
    after = max(0, conversation.last_sequence - 10 * MAX_LINES)
    events = conversations.load_events(session, conversation, after=after)
    sent = {
        row.said_at: row.state.value
        for row in deliveries.of_conversation(session, conversation.sender_id, conversation.channel)
    }
    said = [line for event in events if (line := _line(event, sent)) is not None]
    notes = [
        Line(f"note-{note.id}", LineKind.NOTE, note.text, note.created_at, note.agent.name)
        for note in writing.notes_of(session, conversation)
    ]
    return tuple(sorted([*said[-MAX_LINES:], *notes], key=lambda line: line.at))


def _line(event: conversations.StoredEvent, sent: Mapping[float, str]) -> Line | None:
    data = event.data
    kind = _KINDS.get(str(data.get("event")))
    is_silent = kind is LineKind.ASSISTANT and not (data.get("text") or data.get("data"))
    if kind is None or is_silent or (data.get("metadata") or {}).get("is_external"):
        return None
    parsed = data.get("parse_data") or {}
    mood = (parsed.get("sentiment") or {}).get("value")
    by = str((data.get("metadata") or {}).get("agent") or "")
    timestamp = float(data.get("timestamp") or 0)
    return Line(
        id=f"event-{event.sequence}",
        kind=kind,
        text=_mark(data, by) if kind is LineKind.MARK else str(data.get("text") or ""),
        at=datetime.fromtimestamp(timestamp, UTC),
        by=by,
        message_id=data.get("message_id") if kind is LineKind.CUSTOMER else None,
        data=_extras(data) if kind is not LineKind.CUSTOMER else None,
        sentiment=Sentiment(mood) if mood in set(Sentiment) else None,
        intent=(parsed.get("intent") or {}).get("name"),
        delivery=None if kind is LineKind.CUSTOMER else sent.get(timestamp),
    )


def _mark(data: JSONObject, by: str) -> str:
    if data.get("event") == "session_started":
        return "A new session began"
    came = data.get("event") == "pause"
    return f"{by or 'A person'} {'joined' if came else 'left'} the conversation"


def _extras(data: JSONObject) -> JSONObject | None:
    """Buttons, cards and pictures of what the bot said."""
    extras = {key: value for key, value in (data.get("data") or {}).items() if value}
    return extras or None


def _card(handoff: Handoff | None) -> Card | None:
    if handoff is None:
        return None
    card = handoff.card
    return Card(
        reason=handoff.reason,
        severity=handoff.severity,
        sentiment=handoff.sentiment,
        topic=handoff.topic.value,
        requested_at=handoff.requested_at,
        wanted=str(card.get("wanted") or ""),
        tried=tuple(card.get("tried") or ()),
        open_questions=tuple(card.get("open_questions") or ()),
        slots=card.get("slots") or {},
        sentences=tuple((one["text"], tuple(one["sources"])) for one in card.get("sentences") or ()),
    )


def _clock(session: Session, handoff: Handoff | None) -> Clock | None:
    return None if handoff is None else service_levels.next_due(session, [handoff.id]).get(handoff.id)


def _slots(handoff: Handoff | None, customer: Customer | None, deed: Deed) -> dict[str, JSON]:
    """What a canned reply may put in."""
    known = dict(handoff.card.get("slots") or {}) if handoff else {}
    if customer is not None and customer.name:
        known["name"] = customer.name
    return {**known, "agent": deed.agent.name}


def _stays(session: Session, conversation: Conversation) -> tuple[Stay, ...]:
    query = (
        select(Handoff, Agent.name)
        .outerjoin(Agent, Agent.id == Handoff.agent_id)
        .where(Handoff.conversation_id == conversation.id, Handoff.ended_at.is_not(None))
        .order_by(Handoff.id.desc())
        .limit(20)
    )
    return tuple(
        Stay(handoff.requested_at, handoff.reason, agent, handoff.outcome)
        for handoff, agent in session.execute(query)
    )
