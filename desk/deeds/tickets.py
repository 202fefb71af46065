"""What agents do with tickets: move, rank, assign, note, merge."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from crm_connector import tickets
from crm_connector.choices import Priority, TicketStatus
from crm_connector.tables import Account, Ticket
from desk.access import Deed, Desk, Permission
from desk.deeds.conversations import Refused


def move_ticket(desk: Desk, token: str, ticket_id: int, status: TicketStatus) -> None:
    """Give a ticket another status.

    Raises:
        Refused: It is closed, or gone.
    """
    with _changed(desk, token, ticket_id) as (deed, ticket):
        if tickets.set_status(deed.session, ticket, status, actor=deed.visitor.email):
            deed.note("ticket.status", _subject(ticket), to=status.value)


def set_priority(desk: Desk, token: str, ticket_id: int, priority: Priority) -> None:
    """Say how soon a ticket wants an answer.

    Raises:
        Refused: It is closed, or gone.
    """
    with _changed(desk, token, ticket_id) as (deed, ticket):
        if tickets.set_priority(deed.session, ticket, priority, actor=deed.visitor.email):
            deed.note("ticket.priority", _subject(ticket), to=priority.value)


def assign_ticket(desk: Desk, token: str, ticket_id: int, account_id: int | None) -> None:
    """Give a ticket to a colleague, or to nobody.

    Raises:
        Refused: It is closed, or it or the colleague is gone.
    """
    with _changed(desk, token, ticket_id) as (deed, ticket):
        account = deed.session.get(Account, account_id) if account_id is not None else None
        if account_id is not None and (account is None or not account.agent.is_active):
            raise Refused("This colleague has no account any more.")
        agent = account.agent if account else None
        if tickets.assign(deed.session, ticket, agent, actor=deed.visitor.email):
            deed.note("ticket.assign", _subject(ticket), to=agent.email if agent else None)


def note_on_ticket(desk: Desk, token: str, ticket_id: int, text: str, *, key: str) -> None:
    """Add a note to a ticket's history.

    Raises:
        Refused: There is nothing to note, or no ticket.
    """
    if not text.strip():
        raise Refused("Write something first.")
    with _changed(desk, token, ticket_id) as (deed, ticket):
        tickets.add_note(
            deed.session, ticket, text.strip(), actor=deed.visitor.email, source_key=f"desk {key}"
        )


def merge_tickets(desk: Desk, token: str, ticket_id: int, into: str) -> None:
    """Close a duplicate in favour of the ticket with the number `into`.

    Raises:
        Refused: There is no such ticket, it is closed, or it is not about the same customer.
    """
    with _changed(desk, token, ticket_id) as (deed, ticket):
        other = tickets.find_ticket(deed.session, into)
        if other is None:
            raise Refused(f"There is no ticket {into}.")
        if other.customer_id != ticket.customer_id or other.id == ticket.id:
            raise Refused(f"{ticket.number} is no duplicate of {other.number}.")
        tickets.merge(deed.session, ticket, other, actor=deed.visitor.email)
        deed.note("ticket.merge", _subject(ticket), into=other.number)


@contextmanager
def _changed(desk: Desk, token: str, ticket_id: int) -> Iterator[tuple[Deed, Ticket]]:
    """A ticket that is about to be changed."""
    with desk.act(token, Permission.TICKETS) as deed:
        ticket = deed.session.get(Ticket, ticket_id)
        if ticket is None:
            raise Refused("There is no such ticket.")
        try:
            yield deed, ticket
        except tickets.TicketClosed as closed:
            raise Refused(f"{ticket.number} is closed: open another one.") from closed


def _subject(ticket: Ticket) -> str:
    return f"ticket {ticket.number}"
