"""Recommendations reach the customer as cards and the CRM as rows, and interest becomes an opportunity."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import select

from actions.needs import read_amount
from crm_connector.choices import RecommendationStatus, Stage
from crm_connector.database import Store
from crm_connector.tables import Opportunity, Recommendation
from tests.actions.chat import Chat


def cards(chat: Chat) -> list[dict[str, str]]:
    """The product cards of the last action."""
    custom = [message["custom"] for message in chat.said if message["custom"]]
    assert [payload["type"] for payload in custom] == ["product_cards"]
    found: list[dict[str, str]] = custom[0]["products"]
    return found


@pytest.mark.parametrize(
    ("language", "text", "first"),
    [
        ("en", "I need headphones with noise cancelling for long flights", "LC-HP-210"),
        ("zh", "想买一块适合跑步的手表", "LC-WT-220"),
    ],
)
def test_three_products_come_with_reasons_in_the_customers_language(
    store: Store, chat: Chat, language: str, text: str, first: str
) -> None:
    """Each card has a name, a price and a reason, and the CRM has a row for each."""
    chat.hear("ask_recommendation", text).set(language=language).run("action_recommend")
    shown = cards(chat)
    assert shown[0]["sku"] == first
    assert len(shown) == 3
    for card in shown:
        assert set(card) == {"sku", "name", "price", "currency", "reason"}
        assert any("\u4e00" <= char <= "\u9fff" for char in card["reason"]) is (language == "zh")
    with store.reading() as session:
        rows = session.scalars(select(Recommendation)).all()
    assert [row.reason for row in rows] == [card["reason"] for card in shown]
    assert chat.slots["offer"] == "interest"


def test_the_same_message_twice_recommends_once(store: Store, chat: Chat) -> None:
    """A redelivery writes no second row."""
    for conversation in (chat, Chat()):
        conversation.hear("ask_recommendation", "a lamp", message_id="same").run("action_recommend")
    with store.reading() as session:
        assert len(session.scalars(select(Recommendation)).all()) == 3


def test_without_a_hint_the_need_is_asked_after_the_favourites(chat: Chat) -> None:
    """Nobody goes away empty-handed, and a word more is asked for."""
    chat.hear("ask_recommendation", "recommend me something").run("action_recommend")
    assert len(cards(chat)) == 3
    assert chat.responses[-1] == "utter_ask_need"


def test_a_proven_customer_is_not_offered_what_she_has(chat: Chat) -> None:
    """After the proof the purchases count: no second pair, and a reason that names what she bought."""
    chat.hear("order_status", "where").set(order_number="LC104233", contact="anna@example.com")
    chat.run("action_tell_order_status")
    chat.hear("ask_recommendation", "what would you recommend").run("action_recommend")
    assert "LC-HP-210" not in {card["sku"] for card in cards(chat)}
    assert any("your" in card["reason"] for card in cards(chat))


@pytest.mark.parametrize("text", ["the second one please", "我要第二个"])
def test_interest_opens_one_opportunity(store: Store, chat: Chat, text: str) -> None:
    """The one she points at is noted with its price, once, and the recommendation counts as accepted."""
    chat.hear("ask_recommendation", "headphones for running", category="headphones").run("action_recommend")
    second = cards(chat)[1]
    for _ in range(2):
        assert chat.hear("express_interest", text).run("action_open_opportunity").responses == [
            "utter_interest_noted",
            "utter_ask_interest_contact",
        ]
    with store.reading() as session:
        opportunity = session.scalars(select(Opportunity)).one()
        accepted = session.scalars(
            select(Recommendation).where(Recommendation.status == RecommendationStatus.ACCEPTED)
        ).one()
    assert (opportunity.stage, opportunity.amount) == (Stage.LEAD, Decimal(second["price"]))
    assert opportunity.recommendation_id == accepted.id


def test_a_yes_to_three_products_asks_which(chat: Chat) -> None:
    """Each product has a button that names it."""
    chat.hear("ask_recommendation", "a lamp", category="lamp").run("action_recommend")
    skus = [card["sku"] for card in cards(chat)]
    chat.hear("affirm", "yes").run("action_open_opportunity")
    assert chat.responses == ["utter_ask_which_product"]
    buttons = chat.said[0]["buttons"]
    assert [button["payload"] for button in buttons] == [
        f'/express_interest{{"product": "{sku}"}}' for sku in skus
    ]
    chat.hear("express_interest", product=skus[2]).run("action_open_opportunity")
    assert chat.responses[0] == "utter_interest_noted"


def test_a_no_is_remembered(store: Store, chat: Chat) -> None:
    """Declined recommendations stand as declined."""
    chat.hear("ask_recommendation", "a lamp", category="lamp").run("action_recommend")
    assert chat.hear("deny", "no").run("action_decline_recommendation").responses == [
        "utter_recommendation_declined"
    ]
    with store.reading() as session:
        found = set(session.scalars(select(Recommendation.status)))
    assert found == {RecommendationStatus.DECLINED}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("does the Aria 210 wireless headphones have noise cancelling?", "Aria 210 wireless headphones"),
        ("is the LC-WT-220 waterproof", "Pace 220 running watch"),
        ("can the gooseneck kettle keep the temperature", None),
    ],
    ids=["name", "code", "description"],
)
def test_questions_find_the_product(chat: Chat, text: str, name: str | None) -> None:
    """By name, by code, or by what it is."""
    chat.hear("product_question", text).run("action_answer_product_question")
    assert chat.responses == ["utter_product_details"]
    assert name is None or chat.values["product_name"] == name


def test_it_is_the_product_talked_about(chat: Chat) -> None:
    """A second question and an interest stay with the product of the first."""
    chat.hear("product_question", "is the Aria 210 wireless headphones waterproof")
    chat.run("action_answer_product_question")
    chat.hear("product_question", "does it have bluetooth").run("action_answer_product_question")
    assert chat.values["product_name"] == "Aria 210 wireless headphones"
    chat.hear("express_interest", "cool, I want it").run("action_open_opportunity")
    assert chat.values["product_name"] == "Aria 210 wireless headphones"


@pytest.mark.parametrize("text", ["第二个不错", "the second"])
def test_a_choice_may_come_as_a_bare_detail(chat: Chat, text: str) -> None:
    """Pointing at one of the three is an interest, a word about the need recommends again."""
    chat.hear("ask_recommendation", "a lamp", category="lamp").run("action_recommend")
    chat.hear("inform", "for reading in bed").run("action_use_details")
    second = cards(chat)[1]["name"]
    chat.hear("inform", text).run("action_use_details")
    assert (chat.responses[0], chat.values["product_name"]) == ("utter_interest_noted", second)


def test_a_question_about_nothing_asks_for_the_product(chat: Chat) -> None:
    """Nothing is made up."""
    chat.hear("product_question", "qzx?").run("action_answer_product_question")
    assert chat.responses == ["utter_product_not_found"]


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("100 EUR", "100"),
        ("€ 99.90", "99.90"),
        ("1.299,00 EUR", "1299.00"),
        ("1,299.00", "1299.00"),
        ("1,299", "1299"),
        ("2000元", "2000"),
        ("cheap", None),
        (None, None),
    ],
)
def test_amounts_are_read_as_people_write_them(text: str | None, amount: str | None) -> None:
    """Points and commas mean what they mean in the number they stand in."""
    assert read_amount(text) == (None if amount is None else Decimal(amount))


def test_cheaper_means_cheaper_than_what_was_shown(chat: Chat) -> None:
    """The same kind of thing, below the cheapest of the three; the cheapest of all is named at the end."""
    chat.hear("ask_recommendation", "a lamp", category="lamp").set(category="lamp").run("action_recommend")
    before = min(float(card["price"]) for card in cards(chat))
    for _ in range(4):
        chat.hear("inform", "too expensive").run("action_use_details")
        if chat.responses == ["utter_cheapest"]:
            break
        assert max(float(card["price"]) for card in cards(chat)) < before
        before = min(float(card["price"]) for card in cards(chat))
    assert chat.values["product_name"] == "Dot 110 night light"


def test_declined_products_do_not_come_back(chat: Chat) -> None:
    """After "none of these" others are shown, for the need that was told before."""
    chat.hear("ask_recommendation", "headphones for running").run("action_recommend")
    first = {card["sku"] for card in cards(chat)}
    chat.hear("deny", "none of these").run("action_decline_recommendation")
    chat.hear("inform", "other ones please").run("action_use_details")
    assert not first & {card["sku"] for card in cards(chat)}
    assert chat.slots["need"].startswith("headphones for running")


def test_a_question_about_the_second_one_is_about_the_second_one(chat: Chat) -> None:
    """The next question stays with it, and so does the interest."""
    chat.hear("ask_recommendation", "headphones", category="headphones").run("action_recommend")
    second = cards(chat)[1]["name"]
    for text in ("does the second one have a microphone?", "what about battery life"):
        chat.hear("product_question", text).run("action_answer_product_question")
        assert chat.values["product_name"] == second
    chat.hear("express_interest", "ok I want it").run("action_open_opportunity")
    assert chat.values["product_name"] == second


def test_wanting_to_buy_before_anything_was_named_brings_recommendations(chat: Chat) -> None:
    """No question which product leads into nothing."""
    chat.hear("express_interest", "can I buy something").run("action_open_opportunity")
    assert len(cards(chat)) == 3


def test_sales_get_a_way_to_reach_the_customer(store: Store, chat: Chat) -> None:
    """Somebody unknown is asked for a contact after an interest, somebody known is not."""
    chat.hear("express_interest", "I want the LC-HP-210").run("action_open_opportunity")
    assert chat.responses == ["utter_interest_noted", "utter_ask_interest_contact"]
    chat.hear("inform", "me@example.org", email="me@example.org").set(contact="me@example.org")
    assert chat.run("action_use_details").responses == ["utter_interest_contact_added"]
    chat.hear("express_interest", "and the LC-LM-310").run("action_open_opportunity")
    assert chat.responses == ["utter_interest_noted"]
    with store.reading() as session:
        assert {row.customer.email for row in session.scalars(select(Opportunity))} == {"me@example.org"}


@pytest.mark.parametrize(
    ("text", "response"),
    [("算了", "utter_all_right"), ("none of these", "utter_recommendation_declined")],
)
def test_dropping_the_wish_is_not_asked_about(chat: Chat, text: str, response: str) -> None:
    """A "never mind" ends it, "none of these" asks what should be different."""
    chat.hear("ask_recommendation", "a lamp", category="lamp").run("action_recommend")
    assert chat.hear("stop", text).run("action_decline_recommendation").responses == [response]
