"""Tickets are opened once and told to their owner alone."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from crm_connector import tickets
from crm_connector.choices import ComplaintCategory, TicketStatus
from crm_connector.database import Store
from crm_connector.tables import Customer, Ticket
from tests.actions.chat import Chat


def open_one(chat: Chat, *, reason: str = "the lamp flickers", message_id: str = "") -> str:
    """Fill the form's slots and open the ticket; returns its number."""
    chat.hear("inform", "me@example.org", message_id=message_id)
    chat.set(reason=reason, product="lamp", contact="me@example.org")
    assert chat.run("action_open_ticket").responses == ["utter_ticket_opened"]
    return str(chat.slots["ticket_number"])


def test_a_ticket_keeps_what_the_form_collected(store: Store, chat: Chat) -> None:
    """Reason, product and contact stand in it; the customer's contact is noted; the form starts afresh."""
    number = open_one(chat)
    with store.reading() as session:
        ticket = tickets.find_ticket(session, number)
        assert ticket is not None
        assert ticket.subject == "the lamp flickers"
        assert ticket.category is ComplaintCategory.PRODUCT
        assert "Product: lamp" in ticket.description
        assert session.get_one(Customer, ticket.customer_id).email == "me@example.org"
    assert chat.slots["reason"] is None


def test_the_same_message_opens_one_ticket(store: Store, chat: Chat) -> None:
    """A redelivery after a crash finds the ticket of the first try."""
    assert open_one(chat, message_id="same") == open_one(Chat(), message_id="same")
    with store.reading() as session:
        assert session.scalar(select(func.count()).select_from(Ticket)) == 1


def test_another_message_opens_another_ticket(chat: Chat) -> None:
    """Two problems are two tickets."""
    assert open_one(chat) != open_one(chat, reason="and the kettle leaks")


@pytest.mark.parametrize("status", list(TicketStatus))
def test_the_owner_is_told_the_state(store: Store, chat: Chat, status: TicketStatus) -> None:
    """Each state has its own words, with and without the number."""
    number = open_one(chat)
    with store.session() as session:
        ticket = tickets.find_ticket(session, number)
        assert ticket is not None
        tickets.set_status(session, ticket, status, actor="ines")
    chat.hear("ticket_status", "how is it").run("action_tell_ticket_status")
    assert chat.responses == [f"utter_ticket_{status}"]
    chat.set(ticket_number=None).hear("ticket_status", "how is it").run("action_tell_ticket_status")
    assert chat.values["ticket_number"] == number


def test_a_foreign_ticket_sounds_like_none(chat: Chat) -> None:
    """Somebody else's number and one that was never given are answered alike."""
    number = open_one(Chat(sender_id="owner"))
    answers = []
    for guess in (number, "T-99999"):
        chat.hear("ticket_status", guess).set(ticket_number=guess).run("action_tell_ticket_status")
        answers.append([{**message, "ticket_number": None} for message in chat.said])
    assert answers[0] == answers[1]
    assert chat.responses == ["utter_ticket_not_found"]


def test_a_proven_order_opens_the_tickets_of_another_channel(chat: Chat) -> None:
    """Whoever proves one of her orders may see the tickets she opened elsewhere."""
    proof = {"order_number": "LC104233", "contact": "anna@example.com"}
    elsewhere = Chat(sender_id="on another channel")
    elsewhere.hear("order_status", "where").set(**proof).run("action_tell_order_status")
    number = open_one(elsewhere)
    chat.hear("ticket_status", number).set(ticket_number=number).run("action_tell_ticket_status")
    assert chat.responses == ["utter_ticket_not_found"]
    chat.hear("inform", "LC104233 anna@example.com").set(**proof, ticket_number=number)
    assert chat.run("action_use_details").responses == ["utter_ticket_open"]


def test_without_any_ticket_the_number_is_asked(chat: Chat) -> None:
    """Nobody knows this customer, so she has to name the ticket."""
    assert chat.hear("ticket_status", "how is my ticket").run("action_tell_ticket_status").responses == [
        "utter_ask_ticket_number"
    ]
