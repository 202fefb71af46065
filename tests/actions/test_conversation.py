"""Who speaks here is said once; an offer stands for one message; forms take only what fits."""

from __future__ import annotations

from typing import Any

import pytest

from actions.conversation import has_words
from actions.form_validation import parse_contact, parse_order_number, parse_rating
from tests.actions.chat import Chat

VALIDATE = "action_validate_slot_mappings"


@pytest.fixture
def bare() -> Chat:
    """A conversation that needs no CRM."""
    return Chat()


def test_the_assistant_introduces_itself_once(bare: Chat) -> None:
    """Before the first answer, and not again, even when the first message was taken back."""
    assert bare.hear("greet", "hi").run(VALIDATE).responses == ["utter_introduction"]
    assert bare.slots["introduced"] is True
    assert bare.hear("faq", "when").run(VALIDATE).responses == []
    bare.slots["introduced"] = None  # as a rewind leaves it
    assert bare.hear("faq", "when").run(VALIDATE).responses == []
    assert bare.slots["introduced"] is True


def test_an_offer_stands_for_one_message(bare: Chat) -> None:
    """The message after it may accept it, the one after that may not."""
    bare.hear("complaint_delivery", "late").set(offer="person")
    assert bare.hear("affirm", "yes").run(VALIDATE).slots["offer"] == "person"
    assert bare.hear("affirm", "yes").run(VALIDATE).slots["offer"] is None


@pytest.mark.parametrize("intent", ["inform", "nlu_fallback"])
def test_details_and_noise_keep_an_offer_open(bare: Chat, intent: str) -> None:
    """An order number in between, or a typo, does not take the question back."""
    bare.hear("complaint_delivery", "late").set(offer="person").hear(intent, "LC104233").run(VALIDATE)
    assert bare.hear("affirm", "yes").run(VALIDATE).slots["offer"] == "person"


@pytest.mark.parametrize("text", ["LC104233", "mei@example.com", "4", "/affirm", "+49 151 2345", "👍"])
def test_codes_do_not_change_the_language(bare: Chat, text: str) -> None:
    """A Chinese customer who sends her order number goes on in Chinese."""
    bare.hear("greet", "你好").set(language="zh").hear("inform", text).set(language="en").run(VALIDATE)
    assert bare.slots["language"] == "zh"


def test_words_change_the_language(bare: Chat) -> None:
    """Whoever goes on in English is answered in English."""
    bare.hear("greet", "你好").set(language="zh").hear("help", "what can you do").set(language="en")
    assert bare.run(VALIDATE).slots["language"] == "en"


def test_the_language_survives_a_message_that_was_taken_back(bare: Chat) -> None:
    """After a fallback the next short message is answered in the language known before."""
    bare.hear("nlu_fallback", "嗯嗯啊啊").set(language="zh")
    bare.slots["language"] = None  # as a rewind leaves it
    assert bare.hear("affirm", "/affirm").run(VALIDATE).slots["language"] == "zh"


@pytest.mark.parametrize(("text", "words"), [("好", True), ("ok", True), ("LC1", False), ("", False)])
def test_words_are_told_from_codes(text: str, words: bool) -> None:
    """Only what could be of one language or another counts."""
    assert has_words({"text": text}) is words


@pytest.mark.parametrize(("language", "title"), [("en", "Where is my order?"), ("zh", "查订单到哪了")])
def test_meanings_are_asked_in_words(bare: Chat, language: str, title: str) -> None:
    """Two meanings and none of them, as buttons without intent names."""
    bare.hear("nlu_fallback", "hm").set(language=language)
    bare.events[0]["parse_data"]["intent_ranking"] = [
        {"name": "nlu_fallback"},
        {"name": "order_status"},
        {"name": "faq"},
        {"name": "goodbye"},
    ]
    bare.events[0]["parse_data"]["response_selector"] = {
        "faq": {"response": {"intent_response_key": "faq/warranty"}}
    }
    bare.run("action_default_ask_affirmation")
    buttons = bare.said[0]["buttons"]
    assert buttons[0] == {"title": title, "payload": "/order_status"}
    assert buttons[1]["title"] == buttons[1]["payload"]  # the question itself: /faq would name no answer
    assert buttons[2]["payload"] == "/out_of_scope"


def fill(chat: Chat, form: str, requested: str, **slots: Any) -> Chat:
    """Run a form's validation with new values."""
    chat.active_loop = form
    chat.set(requested_slot=requested)
    chat.events.append({"event": "action", "name": form})
    return chat.set(**slots).run(f"validate_{form}")


@pytest.mark.parametrize(
    ("slot", "given", "kept"),
    [
        ("contact", "write to Mei@Example.com.", "Mei@Example.com"),
        ("contact", "电话138 0013 8000", "138 0013 8000"),
        ("contact", "none of your business", None),
        ("order_number", "lc 104233", "LC104233"),
        ("order_number", "104233", "LC104233"),
        ("order_number", "LC12", None),
        ("reason", "it broke", "it broke"),
        ("reason", "坏了", "坏了"),
        ("reason", "/inform", None),
    ],
)
def test_the_return_form_takes_what_fits(bare: Chat, slot: str, given: str, kept: str | None) -> None:
    """A wrong value is explained and asked again, a right one is written in one way."""
    fill(bare.hear("inform", given), "return_form", slot, **{slot: given})
    assert bare.slots[slot] == kept
    assert bare.responses == ([] if kept else [f"utter_invalid_{slot}"])


def test_a_correction_is_acknowledged(bare: Chat) -> None:
    """The customer sees that the new value counts."""
    bare.hear("correct", "no, LC104871", order_number="LC104871")
    fill(bare, "return_form", "contact", order_number="LC104871")
    assert bare.responses == ["utter_correction_noted"]


def test_a_correction_without_a_value_asks_the_last_question_again(chat: Chat) -> None:
    """The form forgets the last answer."""
    chat.active_loop = "return_form"
    chat.hear("start_return", "return").set(requested_slot="order_number")
    chat.hear("inform", "LC104871").set(order_number="LC104871", requested_slot="contact")
    chat.hear("correct", "that was wrong").run("action_correct")
    assert chat.responses == ["utter_ask_correction"]
    assert chat.slots["order_number"] is None


@pytest.mark.parametrize(
    ("intent", "text", "known"),
    [
        ("report_defect", "my kettle leaks all over the table", True),
        ("report_defect", "水壶一直漏水，根本没法用了啊啊", True),
        ("report_defect", "report: my kettle leaks", True),
        ("open_ticket", "open a ticket", False),
        ("open_ticket", "我要开工单", False),
        ("report_defect", "/report_defect", False),
    ],
)
def test_a_told_problem_is_not_asked_again(bare: Chat, intent: str, text: str, known: bool) -> None:
    """The message that starts the form is its reason when it tells one."""
    fill(bare.hear(intent, text), "ticket_form", "reason")
    assert (bare.slots.get("reason") == text) is known


@pytest.mark.parametrize(
    ("text", "rating"),
    [
        ("5", 5),
        (4, 4),
        ("五分", 5),
        ("打两分吧", 2),
        ("three stars", 3),
        ("4/5 I guess", None),
        ("10", None),
        ("0", None),
        ("-3", None),
        (True, None),
        ("great", None),
    ],
)
def test_ratings_are_numbers_from_one_to_five(text: object, rating: int | None) -> None:
    """In digits or words; what could be two numbers is asked again."""
    assert parse_rating(text) == rating


def test_codes_are_read_strictly() -> None:
    """A longer number is no order number, a short one no phone."""
    assert parse_order_number("LC1042331") is None
    assert parse_contact("12345") is None
