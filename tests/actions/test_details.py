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


def test_a_correction_of_nothing_asks_what_is_right(chat: Chat) -> None:
    """Without a value and without a form there is nothing to take back."""
    before = dict(chat.hear("correct", "that was wrong").slots)
    assert chat.run("action_correct").responses == ["utter_ask_correction"]
    assert chat.slots == before


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
