"""Boards: cards in columns, tickets by status and opportunities by stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from crm_connector import tickets
from crm_connector.choices import Stage, Target, TicketStatus
from crm_connector.tables import Account, Agent, Clock, Customer, Opportunity, Ticket, TicketChange
from desk.access import Desk, Permission
from desk.deeds.conversations import Refused

MOST = 100  # cards of a column


@dataclass(frozen=True, slots=True)
class BoardCard:
    """One card; `chips` are words with how loud they are: "", "warn" or "bad".

    `agent` is "" while nobody has it, and None where nobody is meant to.
    """

    id: int
    title: str
    text: str
    who: str
    number: str = ""
    agent: str | None = None
    chips: tuple[tuple[str, str], ...] = ()
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class BoardColumn:
    """One column; `total` counts those that are not shown, too. Cards of a final column stay there."""

    id: str
    label: str
    cards: tuple[BoardCard, ...]
    total: int
    sum: str = ""
    is_final: bool = False


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One step in a ticket's history, in words."""

    at: datetime
    actor: str
    text: str


@dataclass(frozen=True, slots=True)
class TicketDetail:
    """A ticket with all that happened to it."""

    id: int
    number: str
    subject: str
    description: str
    category: str
    status: TicketStatus
    priority: str
    customer: str
    conversation_id: int | None
    agent_account_id: int | None
    merged_into: str | None
    due_at: datetime | None
    history: tuple[HistoryLine, ...]


def ticket_board(
    desk: Desk, token: str, *, is_mine: bool = False, search: str = ""
) -> tuple[BoardColumn, ...]:
    """Tickets by status, the most urgent and then the oldest first."""
    with desk.read(token, Permission.TICKETS) as deed:
        query = (
            select(Ticket, Customer.name, Agent.name, Clock.due_at)
            .join(Customer, Customer.id == Ticket.customer_id)
            .outerjoin(Agent, Agent.id == Ticket.agent_id)
            .outerjoin(
                Clock,
                (Clock.ticket_id == Ticket.id)
                & (Clock.target == Target.RESOLUTION)
                & Clock.stopped_at.is_(None),
            )
        )
        if is_mine:
            query = query.where(Ticket.agent_id == deed.agent.id)
        if search.strip():
            query = query.where(_found(search.strip(), Ticket.subject, Customer.name))
        columns = []
        for status in TicketStatus:
            of_status = query.where(Ticket.status == status)
            total = deed.session.scalar(select(func.count()).select_from(of_status.subquery())) or 0
            rows = deed.session.execute(of_status.order_by(Ticket.updated_at.desc()).limit(MOST)).all()
            cards = tuple(
                _ticket_card(ticket, customer, agent, due)
                for ticket, customer, agent, due in sorted(rows, key=lambda row: _urgency(row[0]))
            )
            is_final = status is TicketStatus.CLOSED
            columns.append(BoardColumn(status.value, _label(status), cards, total, is_final=is_final))
        return tuple(columns)


def ticket_detail(desk: Desk, token: str, ticket_id: int) -> TicketDetail:
    """One ticket.

    Raises:
        Refused: There is none.
    """
    with desk.read(token, Permission.TICKETS) as deed:
        session = deed.session
        ticket = session.get(Ticket, ticket_id)
        if ticket is None:
            raise Refused("There is no such ticket.")
        into = tickets.merged_into(session, ticket)
        account = session.scalar(select(Account.id).where(Account.agent_id == ticket.agent_id))
        due = select(Clock.due_at).where(Clock.ticket_id == ticket.id, Clock.stopped_at.is_(None))
        names = {str(one.id): one.name for one in session.scalars(select(Agent))}
        return TicketDetail(
            id=ticket.id,
            number=ticket.number,
            subject=ticket.subject,
            description=ticket.description,
            category=ticket.category.value,
            status=ticket.status,
            priority=ticket.priority.value,
            customer=ticket.customer.name or "Without a name",
            conversation_id=ticket.conversation_id,
            agent_account_id=account,
            merged_into=into.number if into else None,
            due_at=session.scalar(due),
            history=tuple(
                HistoryLine(one.created_at, one.actor, _step(one, names))
                for one in tickets.history(session, ticket)
            ),
        )


def opportunity_board(desk: Desk, token: str, *, search: str = "") -> tuple[BoardColumn, ...]:
    """Opportunities by stage, the largest first, with what each stage is worth."""
    with desk.read(token, Permission.OPPORTUNITIES) as deed:
        query = select(Opportunity, Customer.name).join(Customer, Customer.id == Opportunity.customer_id)
        if search.strip():
            query = query.where(_found(search.strip(), Opportunity.title, Customer.name))
        columns = []
        for stage in Stage:
            of_stage = query.where(Opportunity.stage == stage)
            total = deed.session.scalar(select(func.count()).select_from(of_stage.subquery())) or 0
            order = (func.coalesce(Opportunity.amount, 0).desc(), Opportunity.id)
            rows = deed.session.execute(of_stage.order_by(*order).limit(MOST)).all()
            cards = tuple(
                BoardCard(
                    opportunity.id,
                    opportunity.title,
                    f"{opportunity.amount:,.2f} {opportunity.currency}"
                    if opportunity.amount is not None
                    else "",
                    customer or "Without a name",
                )
                for opportunity, customer in rows
            )
            worth = " + ".join(
                f"{amount:,.2f} {currency}"
                for currency, amount in deed.session.execute(
                    select(Opportunity.currency, func.sum(Opportunity.amount))
                    .where(Opportunity.stage == stage, Opportunity.amount.is_not(None))
                    .group_by(Opportunity.currency)
                )
            )
            is_final = stage in (Stage.WON, Stage.LOST)
            columns.append(BoardColumn(stage.value, _label(stage), cards, total, worth, is_final))
        return tuple(columns)


def _ticket_card(ticket: Ticket, customer: str | None, agent: str | None, due: datetime | None) -> BoardCard:
    loud = {"urgent": "bad", "high": "warn"}.get(ticket.priority.value, "")
    chips = ((ticket.priority.value, loud), (ticket.category.value, ""))
    who = customer or "Without a name"
    return BoardCard(ticket.id, ticket.subject, "", who, ticket.number, agent or "", chips, due)


def _urgency(ticket: Ticket) -> tuple[int, datetime]:
    return -["low", "normal", "high", "urgent"].index(ticket.priority.value), ticket.created_at


def _step(change: TicketChange, names: Mapping[str, str]) -> str:
    if change.field == "opened":
        return "Opened"
    old, new = change.old_value, change.new_value
    if change.field == "note":
        return new or ""
    if change.field != "agent_id":
        return f"{change.field.replace('_', ' ').capitalize()}: {old} → {new}"
    return f"Assignee: {names.get(old or '', 'nobody')} → {names.get(new or '', 'nobody')}"


def _label(value: StrEnum) -> str:
    return value.value.replace("_", " ").capitalize()


def _found(search: str, *columns: InstrumentedAttribute[Any]) -> ColumnElement[bool]:
    like = "%" + search.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_") + "%"
    return or_(*(column.ilike(like, escape="\\") for column in columns))
