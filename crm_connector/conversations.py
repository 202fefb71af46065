"""Conversations: what was said, which messages were answered, and who owns them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import Connection, bindparam, delete, func, insert, select, text, update
from sqlalchemy.orm import Session

from crm_connector import outgoing_events
from crm_connector.choices import Owner
from crm_connector.columns import JSON, JSONObject, utc_now
from crm_connector.database import within
from crm_connector.prepared import Prepared
from crm_connector.tables import Base, Conversation, ConversationEvent, InboundMessage


@dataclass(frozen=True, slots=True)
class MessageKey:
    """What makes a message of a conversation the same message again: its channel and the channel's id."""

    channel: str
    external_id: str


class DuplicateMessage(Exception):
    """The message was answered before."""

    def __init__(self, key: MessageKey) -> None:
        super().__init__(f"message {key.external_id!r} of channel {key.channel!r} was answered before")


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event in Rasa's wire form and its place in the conversation; the first is 1."""

    sequence: int
    data: JSONObject


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a conversation stands when a message comes in.

    `last_sequence` is that of its last event, `is_whole` says that this event is still there, `is_answered`
    that the message came before.
    """

    id: int
    last_sequence: int
    owner: Owner
    is_whole: bool
    is_answered: bool


@dataclass(frozen=True, slots=True)
class Appended:
    """What a turn got: sequences [first, end), in a conversation that `owner` has."""

    first: int
    end: int
    owner: Owner


class Speaker(StrEnum):
    """Who said a line."""

    CUSTOMER = "customer"
    ASSISTANT = "assistant"
    AGENT = "agent"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a transcript; `message_id` only where the customer speaks."""

    sequence: int
    said_at: datetime
    speaker: Speaker
    text: str
    message_id: str | None = None


_CONVERSATIONS, _INBOUND, _EVENTS = (
    Base.metadata.tables[name] for name in ("conversations", "inbound_messages", "conversation_events")
)
_SENDER = _CONVERSATIONS.c.sender_id == bindparam("sender")

_STANDING = Prepared(
    select(
        _CONVERSATIONS.c.id,
        _CONVERSATIONS.c.last_sequence,
        _CONVERSATIONS.c.owner,
        _EVENTS.c.id.is_not(None),
        _INBOUND.c.id.is_not(None),
    )
    .outerjoin(
        _EVENTS,
        (_EVENTS.c.conversation_id == _CONVERSATIONS.c.id)
        & (_EVENTS.c.sequence == _CONVERSATIONS.c.last_sequence),
    )
    .outerjoin(
        _INBOUND,
        (_INBOUND.c.conversation_id == _CONVERSATIONS.c.id)
        & (_INBOUND.c.channel == bindparam("channel"))
        & (_INBOUND.c.external_id == bindparam("external")),
    )
    .where(_SENDER)
)
_GROW = Prepared(
    update(_CONVERSATIONS)
    .where(_SENDER)
    .values(
        last_sequence=_CONVERSATIONS.c.last_sequence + bindparam("count"), last_activity_at=bindparam("now")
    )
    .returning(_CONVERSATIONS.c.id, _CONVERSATIONS.c.last_sequence, _CONVERSATIONS.c.owner)
)
_START = Prepared(
    text(
        "INSERT INTO conversations (sender_id, channel, customer_id, owner, last_sequence,"
        " owner_since_at, created_at, last_activity_at)"
        " VALUES (:sender, :channel, :customer, :owner, 0, :now, :now, :now)"
        " ON CONFLICT (sender_id) DO NOTHING"
    ).bindparams(
        bindparam("sender", type_=_CONVERSATIONS.c.sender_id.type),
        bindparam("channel", type_=_CONVERSATIONS.c.channel.type),
        bindparam("customer", type_=_CONVERSATIONS.c.customer_id.type),
        bindparam("owner", type_=_CONVERSATIONS.c.owner.type),
        bindparam("now", type_=_CONVERSATIONS.c.created_at.type),
    )
)
_SEEN = Prepared(
    select(_INBOUND.c.id).where(
        _INBOUND.c.conversation_id == bindparam("conversation"),
        _INBOUND.c.channel == bindparam("channel"),
        _INBOUND.c.external_id == bindparam("external"),
    )
)
_NOTE = Prepared(
    insert(_INBOUND).inline(),
    columns=("conversation_id", "channel", "external_id", "first_sequence", "last_sequence", "created_at"),
)
_ADD = Prepared(
    insert(_EVENTS).inline(), columns=("conversation_id", "sequence", "type_name", "data", "created_at")
)

_SPEAKERS = {"user": Speaker.CUSTOMER, "bot": Speaker.ASSISTANT, "agent": Speaker.AGENT}


def find(session: Session, sender_id: str) -> Conversation | None:
    """The conversation of a sender_id."""
    return session.scalars(select(Conversation).where(Conversation.sender_id == sender_id)).one_or_none()


def sender_ids(session: Session) -> list[str]:
    """Return the sender ids of all conversations, the oldest first."""
    return list(session.scalars(select(Conversation.sender_id).order_by(Conversation.id)))


def events_of(session: Session, kinds: Sequence[str]) -> list[tuple[str, JSONObject]]:
    """Return sender ids with the events of these kinds in all conversations, the oldest first."""
    rows = session.execute(
        select(Conversation.sender_id, ConversationEvent.data)
        .join(ConversationEvent, ConversationEvent.conversation_id == Conversation.id)
        .where(ConversationEvent.type_name.in_(kinds))
        .order_by(ConversationEvent.id)
    )
    return [(sender_id, data) for sender_id, data in rows]


def find_or_create(
    session: Session, sender_id: str, channel: str, *, customer_id: int | None = None
) -> Conversation:
    """The conversation of a sender_id; a new one belongs to the bot."""
    session.flush()
    _start(session.connection(), sender_id, channel, utc_now(), customer_id=customer_id)
    conversation = _one(session, sender_id)
    if conversation.customer_id is None and customer_id is not None:
        conversation.customer_id = customer_id
    return conversation


def _one(session: Session, sender_id: str) -> Conversation:
    return session.scalars(select(Conversation).where(_SENDER), {"sender": sender_id}).one()


def _start(
    connection: Connection, sender_id: str, channel: str, now: datetime, *, customer_id: int | None = None
) -> None:
    """Begin a conversation that belongs to the bot, unless there is one; webhooks hear of it."""
    row = {"sender": sender_id, "channel": channel, "customer": customer_id, "owner": Owner.BOT, "now": now}
    if _START.run(connection, row) and outgoing_events.somebody_hears(connection):
        with within(connection) as session:
            outgoing_events.conversation_started(session, _one(session, sender_id))


def standing(connection: Connection, sender_id: str, key: MessageKey) -> Standing | None:
    """Where the conversation of a sender stands, None before the first message."""
    values = {"sender": sender_id, "channel": key.channel, "external": key.external_id}
    found = _STANDING.rows(connection, values)
    if not found:
        return None
    [(conversation_id, last, owner, is_whole, is_answered)] = found
    return Standing(conversation_id, last, Owner(owner), bool(is_whole), bool(is_answered))


def seen_message(session: Session, conversation: Conversation, key: MessageKey) -> InboundMessage | None:
    """Where the turn of a message is, when it was answered before."""
    return session.scalars(
        select(InboundMessage).where(
            InboundMessage.conversation_id == conversation.id,
            InboundMessage.channel == key.channel,
            InboundMessage.external_id == key.external_id,
        )
    ).one_or_none()


def append_events(
    session: Session,
    conversation: Conversation,
    events: Sequence[JSONObject],
    *,
    inbound: MessageKey | None = None,
) -> tuple[int, int]:
    """Append the events of a turn, in Rasa's wire form, and note which message they answer.

    Args:
        session: The transaction; nothing is kept of a turn that fails.
        conversation: Of the sender.
        events: In their order.
        inbound: The message that began the turn.

    Returns:
        The half-open range of sequences [first, end) that the events got.

    Raises:
        DuplicateMessage: The message was answered before; nothing was appended.
    """
    session.flush()
    appended = append_turn(
        session.connection(), conversation.sender_id, conversation.channel, events, inbound=inbound
    )
    session.refresh(conversation)
    return appended.first, appended.end


def append_turn(
    connection: Connection,
    sender_id: str,
    channel: str,
    events: Sequence[JSONObject],
    *,
    inbound: MessageKey | None = None,
) -> Appended:
    """Append the events of a turn by its sender; a new conversation belongs to the bot. See `append_events`.

    Raises:
        DuplicateMessage: The message was answered before; nothing was appended.
    """
    now = utc_now()
    values = {"sender": sender_id, "count": len(events), "now": now}
    # Counting up locks the row: a second writer waits, so that sequences have no gaps and no twins, and the
    # check for a duplicate below sees what the first one wrote.
    grown = _GROW.rows(connection, values)
    if not grown:
        _start(connection, sender_id, channel, now)
        grown = _GROW.rows(connection, values)
    [(conversation_id, last, owner)] = grown
    first = last - len(events) + 1
    if inbound is not None:
        _note_message(connection, conversation_id, inbound, turn=(first, last), now=now)
    if events:
        _ADD.run(connection, *_event_rows(conversation_id, events, first, now))
    return Appended(first, last + 1, Owner(owner))


def forget_events(session: Session, conversation: Conversation) -> None:
    """Delete what was said and done, and which messages were answered; sequences are not used again."""
    session.execute(delete(InboundMessage).where(InboundMessage.conversation_id == conversation.id))
    session.execute(delete(ConversationEvent).where(ConversationEvent.conversation_id == conversation.id))


def load_events(
    session: Session | Connection,
    conversation: Conversation | Standing,
    *,
    after: int | None = None,
    until: int | None = None,
) -> list[StoredEvent]:
    """Events in their order: those of the present session, or those with `after < sequence <= until`.

    A session begins with its `session_started`, and with the `action_session_start` right before it.
    """
    start = _session_start(session, conversation) - 1 if after is None else after
    query = (
        select(ConversationEvent.sequence, ConversationEvent.data)
        .where(ConversationEvent.conversation_id == conversation.id, ConversationEvent.sequence > start)
        .order_by(ConversationEvent.sequence)
    )
    if until is not None:
        query = query.where(ConversationEvent.sequence <= until)
    return [StoredEvent(sequence, data) for sequence, data in session.execute(query)]


def answers_of(session: Session, message: InboundMessage) -> list[JSONObject]:
    """What the bot said in the turn of a message, as `bot` events: what a redelivery is answered with."""
    conversation = session.get_one(Conversation, message.conversation_id)
    turn = load_events(session, conversation, after=message.first_sequence - 1, until=message.last_sequence)
    return [event.data for event in turn if event.data.get("event") == "bot"]


def transcript(session: Session, conversation: Conversation, *, after: int = 0) -> list[Line]:
    """What was said, without what was thought: the lines of customer, assistant and agent."""
    rows = session.execute(
        select(ConversationEvent.sequence, ConversationEvent.type_name, ConversationEvent.data)
        .where(
            ConversationEvent.conversation_id == conversation.id,
            ConversationEvent.sequence > after,
            ConversationEvent.type_name.in_(_SPEAKERS),
        )
        .order_by(ConversationEvent.sequence)
    )
    return [
        Line(
            sequence=sequence,
            said_at=datetime.fromtimestamp(float(data.get("timestamp") or 0), UTC),
            speaker=_SPEAKERS[type_name],
            text=_text(data.get("text")),
            message_id=data.get("message_id") if type_name == "user" else None,
        )
        for sequence, type_name, data in rows
    ]


def _text(value: JSON) -> str:
    """The text of an event; a bot's turn may have none, only a picture or cards."""
    return value if isinstance(value, str) else ""


def _session_start(session: Session | Connection, conversation: Conversation | Standing) -> int:
    """The sequence with which the present session begins, 1 before there was any."""
    started = session.scalar(
        select(func.max(ConversationEvent.sequence)).where(
            ConversationEvent.conversation_id == conversation.id,
            ConversationEvent.type_name == "session_started",
        )
    )
    if started is None:
        return 1
    before: JSONObject | None = session.scalar(
        select(ConversationEvent.data).where(
            ConversationEvent.conversation_id == conversation.id,
            ConversationEvent.sequence == started - 1,
        )
    )
    begins_earlier = before is not None and before.get("name") == "action_session_start"
    return started - 1 if begins_earlier else started


def _note_message(
    connection: Connection, conversation_id: int, key: MessageKey, *, turn: tuple[int, int], now: datetime
) -> None:
    """Store where the turn of a message is, or say that it was answered before."""
    values = {"conversation": conversation_id, "channel": key.channel, "external": key.external_id}
    if _SEEN.rows(connection, values):
        raise DuplicateMessage(key)
    row = {"conversation_id": conversation_id, "channel": key.channel, "external_id": key.external_id}
    first, last = turn
    _NOTE.run(connection, row | {"first_sequence": first, "last_sequence": last, "created_at": now})


def _event_rows(
    conversation_id: int, events: Sequence[JSONObject], first: int, now: datetime
) -> list[dict[str, object]]:
    """The rows of events, ready for one insert."""
    return [
        {
            "conversation_id": conversation_id,
            "sequence": sequence,
            "type_name": str(data.get("event")),
            "data": data,
            "created_at": now,
        }
        for sequence, data in enumerate(events, start=first)
    ]
