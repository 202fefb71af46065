"""The list of conversations as an agent sees it: mine, unassigned, all; each row with what is urgent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from crm_connector.choices import Owner, Sentiment, Severity
from crm_connector.columns import utc_now
from crm_connector.desk import queue, service_levels
from crm_connector.tables import Agent, Clock, Conversation, ConversationEvent, Customer, Handoff
from desk.access import Deed, Desk, Permission

_SHOWN = ("user", "bot", "agent")
MAX_ROWS = 200


class Folder(StrEnum):
    """Which conversations are listed."""

    MINE = "mine"
    UNASSIGNED = "unassigned"
    ALL = "all"
    SNOOZED = "snoozed"
    BOT = "bot"


@dataclass(frozen=True, slots=True)
class Row:
    """One conversation in the list; `waiting_since_at` is set while the customer waits for an answer."""

    id: int
    sender_id: str
    name: str
    channel: str
    owner: Owner
    agent: str | None
    preview: str
    is_from_customer: bool
    last_activity_at: datetime
    language: str | None
    reason: str | None = None
    severity: Severity | None = None
    sentiment: Sentiment | None = None
    waiting_since_at: datetime | None = None
    snoozed_until_at: datetime | None = None
    due_at: datetime | None = None
    warn_at: datetime | None = None
    urgency: float = 0.0


def rows(
    desk: Desk, token: str, folder: Folder, *, search: str = "", now: datetime | None = None
) -> list[Row]:
    """The conversations of a folder, the most urgent first; those nobody waits in by their last activity."""
    now = now or utc_now()
    with desk.read(token, Permission.CONVERSATIONS) as deed:
        query = (
            select(Conversation, Handoff, Agent.name, Customer.name)
            .outerjoin(Handoff, (Handoff.conversation_id == Conversation.id) & Handoff.ended_at.is_(None))
            .outerjoin(Agent, Agent.id == Conversation.agent_id)
            .outerjoin(Customer, Customer.id == Conversation.customer_id)
            .where(_in_folder(folder, deed, now))
            .order_by(Conversation.last_activity_at.desc())
            .limit(MAX_ROWS)
        )
        if search.strip():
            query = query.where(_matches(search.strip()))
        found = deed.session.execute(query).all()
        clocks = service_levels.next_due(deed.session, [one.id for _, one, _, _ in found if one is not None])
        previews = _previews(deed.session, [conversation.id for conversation, _, _, _ in found])
        listed = [
            _row(conversation, handoff, (agent, customer), previews.get(conversation.id, ("", False)))
            for conversation, handoff, agent, customer in found
        ]
        timed = [
            _with_clock(row, handoff, clocks, now)
            for row, (_, handoff, _, _) in zip(listed, found, strict=True)
        ]
    return sorted(timed, key=lambda row: (-row.urgency, -row.last_activity_at.timestamp()))


def counts(desk: Desk, token: str, *, now: datetime | None = None) -> dict[Folder, int]:
    """How many conversations each folder has; the bot's are not counted."""
    now = now or utc_now()
    with desk.read(token, Permission.CONVERSATIONS) as deed:
        return {
            folder: deed.session.scalar(
                select(func.count())
                .select_from(Conversation)
                .outerjoin(Handoff, (Handoff.conversation_id == Conversation.id) & Handoff.ended_at.is_(None))
                .where(_in_folder(folder, deed, now))
            )
            or 0
            for folder in Folder
            if folder is not Folder.BOT
        }


def _in_folder(folder: Folder, deed: Deed, now: datetime) -> ColumnElement[bool]:
    is_snoozed = Handoff.snoozed_until_at > now
    is_awake = or_(Handoff.snoozed_until_at.is_(None), Handoff.snoozed_until_at <= now)
    mine = Conversation.agent_id == deed.agent.id
    if folder is Folder.MINE:
        return mine & is_awake
    if folder is Folder.UNASSIGNED:
        return Conversation.owner == Owner.QUEUE
    if folder is Folder.SNOOZED:
        return mine & is_snoozed
    return Conversation.owner == Owner.BOT if folder is Folder.BOT else Conversation.owner != Owner.BOT


def _matches(search: str) -> ColumnElement[bool]:
    like = "%" + search.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_") + "%"
    columns = (Customer.name, Customer.email, Conversation.sender_id)
    return or_(*(column.ilike(like, escape="\\") for column in columns))


def _previews(session: Session, ids: list[int]) -> dict[int, tuple[str, bool]]:
    """The last line of each conversation, and whether the customer wrote it."""
    last = (
        select(ConversationEvent.conversation_id, func.max(ConversationEvent.sequence).label("sequence"))
        .where(
            ConversationEvent.conversation_id.in_(ids),
            ConversationEvent.type_name.in_(_SHOWN),
            func.coalesce(ConversationEvent.data["text"].as_string(), "").not_like("EXTERNAL: %"),
        )
        .group_by(ConversationEvent.conversation_id)
        .subquery()
    )
    query = select(
        ConversationEvent.conversation_id,
        ConversationEvent.type_name,
        ConversationEvent.data["text"].as_string(),
    ).join(
        last,
        (last.c.conversation_id == ConversationEvent.conversation_id)
        & (last.c.sequence == ConversationEvent.sequence),
    )
    return {id_: (text or "", kind == "user") for id_, kind, text in session.execute(query)}


def _row(
    conversation: Conversation,
    handoff: Handoff | None,
    names: tuple[str | None, str | None],
    preview: tuple[str, bool],
) -> Row:
    agent, customer = names
    return Row(
        id=conversation.id,
        sender_id=conversation.sender_id,
        name=customer or short_name(conversation.sender_id),
        channel=conversation.channel,
        owner=conversation.owner,
        agent=agent,
        preview=preview[0],
        is_from_customer=preview[1],
        last_activity_at=conversation.last_activity_at,
        language=(handoff.language if handoff else None) or conversation.language,
        reason=handoff.reason if handoff else None,
        severity=handoff.severity if handoff else None,
        sentiment=handoff.sentiment if handoff else None,
        waiting_since_at=handoff.waiting_since_at if handoff else None,
        snoozed_until_at=handoff.snoozed_until_at if handoff else None,
    )


def _with_clock(row: Row, handoff: Handoff | None, clocks: Mapping[int, Clock], now: datetime) -> Row:
    """Add what was promised, and how urgent that makes it while somebody waits."""
    if handoff is None:
        return row
    clock = clocks.get(handoff.id)
    due = clock.due_at if clock else None
    urgency = queue.urgency(handoff, now=now, due_at=due) if handoff.waiting_since_at else 0.0
    return replace(row, due_at=due, warn_at=clock.warn_at if clock else None, urgency=urgency)


def short_name(sender_id: str) -> str:
    """What to call a customer whose name nobody knows."""
    return f"Visitor {sender_id[-6:]}"
