"""Contact data changes after a proof; surveys are stored once."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from crm_connector.database import Store
from crm_connector.tables import Customer, Order, Survey
from tests.actions.chat import Chat

ANNA = "anna@example.com"
NEW = "anna.new@example.com"


def email_of_anna(store: Store) -> str | None:
    """What the CRM knows of the customer of LC104233."""
    with store.reading() as session:
        order = session.scalars(select(Order).where(Order.number == "LC104233")).one()
        return session.get_one(Customer, order.customer_id).email


def test_a_new_email_waits_for_the_proof(store: Store, chat: Chat) -> None:
    """What was said first is written down after the order proves who she is, without asking again."""
    chat.hear("update_contact", f"my new mail is {NEW}", email=NEW).run("action_update_contact")
    assert chat.responses == ["utter_ask_proof_order"]
    assert email_of_anna(store) == ANNA
    chat.hear("inform", "LC104233").set(order_number="LC104233").run("action_use_details")
    chat.hear("inform", ANNA, email=ANNA).set(contact=ANNA).run("action_use_details")
    assert chat.responses == ["utter_contact_updated"]
    assert email_of_anna(store) == NEW


def test_a_wrong_proof_changes_nothing(store: Store, chat: Chat) -> None:
    """The new address is no proof of itself."""
    chat.hear("update_contact", f"my new mail is {NEW}", email=NEW)
    chat.set(order_number="LC104233", contact=NEW).run("action_update_contact")
    assert chat.responses == ["utter_order_not_found"]
    assert email_of_anna(store) == ANNA


def test_after_the_proof_the_new_value_is_asked(store: Store, chat: Chat) -> None:
    """Order first, new phone later."""
    chat.hear("update_contact", "I have a new number").set(order_number="LC104233", contact=ANNA)
    assert chat.run("action_update_contact").responses == ["utter_ask_new_contact"]
    chat.hear("inform", "+49 30 1234567", phone="+49 30 1234567").run("action_use_details")
    assert chat.responses == ["utter_contact_updated"]
    assert email_of_anna(store) == ANNA


@pytest.mark.parametrize(
    ("rating", "response"),
    [(5, "utter_survey_thanks"), (3, "utter_survey_thanks"), (1, "utter_survey_sorry")],
)
def test_a_survey_is_stored_once(store: Store, chat: Chat, rating: int, response: str) -> None:
    """The same message twice is one survey; an unhappy customer is offered a person."""
    for conversation in (chat, Chat()):
        conversation.hear("deny", "no", message_id="same").set(rating=rating, comment="none")
        assert conversation.run("action_save_survey").responses == [response]
    with store.reading() as session:
        survey = session.scalars(select(Survey)).one()
    assert (survey.rating, survey.comment) == (rating, None)
