"""Tickets as the desk works on them: duplicates become one, and a promise runs until they are resolved."""

from __future__ import annotations

import itertools

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_connector import tickets
from crm_connector.choices import ComplaintCategory, Priority, Severity, Target, TicketStatus
from crm_connector.desk.opening_hours import OpeningHours
from crm_connector.tables import Clock, Customer, ServiceLevel, Ticket
from tests.crm_connector.factories import a_customer, stored

_keys = itertools.count(1)


def _open(session: Session, customer: Customer | None = None, priority: Priority = Priority.NORMAL) -> Ticket:
    """A ticket about a lamp."""
    row = Ticket(
        source_key=f"t{next(_keys)}",
        customer_id=(customer or a_customer(session)).id,
        category=ComplaintCategory.PRODUCT,
        priority=priority,
        subject="The lamp flickers",
        description="Since Monday.",
    )
    return tickets.open_ticket(session, row)


def test_a_duplicate_goes_into_the_other_ticket(session: Session) -> None:
    """Its words are kept there, it is closed, and doing so twice changes nothing."""
    customer = a_customer(session)
    first, second = _open(session, customer), _open(session, customer)
    assert tickets.merge(session, second, first, actor="anna@example.com")
    assert not tickets.merge(session, second, first, actor="anna@example.com")
    assert second.status == TicketStatus.CLOSED
    assert tickets.merged_into(session, second) is first
    assert tickets.merged_into(session, first) is None
    notes = [change.new_value or "" for change in tickets.history(session, first) if change.field == "note"]
    assert len(notes) == 1
    assert second.number in notes[0]
    assert second.subject in notes[0]


def test_only_duplicates_are_merged(session: Session) -> None:
    """Not a ticket with itself, not with a closed one, and never with another customer's."""
    customer = a_customer(session)
    mine, closed, foreign = _open(session, customer), _open(session, customer), _open(session)
    tickets.set_status(session, closed, TicketStatus.CLOSED, actor="x")
    for other in (mine, foreign):
        with pytest.raises(ValueError, match="no duplicate"):
            tickets.merge(session, mine, other, actor="x")
    with pytest.raises(tickets.TicketClosed):
        tickets.merge(session, mine, closed, actor="x")
    assert mine.status == TicketStatus.OPEN


def test_the_promise_about_a_ticket_runs_until_it_is_resolved(session: Session) -> None:
    """Its priority says how severe it is; opening it again lets the clock go on."""
    for name, least, minutes in (("all", Severity.LOW, 600), ("urgent", Severity.CRITICAL, 60)):
        stored(
            session,
            ServiceLevel(
                name=name, hours=OpeningHours().as_json(), least_severity=least, resolution_min=minutes
            ),
        )
    ticket = _open(session, priority=Priority.URGENT)
    clock = session.scalars(select(Clock)).one()
    assert (clock.level.name, clock.target, clock.ticket_id) == ("urgent", Target.RESOLUTION, ticket.id)
    tickets.set_status(session, ticket, TicketStatus.PENDING, actor="x")
    session.refresh(clock)
    assert clock.stopped_at is None
    tickets.set_status(session, ticket, TicketStatus.RESOLVED, actor="x")
    session.refresh(clock)
    assert clock.stopped_at is not None
    tickets.set_status(session, ticket, TicketStatus.OPEN, actor="x")
    session.refresh(clock)
    assert clock.stopped_at is None
