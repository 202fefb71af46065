"""Files reach whoever works on the matter."""

from __future__ import annotations

from typing import Any

from crm_connector import tickets
from crm_connector.database import Store
from tests.actions.chat import Chat
from tests.actions.test_tickets import open_one

LAMP: dict[str, Any] = {"id": "a" * 32, "name": "lamp.png", "type": "image/png", "size": 3}


def send(chat: Chat, *files: dict[str, Any], message_id: str = "") -> Chat:
    """Send files without a word."""
    chat.hear("send_file", message_id=message_id)
    chat.events[-2]["metadata"] = {"attachments": list(files)}
    return chat.run("action_take_file")


def test_a_file_is_noted_in_the_ticket_that_is_talked_about(store: Store, chat: Chat) -> None:
    """The names stand in the ticket's history, once for one message."""
    number = open_one(chat)
    for _ in range(2):
        send(chat, LAMP, {**LAMP, "name": "bill.pdf"}, message_id="same")
        assert chat.responses == ["utter_file_added"]
        assert chat.values["number"] == number
    with store.reading() as session:
        ticket = tickets.find_ticket(session, number)
        assert ticket is not None
        notes = [change for change in tickets.history(session, ticket) if change.field == "note"]
    assert [(note.actor, note.new_value) for note in notes] == [("customer", "lamp.png, bill.pdf")]


def test_without_a_ticket_it_has_arrived(chat: Chat) -> None:
    """Who has no ticket hears that the file is there, and is asked what it is about."""
    assert send(chat, LAMP).responses == ["utter_file_taken"]


def test_a_message_without_a_file_is_told_so(chat: Chat) -> None:
    """Who only sends the word for a file hears that there is none."""
    assert send(chat).responses == ["utter_file_missing"]
