"""Boards: tickets and opportunities are shown in columns, moved, and remember who moved them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from crm_connector import opportunities, tickets
from crm_connector.choices import ComplaintCategory, Priority, Role, Stage, TicketStatus
from crm_connector.desk import audit
from crm_connector.tables import Customer, Opportunity, Ticket
from desk.access import Desk
from desk.deeds import opportunities as opportunity_deeds
from desk.deeds import tickets as ticket_deeds
from desk.deeds.conversations import Refused
from desk.views.boards import BoardColumn, opportunity_board, ticket_board, ticket_detail
from desk.views.colleagues import colleagues

SignIn = Callable[..., str]


@pytest.fixture
def ticket_ids(desk: Desk) -> list[int]:
    """Two tickets of one customer, and one of another."""
    with desk.store.session() as session:
        customers = [Customer(name="Ada"), Customer(name="Bo 100%")]
        session.add_all(customers)
        session.flush()
        rows = [
            Ticket(
                source_key=f"t{number}",
                customer_id=customer.id,
                category=ComplaintCategory.PRODUCT,
                priority=priority,
                subject=subject,
            )
            for number, (customer, priority, subject) in enumerate(
                [
                    (customers[0], Priority.NORMAL, "Lamp"),
                    (customers[0], Priority.URGENT, "Smoke"),
                    (customers[1], Priority.LOW, "Radio"),
                ]
            )
        ]
        return [tickets.open_ticket(session, row).id for row in rows]


def _shown(columns: tuple[BoardColumn, ...]) -> dict[str, list[str]]:
    return {
        column.id: [f"{card.number} {card.title}".strip() for card in column.cards]
        for column in columns
        if column.cards
    }


def test_tickets_stand_in_the_column_of_their_status(
    desk: Desk, signed_in: SignIn, ticket_ids: list[int]
) -> None:
    """The most urgent first; moved, they remember by whom."""
    anna = signed_in(Role.AGENT)
    assert _shown(ticket_board(desk, anna)) == {"open": ["T-10002 Smoke", "T-10001 Lamp", "T-10003 Radio"]}
    ticket_deeds.move_ticket(desk, anna, ticket_ids[0], TicketStatus.PENDING)
    ticket_deeds.set_priority(desk, anna, ticket_ids[2], Priority.URGENT)
    assert _shown(ticket_board(desk, anna)) == {
        "open": ["T-10002 Smoke", "T-10003 Radio"],
        "pending": ["T-10001 Lamp"],
    }
    detail = ticket_detail(desk, anna, ticket_ids[0])
    assert [line.text for line in detail.history] == ["Opened", "Status: open → pending"]
    assert detail.history[1].actor == "anna.agent@example.com"
    with desk.store.reading() as session:
        assert audit.entries(session, subject="ticket T-10001")[0].detail == {"to": "pending"}


def test_tickets_are_found_and_assigned(desk: Desk, signed_in: SignIn, ticket_ids: list[int]) -> None:
    """By subject or customer, mine or all; a percent sign is a percent sign."""
    anna = signed_in(Role.AGENT)
    assert _shown(ticket_board(desk, anna, search="%")) == {"open": ["T-10003 Radio"]}
    assert _shown(ticket_board(desk, anna, search="smo")) == {"open": ["T-10002 Smoke"]}
    assert _shown(ticket_board(desk, anna, is_mine=True)) == {}
    [me] = colleagues(desk, anna)
    ticket_deeds.assign_ticket(desk, anna, ticket_ids[0], me.account_id)
    assert _shown(ticket_board(desk, anna, is_mine=True)) == {"open": ["T-10001 Lamp"]}
    ticket_deeds.assign_ticket(desk, anna, ticket_ids[0], None)
    assert _shown(ticket_board(desk, anna, is_mine=True)) == {}
    with pytest.raises(Refused, match="no account any more"):
        ticket_deeds.assign_ticket(desk, anna, ticket_ids[0], 999)


def test_duplicates_become_one(desk: Desk, signed_in: SignIn, ticket_ids: list[int]) -> None:
    """Only of one customer; the duplicate is closed and says where it went."""
    anna = signed_in(Role.AGENT)
    ticket_deeds.merge_tickets(desk, anna, ticket_ids[0], "t10002")
    assert ticket_detail(desk, anna, ticket_ids[0]).merged_into == "T-10002"
    for into, reason in (("T-10003", "no duplicate"), ("T-99999", "no ticket"), ("T-10002", "no duplicate")):
        with pytest.raises(Refused, match=reason):
            ticket_deeds.merge_tickets(desk, anna, ticket_ids[1], into)
    with pytest.raises(Refused, match="is closed"):
        ticket_deeds.move_ticket(desk, anna, ticket_ids[0], TicketStatus.OPEN)


def test_notes_are_kept_once(desk: Desk, signed_in: SignIn, ticket_ids: list[int]) -> None:
    """A click that is repeated notes nothing twice, and nothing is no note."""
    anna = signed_in(Role.AGENT)
    for _ in range(2):
        ticket_deeds.note_on_ticket(desk, anna, ticket_ids[0], "Called", key="k1")
    assert [line.text for line in ticket_detail(desk, anna, ticket_ids[0]).history] == ["Opened", "Called"]
    with pytest.raises(Refused, match="Write something"):
        ticket_deeds.note_on_ticket(desk, anna, ticket_ids[0], " ", key="k2")
    with pytest.raises(Refused, match="no such ticket"):
        ticket_deeds.note_on_ticket(desk, anna, 999, "x", key="k3")


def test_opportunities_move_until_they_are_won_or_lost(desk: Desk, signed_in: SignIn) -> None:
    """Each column says what it is worth; the end is final."""
    anna = signed_in(Role.AGENT)
    with desk.store.session() as session:
        customer = Customer(name="Ada")
        session.add(customer)
        session.flush()
        ids = [
            opportunities.open_opportunity(
                session,
                Opportunity(source_key=title, customer_id=customer.id, title=title, amount=amount),
            ).id
            for title, amount in (("Lamp", 49), ("Radio", 129), ("Something", None))
        ]
    lead = opportunity_board(desk, anna)[0]
    assert [card.title for card in lead.cards] == ["Radio", "Lamp", "Something"]
    assert lead.sum == "178.00 EUR"
    opportunity_deeds.move_opportunity(desk, anna, ids[0], Stage.WON)
    assert _shown(opportunity_board(desk, anna))["won"] == ["Lamp"]
    with pytest.raises(Refused, match="is won already"):
        opportunity_deeds.move_opportunity(desk, anna, ids[0], Stage.LEAD)
    with pytest.raises(Refused, match="no such opportunity"):
        opportunity_deeds.move_opportunity(desk, anna, 999, Stage.LEAD)
    assert _shown(opportunity_board(desk, anna, search="radio")) == {"lead": ["Radio"]}
