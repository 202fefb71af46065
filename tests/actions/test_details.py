"""Bare details reach what waits for them, or are guessed from what they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.addresses import parse_address
from tests.actions.chat import Chat


@pytest.mark.parametrize(
    ("entities", "response"),
    [
        ({"ticket_number": "T-10042"}, "utter_ticket_not_found"),
        ({"order_number": "LC104233"}, "utter_ask_order_contact"),
        ({"product": "LC-HP-210"}, "utter_product_details"),
        ({"date": "2026-03-01"}, "utter_details_noted"),
    ],
    ids=["ticket", "order", "product", "date"],
)
def test_a_detail_nobody_waits_for_is_guessed(chat: Chat, entities: dict[str, str], response: str) -> None:
    """A ticket's number asks for its state, an order's for the order, a product's for the product."""
    chat.hear("inform", "this one", **entities).set(**entities)
    assert chat.run("action_use_details").responses == [response]


def test_an_order_number_is_no_word_about_a_need(chat: Chat) -> None:
    """After a recommendation an order number is about the order."""
    chat.hear("ask_recommendation", "a lamp", category="lamp").run("action_recommend")
    chat.hear("inform", "LC104233", order_number="LC104233").set(order_number="LC104233")
    assert chat.run("action_use_details").responses == ["utter_ask_order_contact"]


def test_a_correction_outside_forms_brings_the_right_value(chat: Chat) -> None:
    """What was asked before is answered for the corrected order."""
    chat.hear("order_status", "where").set(order_number="LC104232", contact="anna@example.com")
    assert chat.run("action_tell_order_status").responses == ["utter_order_not_found"]
    chat.hear("correct", "sorry, LC104233", order_number="LC104233")
    chat.set(order_number="LC104233", contact="anna@example.com").run("action_correct")
    assert chat.responses == ["utter_correction_noted", "utter_order_shipped_late"]


def test_a_correction_of_nothing_is_no_correction(chat: Chat) -> None:
    """Whoever has given no detail yet ("not at hand") hears no apology; else it is asked again."""
    before = dict(chat.hear("correct", "haven't got the number here").slots)
    assert chat.run("action_correct").responses == ["utter_take_your_time"]
    assert chat.slots == before
    chat.hear("correct", "that was wrong").set(order_number="LC104233").run("action_correct")
    assert chat.responses == ["utter_ask_correction"]


def test_an_unknown_word_is_not_noted(chat: Chat) -> None:
    """A message that brings no detail is asked about instead of thanked for."""
    assert chat.hear("inform", "blorp").run("action_use_details").responses == ["utter_unclear_detail"]
    chat.hear("inform", "tomorrow", date="2026-03-02").run("action_use_details")
    assert chat.responses == ["utter_details_noted"]


def test_a_proof_is_not_lost_to_a_question_in_between(chat: Chat) -> None:
    """The e-mail that follows an unrelated question still answers for the order."""
    chat.hear("order_status", "where", order_number="LC104233").set(order_number="LC104233")
    chat.run("action_tell_order_status")
    chat.hear("product_question", "qzx?").run("action_answer_product_question")
    chat.hear("inform", "anna@example.com", email="anna@example.com").set(contact="anna@example.com")
    assert chat.run("action_use_details").responses == ["utter_order_shipped_late"]


@pytest.mark.parametrize(
    ("text", "slots", "response"),
    [
        ("never mind", {}, "utter_nothing_to_stop"),
        ("never mind", {"open_request": "order_status"}, "utter_all_right"),
        ("算了", {"open_request": "recommendation"}, "utter_all_right"),
        (
            "cancel it please",
            {"order_number": "LC104990", "contact": "anna@example.com"},
            "utter_ask_cancellation",
        ),
        (
            "don't cancel",
            {"order_number": "LC104990", "contact": "anna@example.com"},
            "utter_nothing_to_stop",
        ),
    ],
)
def test_stopping_lets_go_of_what_waits(chat: Chat, text: str, slots: dict[str, str], response: str) -> None:
    """An open request is dropped, and "cancel" with an order in hand means the order."""
    assert chat.hear("stop", text).set(**slots).run("action_drop_request").responses == [response]
    assert not chat.slots.get("open_request")


@pytest.mark.parametrize(
    ("text", "city", "address"),
    [
        ("Rose Lane 14, 20099 Hamburg", None, ("Rose Lane 14", "20099", "Hamburg")),
        (
            "please send it to 14 Rose Lane, Leeds, LS1 4DY, thanks",
            None,
            ("14 Rose Lane", "LS1 4DY", "Leeds"),
        ),
        ("Hauptstr. 5; 10115 Berlin!", None, ("Hauptstr. 5", "10115", "Berlin")),
        ("Rose Lane 14", "Hamburg", ("Rose Lane 14", "", "Hamburg")),
        ("寄到朝阳路88号，100020，北京，谢谢", None, ("朝阳路88号", "100020", "北京")),
        ("中山路12号", "上海", ("中山路12号", "", "上海")),
        ("Rose Lane 14", None, None),
        ("somewhere else", "Hamburg", None),
        ("", "Hamburg", None),
        (", , ,", "Hamburg", None),
    ],
)
def test_addresses_are_read_as_customers_write_them(
    text: str, city: str | None, address: tuple[str, str, str] | None
) -> None:
    """Street, postal code and city in both languages; without a street there is no address."""
    found = parse_address(text, city=city)
    assert (found and (found.street, found.postal_code, found.city)) == address


@given(st.text(max_size=300), st.none() | st.just("Hamburg"))
def test_no_text_breaks_the_reading_of_addresses(text: str, city: str | None) -> None:
    """Whatever is written, there is no address, or one with a street and a city."""
    found = parse_address(text, city=city)
    assert found is None or (found.street.strip() and found.city.strip())
