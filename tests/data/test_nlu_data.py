"""The NLU data of the demo assistant: enough of everything in both languages, and nothing twice."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from bot.dialogue.messages import JSON
from bot.training_data.entity_markup import parse
from crm_connector.sample_catalogue import sample_products

NLU_FOLDER = Path(__file__).parents[2] / "data" / "nlu"
CHINESE = re.compile(r"[\u3400-\u9fff]")
FAQ_KEYS = (
    "opening_hours",
    "payment_methods",
    "privacy",
    "return_policy",
    "shipping_cost",
    "shipping_time",
    "store_location",
    "warranty",
)
INTENTS = (
    "affirm",
    "ask_recommendation",
    "bot_challenge",
    "cancel_order",
    "change_address",
    "complaint_delivery",
    "complaint_product",
    "complaint_service",
    "correct",
    "deny",
    "express_interest",
    "give_feedback",
    "goodbye",
    "greet",
    "help",
    "human_handoff",
    "inform",
    "open_ticket",
    "order_status",
    "out_of_scope",
    "product_question",
    "refund_status",
    "report_defect",
    "start_return",
    "stop",
    "thank",
    "ticket_status",
    "update_contact",
    *(f"faq/{key}" for key in FAQ_KEYS),
)
ENTITIES = {
    "address",
    "category",
    "city",
    "order_number",
    "person_name",
    "product",
    "rating",
    "reason",
    "ticket_number",
}


@cache
def contents() -> dict[str, JSON]:
    """The files by name, read once."""
    return {
        path.name: YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
        for path in sorted(NLU_FOLDER.glob("*.yml"))
    }


def read(key: str, label: str) -> list[tuple[str, str]]:
    """Every (label, raw example) under the top-level `key` of all files."""
    pairs = []
    for name, content in contents().items():
        for item in content.get(key, []):
            if label in item:
                lines = item["examples"].splitlines()
                assert all(line.startswith("- ") for line in lines), f"{name}: {item[label]}"
                pairs += [(item[label], line[2:]) for line in lines]
    return pairs


def language(text: str) -> str:
    """Chinese wherever a Chinese character stands; bare numbers and addresses count as English."""
    return "zh" if CHINESE.search(text) else "en"


def folded(text: str) -> str:
    """The text as a reader compares it: case and blanks aside."""
    return " ".join(text.casefold().split())


def listed(kind: str, name: str) -> set[str]:
    """The lines of a lookup table or a regex."""
    return {line for label, line in read("nlu", kind) if label == name}


EXAMPLES = [(intent, *parse(raw)) for intent, raw in read("nlu", "intent")]
SENTIMENTS = read("sentiment", "value")


@pytest.mark.parametrize("wanted", ["en", "zh"])
@pytest.mark.parametrize("intent", INTENTS)
def test_every_intent_has_fifteen_examples_in_each_language(intent: str, wanted: str) -> None:
    """An intent stands on at least 15 sentences in English and 15 in Chinese."""
    assert sum(name == intent and language(text) == wanted for name, text, _ in EXAMPLES) >= 15


def test_the_files_hold_the_agreed_intents_and_no_other() -> None:
    """A misspelt intent name would train a class that no rule knows."""
    assert {name for name, _, _ in EXAMPLES} == set(INTENTS)


def test_the_examples_hold_the_agreed_entities_and_no_other() -> None:
    """A misspelt entity name would train a label that no slot reads."""
    assert {entity.entity for _, _, entities in EXAMPLES for entity in entities} == ENTITIES


def test_no_sentence_stands_twice_or_under_two_intents() -> None:
    """A sentence under two intents cannot be learnt, and one that stands twice weighs double."""
    repeated = {text: n for text, n in Counter(folded(text) for _, text, _ in EXAMPLES).items() if n > 1}
    assert repeated == {}


def test_no_sentiment_sentence_stands_twice() -> None:
    """A sentence carries one polarity, once."""
    repeated = {text: n for text, n in Counter(folded(text) for _, text in SENTIMENTS).items() if n > 1}
    assert repeated == {}


@pytest.mark.parametrize("wanted", ["en", "zh"])
@pytest.mark.parametrize("value", ["negative", "neutral", "positive"])
def test_every_polarity_has_a_hundred_and_fifty_sentences_in_each_language(value: str, wanted: str) -> None:
    """Each polarity stands on at least 150 sentences in English and 150 in Chinese."""
    assert sum(name == value and language(text) == wanted for name, text in SENTIMENTS) >= 150


def test_no_markup_is_left_in_a_sentence() -> None:
    """Brackets or braces in the plain text mean an annotation that did not parse."""
    assert [text for _, text, _ in EXAMPLES if re.search(r"[\[\]{}]", text)] == []


def test_every_annotated_word_stands_whole_in_its_sentence() -> None:
    """Offsets cut the annotated words out of the text without blanks at their ends."""
    for _, text, entities in EXAMPLES:
        for entity in entities:
            assert entity.start is not None
            assert entity.end is not None
            words = text[entity.start : entity.end]
            assert words
            assert words == words.strip()


def test_every_product_and_category_of_the_catalogue_is_known_by_name() -> None:
    """The lookup tables follow the catalogue, in both languages."""
    products = sample_products()
    assert {name for product in products for name in (product.name_en, product.name_zh)} <= listed(
        "lookup", "product"
    )
    assert {product.category for product in products} <= listed("lookup", "category")


@pytest.mark.parametrize("sentence", ["order LC104233 please", "订单lc-104233到哪了", "查LC 104233"])
def test_an_order_number_is_found_between_letters_of_both_scripts(sentence: str) -> None:
    """A Chinese character beside the number is no part of it."""
    (pattern,) = listed("regex", "order_number")
    assert re.search(pattern, sentence)


@pytest.mark.parametrize("sentence", ["LC-HP-210", "LC1042334", "ULC104233"])
def test_other_codes_are_no_order_numbers(sentence: str) -> None:
    """A product code and a longer number stay what they are."""
    (pattern,) = listed("regex", "order_number")
    assert not re.search(pattern, sentence)


@pytest.mark.parametrize(
    ("sentence", "stars"),
    [
        ("I give it 4 stars", ["4"]),
        ("4 out of 5", ["4"]),
        ("5", ["5"]),
        ("three stars", ["three"]),
        ("给你们四星", ["四"]),
        ("我打5分", ["5"]),
        ("等了5分钟", []),
        ("一星期没到", []),
        ("15 stars", []),
    ],
    ids=str,
)
def test_a_rating_is_told_from_other_numbers(sentence: str, stars: list[str]) -> None:
    """Stars and points from one to five are ratings; minutes, weeks and bigger numbers are not."""
    found = [match[0] for pattern in listed("regex", "rating") for match in re.finditer(pattern, sentence)]
    assert found == stars
