"""The list of conversations as an agent sees it: mine, unassigned, all; each row with what is urgent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from threading import Lock
from weakref import WeakKeyDictionary

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from bot.dialogue.intent_payload import FILE_INTENT
from crm_connector.choices import Owner, Sentiment, Severity
from crm_connector.columns import JSON, utc_now
from crm_connector.database import Store
from crm_connector.desk import queue, service_levels
from crm_connector.tables import Agent, Clock, Conversation, ConversationEvent, Customer, Handoff
from desk.access import Deed, Desk, Permission
from desk.marks import Marks, read_marks

_SHOWN = ("user", "bot", "agent")
MAX_ROWS = 200
MAX_SHARED = 1000  # with people at once; where there are more, each page reads its own part


class Folder(StrEnum):
    """Which conversations are listed."""

    MINE = "mine"
    UNASSIGNED = "unassigned"
    ALL = "all"
    SNOOZED = "snoozed"
    BOT = "bot"


@dataclass(frozen=True, slots=True)
class Row:
    """One conversation in the list; `waiting_since_at` is set while the customer waits for an answer.

    `urgency` is in whole minutes of waiting: more often its row need not be sent again.
    """

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
    urgency: int = 0


@dataclass(frozen=True, slots=True)
class ListView:
    """The list of an agent: the rows of a folder, and how many each folder has; the bot's are not counted."""

    rows: list[Row]
    counts: dict[Folder, int]


def list_view(
    desk: Desk, token: str, folder: Folder, *, search: str = "", now: datetime | None = None
) -> ListView:
    """The conversations of a folder, the most urgent first; those nobody waits in by their last activity."""
    now = now or utc_now()
    with desk.read(token, Permission.CONVERSATIONS) as deed:
        shared = _with_people(desk.store, deed.session)
        mine = [one for one in shared.found if one.is_in(folder, deed.agent.id, now)]
        is_shared = folder is not Folder.BOT and not search.strip() and shared.is_whole
        if not is_shared:
            mine = _read(deed.session, _in_folder(folder, deed, now), search)
        ordered = sorted(mine, key=lambda one: (-one.urgency(now), -one.row.last_activity_at.timestamp()))
        counts = shared.counts(deed.agent.id, now) if shared.is_whole else _counted(deed, now)
    return ListView([replace(one.row, urgency=round(one.urgency(now))) for one in ordered[:MAX_ROWS]], counts)


def rows(
    desk: Desk, token: str, folder: Folder, *, search: str = "", now: datetime | None = None
) -> list[Row]:
    """The rows of a folder alone."""
    return list_view(desk, token, folder, search=search, now=now).rows


def counts(desk: Desk, token: str, *, now: datetime | None = None) -> dict[Folder, int]:
    """How many conversations each folder has."""
    return list_view(desk, token, Folder.MINE, now=now).counts


@dataclass(frozen=True, slots=True)
class _Found:
    """A conversation as all agents see it, with what decides whose folder it is in."""

    row: Row
    agent_id: int | None
    handoff: Handoff | None

    def is_in(self, folder: Folder, agent_id: int, now: datetime) -> bool:
        """Whether an agent has this conversation, which is with people, in this folder; as `_in_folder`."""
        until = self.row.snoozed_until_at
        is_mine, is_snoozed = self.agent_id == agent_id, until is not None and until > now
        return {
            Folder.MINE: is_mine and not is_snoozed,
            Folder.SNOOZED: is_mine and is_snoozed,
            Folder.UNASSIGNED: self.row.owner == Owner.QUEUE,
            Folder.ALL: True,
            Folder.BOT: False,
        }[folder]

    def urgency(self, now: datetime) -> float:
        """How urgent it is while somebody waits, in minutes of waiting."""
        if self.handoff is None or self.row.waiting_since_at is None:
            return 0.0
        return queue.urgency(self.handoff, now=now, due_at=self.row.due_at)


@dataclass(frozen=True, slots=True)
class _WithPeople:
    """All conversations that are with people, as they stood when the store had come to `marks`."""

    marks: Marks
    found: tuple[_Found, ...]
    is_whole: bool

    def counts(self, agent_id: int, now: datetime) -> dict[Folder, int]:
        """How many of them an agent has in each folder."""
        return {
            folder: sum(one.is_in(folder, agent_id, now) for one in self.found)
            for folder in Folder
            if folder is not Folder.BOT
        }


# What is with people is the same for all who look: it is read once after each change, not once for each page.
_latest: WeakKeyDictionary[Store, _WithPeople] = WeakKeyDictionary()
_reading = Lock()


def _with_people(store: Store, session: Session) -> _WithPeople:
    marks = read_marks(session)
    with _reading:
        latest = _latest.get(store)
        if latest is None or not latest.marks.covers(marks):
            found = _read(session, Conversation.owner != Owner.BOT, "", most=MAX_SHARED)
            latest = _latest[store] = _WithPeople(marks, tuple(found), len(found) < MAX_SHARED)
    return latest


def _read(
    session: Session, condition: ColumnElement[bool], search: str, *, most: int = MAX_ROWS
) -> list[_Found]:
    """The conversations for which something holds, the latest first."""
    query = (
        select(Conversation, Handoff, Agent.name, Customer.name)
        .outerjoin(Handoff, (Handoff.conversation_id == Conversation.id) & Handoff.ended_at.is_(None))
        .outerjoin(Agent, Agent.id == Conversation.agent_id)
        .outerjoin(Customer, Customer.id == Conversation.customer_id)
        .where(condition)
        .order_by(Conversation.last_activity_at.desc())
        .limit(most)
    )
    if search.strip():
        query = query.where(_matches(search.strip()))
    found = session.execute(query).all()
    clocks = service_levels.next_due(session, [one.id for _, one, _, _ in found if one is not None])
    previews = _previews(session, [conversation.id for conversation, _, _, _ in found])
    return [
        _Found(
            _row(
                conversation, handoff, (agent, customer), previews.get(conversation.id, ("", False)),
                clocks.get(handoff.id) if handoff else None,
            ),
            conversation.agent_id,
            handoff,
        )
        for conversation, handoff, agent, customer in found
    ]  # fmt: skip


def _counted(deed: Deed, now: datetime) -> dict[Folder, int]:
    """How many each folder has, counted by the database: for queues too long to hold."""
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
        ConversationEvent.data["metadata"].as_json(),
    ).join(
        last,
        (last.c.conversation_id == ConversationEvent.conversation_id)
        & (last.c.sequence == ConversationEvent.sequence),
    )
    return {
        id_: (words(text, metadata) or ", ".join(_file_names(metadata)), kind == "user")
        for id_, kind, text, metadata in session.execute(query)
    }


def _row(
    conversation: Conversation,
    handoff: Handoff | None,
    names: tuple[str | None, str | None],
    preview: tuple[str, bool],
    clock: Clock | None,
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
        due_at=clock.due_at if clock else None,
        warn_at=clock.warn_at if clock else None,
    )


def words(text: str | None, metadata: Mapping[str, JSON] | None) -> str:
    """What somebody said; of a button its title, and nothing where the text only stands for files."""
    said = str((metadata or {}).get("title") or text or "")
    names = _file_names(metadata)
    return "" if names and said in (f"/{FILE_INTENT}", ", ".join(names)) else said


def _file_names(metadata: Mapping[str, JSON] | None) -> list[str]:
    files = (metadata or {}).get("attachments") or ()
    return [str(file.get("name")) for file in files if isinstance(file, dict)]


def short_name(sender_id: str) -> str:
    """What to call a customer whose name nobody knows."""
    return f"Visitor {sender_id[-6:]}"
