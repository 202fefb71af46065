"""One conversation as an agent sees it: what was said, what happened, the handoff card, and the customer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_connector import attachments, conversations, deliveries, ownership
from crm_connector.choices import Outcome, Owner, Sentiment, Severity
from crm_connector.columns import JSON, JSONObject
from crm_connector.desk import service_levels, writing
from crm_connector.tables import Agent, Attachment, Clock, Conversation, Customer, Handoff
from desk.access import Deed, Desk, Permission
from desk.deeds.conversations import Refused, find
from desk.views.conversation_list import short_name, words

MAX_LINES = 300


class LineKind(StrEnum):
    """What a line of the transcript is."""

    CUSTOMER = "customer"
    ASSISTANT = "assistant"
    AGENT = "agent"
    NOTE = "note"
    MARK = "mark"


@dataclass(frozen=True, slots=True)
class File:
    """A file that the customer sent; a picture can be shown."""

    id: str
    name: str
    size_bytes: int
    is_picture: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One line; `id` is unlike every other one's, `message_id` is what the handoff card refers to.

    `text` is the title of a button that was pressed. `delivery` is how far it has come on its way, where the
    channel is one that queues.
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
    files: tuple[File, ...] = ()


_KINDS = {
    "user": LineKind.CUSTOMER,
    "bot": LineKind.ASSISTANT,
    "agent": LineKind.AGENT,
    "pause": LineKind.MARK,
    "resume": LineKind.MARK,
    "session_started": LineKind.MARK,
}


@dataclass(frozen=True, slots=True)
class _Beside:
    """What lines show and events do not say: how far each has come, and the files that are kept."""

    sent: Mapping[float, str]
    files: Mapping[str, File]

    def files_of(self, metadata: Mapping[str, JSON]) -> tuple[File, ...]:
        """The files that a message brings, as the store knows them: it may name others."""
        named = [str(one.get("id")) for one in metadata.get("attachments") or () if isinstance(one, dict)]
        return tuple(self.files[id_] for id_ in named if id_ in self.files)


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


def attachment_of(desk: Desk, token: str, conversation_id: int, file_id: str) -> Attachment:
    """A file that was sent in a conversation.

    Raises:
        Refused: There is none in this one.
    """
    with desk.read(token, Permission.CONVERSATIONS) as deed:
        conversation = find(deed.session, conversation_id)
        kept = attachments.of_conversation(deed.session, conversation.channel, conversation.sender_id)
        for row in kept:
            if row.file_id == file_id:
                return row
    raise Refused("There is no such file.")


def is_picture(media_type: str) -> bool:
    """Whether a browser may show it as it is; SVG, which may hold scripts, is never kept."""
    return media_type in ("image/jpeg", "image/png", "image/gif", "image/webp")


def _lines(session: Session, conversation: Conversation) -> tuple[Line, ...]:
    """What was said and who came and went, with the private notes where they were written."""
    after = max(0, conversation.last_sequence - 10 * MAX_LINES)
    events = conversations.load_events(session, conversation, after=after)
    beside = _beside(session, conversation)
    said = [line for event in events if (line := _line(event, beside)) is not None]
    notes = [
        Line(f"note-{note.id}", LineKind.NOTE, note.text, note.created_at, note.agent.name)
        for note in writing.notes_of(session, conversation)
    ]
    return tuple(sorted([*said[-MAX_LINES:], *notes], key=lambda line: line.at))


def _beside(session: Session, conversation: Conversation) -> _Beside:
    sent = deliveries.of_conversation(session, conversation.sender_id, conversation.channel)
    kept = attachments.of_conversation(session, conversation.channel, conversation.sender_id)
    files = [File(row.file_id, row.name, row.size_bytes, is_picture(row.media_type)) for row in kept]
    return _Beside({row.said_at: row.state.value for row in sent}, {file.id: file for file in files})


def _line(event: conversations.StoredEvent, beside: _Beside) -> Line | None:
    data = event.data
    kind = _KINDS.get(str(data.get("event")))
    is_silent = kind is LineKind.ASSISTANT and not (data.get("text") or data.get("data"))
    metadata = data.get("metadata") or {}
    if kind is None or is_silent or metadata.get("is_external"):
        return None
    parsed = data.get("parse_data") or {}
    mood = (parsed.get("sentiment") or {}).get("value")
    by = str(metadata.get("agent") or "")
    files = beside.files_of(metadata) if kind is LineKind.CUSTOMER else ()
    timestamp = float(data.get("timestamp") or 0)
    return Line(
        id=f"event-{event.sequence}",
        kind=kind,
        text=_mark(data, by) if kind is LineKind.MARK else words(data.get("text"), metadata),
        at=datetime.fromtimestamp(timestamp, UTC),
        by=by,
        message_id=data.get("message_id") if kind is LineKind.CUSTOMER else None,
        data=_extras(data) if kind is not LineKind.CUSTOMER else None,
        sentiment=Sentiment(mood) if mood in set(Sentiment) else None,
        intent=(parsed.get("intent") or {}).get("name"),
        delivery=None if kind is LineKind.CUSTOMER else beside.sent.get(timestamp),
        files=files,
    )


def _mark(data: JSONObject, by: str) -> str:
    if data.get("event") == "session_started":
        return "A new session began"
    name = by or "A person"
    if (data.get("metadata") or {}).get("to") == Owner.QUEUE:
        return f"{name} left, and the conversation waits again"
    return f"{name} {'joined' if data.get('event') == 'pause' else 'left'} the conversation"


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
