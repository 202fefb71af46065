"""A summary says nothing that no message or slot says."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.summaries import Message, Summary, quote, read_messages, summarise
from crm_connector.choices import ComplaintCategory, Severity

INTENTS = ("complaint_delivery", "complaint_product", "inform", "faq", "human_handoff", None)
ACTIONS = ("action_tell_order_status", "utter_faq", "action_open_ticket", "action_listen", "utter_greet")
SLOTS = ("order_number", "ticket_number", "product", "contact", "person_name", "verified_customer", "other")


@st.composite
def conversations(draw: st.DrawFn) -> list[Message]:
    """Messages with ids of their own, anything as text, and what the assistant did."""
    size = draw(st.integers(1, 6))
    return [
        Message(
            id=f"m{number}",
            text=draw(st.text(max_size=300)),
            intent=draw(st.sampled_from(INTENTS)),
            sentiment=draw(st.sampled_from(["negative", "neutral", None])),
            actions=tuple(draw(st.lists(st.sampled_from(ACTIONS), max_size=4))),
        )
        for number in range(size)
    ]


def summary_of(messages: list[Message], slots: dict[str, str | None]) -> Summary:
    """The summary of a severe complaint about the delivery."""
    return summarise(messages, slots, category=ComplaintCategory.DELIVERY, severity=Severity.HIGH)


@given(conversations(), st.dictionaries(st.sampled_from(SLOTS), st.none() | st.text(max_size=20)))
def test_every_sentence_rests_on_messages_and_slots_that_exist(
    messages: list[Message], slots: dict[str, str | None]
) -> None:
    """Each sentence has sources, and each source is a message of the conversation or a filled slot."""
    existing = {message.id for message in messages} | {f"slot:{name}" for name, v in slots.items() if v}
    summary = summary_of(messages, slots)
    assert summary.sentences
    for sentence in summary.sentences:
        assert sentence.sources
        assert set(sentence.sources) <= existing


@given(conversations(), st.text(min_size=1, max_size=50))
def test_quoted_words_are_the_words_of_their_source(messages: list[Message], contact: str) -> None:
    """A quotation is found in the message it names, and nothing of it stands outside quotation marks."""
    texts = {message.id: quote(message.text) for message in messages}
    for sentence in summary_of(messages, {"contact": contact}).sentences:
        outside = re.sub("“[^”]*”", "", sentence.text)
        assert re.fullmatch(r"[A-Za-z ,;:.'0-9]*", outside)
        if sentence.text.startswith("In the customer's words"):
            assert texts[sentence.sources[0]] in sentence.text


@given(st.text())
def test_a_quotation_cannot_be_closed_from_inside(text: str) -> None:
    """Whatever is said, it is one line between one pair of quotation marks."""
    quoted = quote(text)
    assert (quoted[0], quoted[-1]) == ("“", "”")
    assert not set(quoted[1:-1]) & set("“”\n\r\x00")
    assert len(quoted) <= 242


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("I want my money back", "a refund"),
        ("please send me a replacement", "a replacement"),
        ("把钱退给我！", "a refund"),
        ("给我换一台新的", "a replacement"),
        ("我要找你们经理", "a person to deal with it"),
        ("it is just sad", ""),
        ("refund me, and get me your supervisor", "a refund, and a person to deal with it"),
    ],
)
def test_the_wish_is_read_from_the_words(text: str, wish: str) -> None:
    """What the customer wants is named, with the message that says so, or stands as an open question."""
    summary = summary_of([Message("m0", text, "complaint_product")], {})
    assert summary.wanted == wish
    assert ("What does the customer want to happen?" in summary.open_questions) is not bool(wish)


def test_what_was_tried_names_the_turns_it_was_tried_in() -> None:
    """The assistant's actions stand with the messages they answered."""
    messages = [
        Message("a", "where is it", "order_status", actions=("action_tell_order_status",)),
        Message("b", "and now?", "order_status", actions=("action_tell_order_status",)),
        Message("c", "too late!", "complaint_delivery", "negative"),
    ]
    told = {sentence.text: sentence.sources for sentence in summary_of(messages, {}).sentences}
    assert told["The assistant was asked where the order is."] == ("a", "b")


def test_messages_are_read_from_events_since_the_last_restart() -> None:
    """What was said before a restart does not count; a button has no words; actions join their message."""
    events = [
        {"event": "user", "text": "old", "message_id": "0"},
        {"event": "restart"},
        {
            "event": "user",
            "text": "late!",
            "message_id": "1",
            "parse_data": {
                "intent": {"name": "complaint_delivery"},
                "entities": [{"entity": "sentiment", "value": "negative"}],
            },
        },
        {"event": "action", "name": "action_apologise"},
        {"event": "user", "text": "/affirm", "parse_data": {"message_id": "2"}},
    ]
    assert read_messages(events) == [
        Message("1", "late!", "complaint_delivery", "negative", ("action_apologise",)),
        Message("2", ""),
    ]


def test_a_message_that_stands_twice_is_read_once() -> None:
    """A message that made an unclear one clear is stored again by the engine; it is one message."""
    said = {"event": "user", "text": "you are a joke", "message_id": "2"}
    events = [
        {"event": "user", "text": "and now?", "message_id": "1"},
        said,
        {"event": "rewind"},
        said,
        {"event": "action", "name": "action_apologise"},
    ]
    assert [message.id for message in read_messages(events)] == ["1", "2"]


@pytest.mark.parametrize(
    ("language", "expected"), [("zh", ["The customer writes in Chinese."]), ("en", []), (None, [])]
)
def test_the_summary_is_in_the_language_of_the_desk(language: str | None, expected: list[str]) -> None:
    """English around the customer's own words, and a sentence that says which language these are in."""
    summary = summary_of([Message("m0", "太慢了，我要退款", "complaint_delivery")], {"language": language})
    texts = [sentence.text for sentence in summary.sentences]
    assert texts[0] == "High complaint about the delivery: the customer stays calm and wants a refund."
    assert texts[1] == "In the customer's words: “太慢了，我要退款”"
    assert texts[2:] == expected


def test_asking_for_a_person_does_not_hide_what_was_wanted() -> None:
    """The desk reads the refund first, and both messages are named."""
    messages = [
        Message("a", "I want my money back", "complaint_delivery", "negative"),
        Message("b", "get me somebody", "human_handoff"),
    ]
    summary = summary_of(messages, {})
    assert summary.wanted == "a refund, and a person to deal with it"
    assert summary.sentences[0].sources == ("a", "b")


def test_danger_has_a_sentence_of_its_own() -> None:
    """Whoever reads only two lines reads the warning."""
    summary = summary_of([Message("a", "the lamp was fine and then it caught fire", "complaint_product")], {})
    assert summary.sentences[1].text.startswith("Safety:")
    assert summary.sentences[1].sources == ("a",)
