"""Tickets and their history."""

from __future__ import annotations

import re

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_connector import outgoing_events
from crm_connector.choices import Priority, Target, TicketStatus
from crm_connector.columns import FIRST_NUMBER, storable, utc_now
from crm_connector.database import insert_once
from crm_connector.desk import service_levels
from crm_connector.tables import Agent, Customer, Ticket, TicketChange, TicketMerge

BOT = "bot"  # the actor of what no person did

_NUMBER = re.compile(r"\s*T\s*-?\s*(\d{5,9})\s*", re.IGNORECASE | re.ASCII)


class TicketClosed(Exception):
    """The ticket is closed, and closed is final: open another one."""


def open_ticket(session: Session, ticket: Ticket, *, actor: str = BOT) -> Ticket:
    """Store a ticket, or return the one that was opened under the same `source_key` before."""
    ticket.source_key = storable(ticket.source_key)
    stored = insert_once(session, ticket, Ticket.source_key == ticket.source_key)
    if stored is ticket:
        change = TicketChange(ticket_id=ticket.id, actor=actor, field="opened", new_value=ticket.status)
        session.add(change)
        session.flush()
        outgoing_events.ticket_changed(session, ticket, change)
        service_levels.start_ticket(session, ticket)
    return stored


def find_ticket(session: Session, number: str, *, customer: Customer | None = None) -> Ticket | None:
    """The ticket with a number such as `T-10042`, `t10042`; with a customer, only if it is hers."""
    match = _NUMBER.fullmatch(number)
    if match is None:
        return None
    ticket = session.get(Ticket, int(match[1]) - FIRST_NUMBER)
    if ticket is None or (customer is not None and ticket.customer_id != customer.id):
        return None
    return ticket


def tickets_of(session: Session, customer: Customer) -> list[Ticket]:
    """All tickets of a customer, newest first."""
    query = select(Ticket).where(Ticket.customer_id == customer.id)
    return list(session.scalars(query.order_by(Ticket.id.desc())))


def set_status(session: Session, ticket: Ticket, status: TicketStatus, *, actor: str) -> bool:
    """Change the status and note it in the history; False when it was so already.

    Raises:
        TicketClosed: The ticket is closed.
    """
    if not _change(session, ticket, "status", status, actor=actor):
        return False
    if status in (TicketStatus.RESOLVED, TicketStatus.CLOSED):
        service_levels.stop(session, ticket, tuple(Target), ticket.updated_at)
    else:
        service_levels.go_on(session, ticket)
    return True


def set_priority(session: Session, ticket: Ticket, priority: Priority, *, actor: str) -> bool:
    """Change the priority and note it in the history; False when it was so already.

    Raises:
        TicketClosed: The ticket is closed.
    """
    return _change(session, ticket, "priority", priority, actor=actor)


def assign(session: Session, ticket: Ticket, agent: Agent | None, *, actor: str) -> bool:
    """Give the ticket to an agent, or to nobody, and note it in the history; False when it was so already.

    Raises:
        TicketClosed: The ticket is closed.
    """
    return _change(session, ticket, "agent_id", agent.id if agent else None, actor=actor)


def merge(session: Session, ticket: Ticket, into: Ticket, *, actor: str) -> bool:
    """Close a duplicate: what it says becomes a note of the other ticket; False when it was merged before.

    Raises:
        TicketClosed: The other ticket is closed.
        ValueError: It is the same ticket, or another customer's.
    """
    if ticket.id == into.id or ticket.customer_id != into.customer_id:
        raise ValueError(f"{ticket.number} is no duplicate of {into.number}")
    if into.status == TicketStatus.CLOSED:
        raise TicketClosed(f"ticket {into.number} is closed")
    row = TicketMerge(ticket_id=ticket.id, into_id=into.id, actor=actor)
    if insert_once(session, row, TicketMerge.ticket_id == ticket.id) is not row:
        return False
    words = f"{ticket.number} was about the same: {ticket.subject}\n{ticket.description}".strip()
    add_note(session, into, words, actor=actor, source_key=f"merge {ticket.id}")
    set_status(session, ticket, TicketStatus.CLOSED, actor=actor)
    return True


def merged_into(session: Session, ticket: Ticket) -> Ticket | None:
    """The ticket that goes on for a duplicate."""
    query = select(Ticket).join(TicketMerge, TicketMerge.into_id == Ticket.id)
    return session.scalars(query.where(TicketMerge.ticket_id == ticket.id)).one_or_none()


def add_note(session: Session, ticket: Ticket, text: str, *, actor: str, source_key: str) -> TicketChange:
    """Add a note to the history, or return the one that was added under the same `source_key` before."""
    note = TicketChange(
        ticket_id=ticket.id, source_key=storable(source_key), actor=actor, field="note", new_value=text
    )
    key = (TicketChange.ticket_id == ticket.id, TicketChange.source_key == note.source_key)
    stored = insert_once(session, note, *key)
    if stored is note:
        outgoing_events.ticket_changed(session, ticket, note)
    return stored


def history(session: Session, ticket: Ticket) -> list[TicketChange]:
    """All that happened to a ticket, oldest first."""
    query = select(TicketChange).where(TicketChange.ticket_id == ticket.id)
    return list(session.scalars(query.order_by(TicketChange.id)))


def _change(session: Session, ticket: Ticket, field: str, value: str | int | None, *, actor: str) -> bool:
    """Set one column; the row is locked, so that the history tells every change once and in order."""
    session.refresh(ticket, with_for_update=True)
    old = getattr(ticket, field)
    if old == value:
        return False
    if ticket.status == TicketStatus.CLOSED:
        raise TicketClosed(f"ticket {ticket.number} is closed, its {field} stays {old}")
    setattr(ticket, field, value)
    ticket.updated_at = utc_now()
    change = TicketChange(
        ticket_id=ticket.id,
        actor=actor,
        field=field,
        old_value=None if old is None else str(old),
        new_value=None if value is None else str(value),
    )
    session.add(change)
    session.flush()
    outgoing_events.ticket_changed(session, ticket, change)
    return True
