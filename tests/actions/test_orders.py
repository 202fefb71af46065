"""Orders are told, changed and sent back only to and by whoever proves that they are hers."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from crm_connector.choices import OrderStatus, ReturnStatus
from crm_connector.database import Store
from crm_connector.identity_checks import MAX_OF_ORDER, MAX_OF_SENDER
from crm_connector.tables import ChannelIdentity, Order, OrderLine, Return
from tests.actions.chat import Chat

ANNA = "anna@example.com"
ORDER_ACTIONS = (
    "action_tell_order_status",
    "action_tell_refund_status",
    "action_ask_cancellation",
    "action_cancel_order",
    "action_change_address",
    "action_register_return",
)


def order(store: Store, number: str) -> Order:
    """The row of an order."""
    with store.reading() as session:
        return session.scalars(select(Order).where(Order.number == number)).one()


@pytest.mark.parametrize("action", ORDER_ACTIONS)
def test_a_wrong_email_and_an_unknown_order_sound_the_same(chat: Chat, action: str) -> None:
    """Whoever guesses numbers cannot tell a foreign order from one that does not exist."""
    answers = []
    for number, contact in (("LC104233", "eve@example.com"), ("LC999999", ANNA), ("LC104233", "0000000000")):
        chat.hear("order_status", "where is it").set(order_number=number, contact=contact)
        chat.run(action)
        said = [{**message, "order_number": None} for message in chat.said]
        answers.append((said, chat.slots["order_number"], chat.slots["contact"]))
    assert answers[0] == answers[1] == answers[2]
    assert chat.responses == ["utter_order_not_found"]


@pytest.mark.parametrize("contact", [ANNA, " ANNA@Example.com ", "+49 151 23456789", "0151 23456789"])
def test_the_orders_own_email_or_phone_opens_it(chat: Chat, contact: str) -> None:
    """E-mail and phone of the order are the proof, however they are written."""
    chat.hear("order_status", "where is it").set(order_number="lc-104233", contact=contact)
    chat.run("action_tell_order_status")
    assert chat.responses == ["utter_order_shipped_late"]
    assert chat.values["order_number"] == "LC104233"
    assert chat.slots["verified_customer"]


def test_a_proof_links_the_channel_to_the_customer(store: Store, chat: Chat) -> None:
    """The next conversation knows who writes."""
    chat.hear("order_status", "where").set(order_number="LC104233", contact=ANNA)
    chat.run("action_tell_order_status")
    with store.reading() as session:
        identity = session.scalars(
            select(ChannelIdentity).where(ChannelIdentity.sender_id == chat.sender_id)
        ).one()
    assert identity.customer_id == order(store, "LC104233").customer_id


def test_details_are_asked_one_at_a_time_and_remembered(chat: Chat) -> None:
    """The number first, then the proof, then the answer, through the action for bare details."""
    chat.hear("order_status", "where is my order").run("action_tell_order_status")
    assert chat.responses == ["utter_ask_order_number"]
    chat.hear("inform", "LC104233", order_number="LC104233").set(order_number="LC104233")
    chat.run("action_use_details")
    assert chat.responses == ["utter_ask_order_contact"]
    chat.hear("inform", ANNA, email=ANNA).set(contact=ANNA).run("action_use_details")
    assert chat.responses == ["utter_order_shipped_late"]


def _guess(chat: Chat, number: str, contact: str) -> list[str]:
    chat.hear("inform", "try").set(order_number=number, contact=contact).run("action_tell_order_status")
    return chat.responses


@pytest.mark.parametrize("number", ["LC104233", "LC999999"], ids=["wrong proof", "unknown number"])
def test_guessing_ends_after_a_few_tries(chat: Chat, number: str) -> None:
    """Even the right proof opens nothing after too many wrong ones, also with new slots."""
    tried = [_guess(chat, number, f"eve{n}@example.com") for n in range(MAX_OF_SENDER)]
    assert tried == [["utter_order_not_found"]] * MAX_OF_SENDER
    assert _guess(chat, "LC104233", ANNA) == ["utter_too_many_checks"]
    restarted = Chat()
    assert restarted.sender_id == chat.sender_id
    restarted.hear("order_status", "where", message_id="later")
    restarted.set(order_number="LC104233", contact=ANNA).run("action_tell_order_status")
    assert restarted.responses == ["utter_too_many_checks"]


@pytest.mark.parametrize("number", ["LC104233", "LC999999"], ids=["wrong proof", "unknown number"])
def test_new_senders_do_not_get_endless_guesses_at_one_order(chat: Chat, number: str) -> None:
    """The order number itself counts, over all senders, and an unknown one answers the same."""
    del chat
    for n in range(MAX_OF_ORDER):
        assert _guess(Chat(f"eve-{n}"), number, "eve@example.com") == ["utter_order_not_found"]
    assert _guess(Chat("one more"), number, "eve@example.com") == ["utter_too_many_checks"]


def test_a_mistyped_half_of_the_proof_is_all_that_must_be_repeated(chat: Chat) -> None:
    """The order number stays when only the e-mail was wrong, and the other way round."""
    assert _guess(chat, "lc104233", "anna@exmaple.com") == ["utter_order_not_found"]
    chat.hear("inform", ANNA, email=ANNA).set(contact=ANNA).run("action_use_details")
    assert chat.responses == ["utter_order_shipped_late"]
    other = Chat("another")
    assert _guess(other, "LC104234", ANNA) == ["utter_order_not_found"]
    other.hear("correct", "LC104233", order_number="LC104233").set(order_number="LC104233")
    other.run("action_correct")
    assert other.responses == ["utter_correction_noted", "utter_order_shipped_late"]


@pytest.mark.parametrize(
    ("number", "contact", "response"),
    [
        ("LC104233", ANNA, "utter_order_shipped_late"),
        ("LC104871", ANNA, "utter_order_delivered"),
        ("LC104990", ANNA, "utter_order_processing"),
        ("LC205518", "lilei@example.com", "utter_order_shipped_late"),
    ],
    ids=["late", "delivered", "processing", "chinese customer"],
)
def test_the_status_is_told_as_it_is(chat: Chat, number: str, contact: str, response: str) -> None:
    """Each state has its own words, and being late is owned up to."""
    chat.hear("order_status", "where").set(order_number=number, contact=contact)
    chat.run("action_tell_order_status")
    assert chat.responses == [response]


def test_dates_are_written_in_the_customers_language(chat: Chat) -> None:
    """A Chinese customer reads a Chinese date."""
    chat.hear("order_status", "到哪了").set(language="zh", order_number="LC104233", contact=ANNA)
    chat.run("action_tell_order_status")
    assert "年" in chat.values["promised"]


def test_an_order_is_cancelled_after_a_yes_and_only_once(store: Store, chat: Chat) -> None:
    """Asking changes nothing, a yes cancels, a second yes is told that it is done."""
    chat.hear("cancel_order", "cancel it").set(order_number="LC104990", contact=ANNA)
    chat.run("action_ask_cancellation")
    assert (chat.responses, chat.slots["offer"]) == (["utter_ask_cancellation"], "cancellation")
    assert order(store, "LC104990").status is OrderStatus.PROCESSING
    assert chat.hear("affirm", "yes").run("action_cancel_order").responses == ["utter_cancellation_done"]
    assert order(store, "LC104990").status is OrderStatus.CANCELLED
    assert chat.hear("affirm", "yes").run("action_cancel_order").responses == ["utter_order_cancelled"]


@pytest.mark.parametrize(
    ("text", "entities", "response"),
    [
        ("yes, cancel it please", {}, "utter_cancellation_done"),
        ("对，取消吧", {}, "utter_cancellation_done"),
        ("no, don't cancel it", {}, "utter_cancellation_kept"),
        ("算了，不取消了", {}, "utter_cancellation_kept"),
        ("forget it", {}, "utter_cancellation_kept"),
        ("cancel LC104990 please", {"order_number": "LC104990"}, "utter_ask_cancellation"),
        ("", {}, "utter_ask_cancellation"),
    ],
)
def test_words_about_cancelling_settle_the_question(
    chat: Chat, text: str, entities: dict[str, str], response: str
) -> None:
    """A clear yes cancels, anything like a no keeps, and a new number is asked about first."""
    chat.set(order_number="LC104990", contact=ANNA).hear("cancel_order", text, **entities)
    assert chat.run("action_settle_cancellation").responses == [response]


def test_an_order_that_has_left_is_not_cancelled(store: Store, chat: Chat) -> None:
    """A yes that comes too late changes nothing."""
    chat.hear("affirm", "yes").set(order_number="LC104233", contact=ANNA).run("action_cancel_order")
    assert chat.responses == ["utter_cancellation_too_late"]
    assert order(store, "LC104233").status is OrderStatus.SHIPPED


def test_an_address_given_before_the_proof_is_used_after_it(store: Store, chat: Chat) -> None:
    """The customer does not say it twice, and postal code and city come along."""
    text = "send LC104990 to Rose Lane 14, 20099 Hamburg please"
    chat.hear("change_address", text, order_number="LC104990", address__new="Rose Lane 14")
    chat.set(order_number="LC104990", address="Rose Lane 14").run("action_change_address")
    assert chat.responses == ["utter_ask_order_contact"]
    chat.hear("inform", ANNA, email=ANNA).set(contact=ANNA).run("action_use_details")
    assert chat.responses == ["utter_address_changed"]
    changed = order(store, "LC104990")
    assert (changed.street, changed.postal_code, changed.city) == ("Rose Lane 14", "20099", "Hamburg")


def test_a_return_is_registered_once_however_often_it_is_asked(store: Store, chat: Chat) -> None:
    """The second request gives the number of the first."""
    numbers = set()
    for _ in range(2):
        chat.hear("inform", "too bright").set(
            order_number="LC104871", contact=ANNA, category="lamp", reason="too bright"
        )
        assert chat.run("action_register_return").responses == ["utter_return_registered"]
        numbers.add(chat.values["return_number"])
    assert len(numbers) == 1
    with store.reading() as session:
        assert session.scalar(select(func.count()).where(Return.reason == "too bright")) == 1


def test_of_several_products_the_customer_chooses(chat: Chat) -> None:
    """Nothing is sent back that she did not name; a button names it."""
    chat.hear("inform", "why not").set(order_number="LC104871", contact=ANNA, reason="why not")
    chat.run("action_register_return")
    assert chat.responses == ["utter_ask_return_product"]
    assert len(chat.said[0]["buttons"]) == 3
    chat.hear("inform", product="LC-KT-280").set(product="LC-KT-280").run("action_use_details")
    assert chat.responses == ["utter_return_registered"]


@pytest.mark.parametrize(
    ("number", "response"),
    [("LC101190", "utter_return_too_late"), ("LC104233", "utter_return_not_delivered")],
    ids=["too late", "not delivered"],
)
def test_a_refused_return_says_why(chat: Chat, number: str, response: str) -> None:
    """Each refusal has its own words."""
    chat.hear("inform", "why").set(order_number=number, contact=ANNA, reason="why")
    assert chat.run("action_register_return").responses == [response]


@pytest.mark.parametrize("status", list(ReturnStatus))
def test_a_refund_is_told_as_far_as_it_is(store: Store, chat: Chat, status: ReturnStatus) -> None:
    """Each state of a return has its own words."""
    with store.session() as session:
        returned = session.scalars(select(Return)).first()
        assert returned is not None
        returned.status = status
        line = session.get_one(OrderLine, returned.order_line_id)
        own = session.get_one(Order, line.order_id)
    chat.hear("refund_status", "where is my money").set(order_number=own.number, contact=own.email)
    assert f"utter_refund_{status}" in chat.run("action_tell_refund_status").responses


def test_without_a_return_there_is_no_refund(chat: Chat) -> None:
    """The return is offered instead."""
    chat.hear("refund_status", "my money?").set(order_number="LC104871", contact=ANNA)
    assert chat.run("action_tell_refund_status").responses == ["utter_refund_none"]


@pytest.mark.parametrize(
    ("number", "text", "response"),
    [
        ("LC104233", "Rose Lane 14, Hamburg", "utter_address_too_late"),
        ("LC104990", "somewhere else", "utter_ask_new_address"),
    ],
    ids=["has left", "no street"],
)
def test_an_address_that_cannot_be_changed_says_why(
    chat: Chat, number: str, text: str, response: str
) -> None:
    """Too late, or still to be told."""
    chat.hear("change_address", text).set(order_number=number, contact=ANNA)
    assert chat.run("action_change_address").responses == [response]
