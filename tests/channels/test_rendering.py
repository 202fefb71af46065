"""What the bot says becomes the messages that Rasa would send."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.rendering import render
from bot.dialogue.events import BotUttered
from bot.dialogue.messages import JSON

BUTTON = {"title": "Yes", "payload": "/affirm"}


@pytest.mark.parametrize(
    ("text", "data", "expected"),
    [
        pytest.param("Hi", {}, [{"text": "Hi"}], id="text"),
        pytest.param("A\n\nB\nC", {}, [{"text": "A"}, {"text": "B\nC"}], id="split at blank lines"),
        pytest.param("A\n\n  \n\nB", {}, [{"text": "A"}, {"text": "B"}], id="no empty bubbles"),
        pytest.param(
            "A\n\nB",
            {"buttons": [BUTTON]},
            [{"text": "A\n\nB", "buttons": [BUTTON]}],
            id="text with buttons is not split",
        ),
        pytest.param(
            "Q",
            {"quick_replies": [BUTTON], "buttons": [{"title": "No"}]},
            [{"text": "Q", "buttons": [BUTTON]}],
            id="quick replies win over buttons",
        ),
        pytest.param(None, {"buttons": [BUTTON]}, [{"buttons": [BUTTON]}], id="buttons without text"),
        pytest.param(
            "T",
            {"attachment": {"type": "file"}, "image": "https://x/y.png", "custom": {"type": "product_cards"}},
            [
                {"text": "T"},
                {"custom": {"type": "product_cards"}},
                {"image": "https://x/y.png"},
                {"attachment": {"type": "file"}},
            ],
            id="each kind is a message of its own",
        ),
        pytest.param(
            None,
            {"elements": [{"title": "Lamp", "subtitle": "warm", "buttons": [BUTTON]}, {"title": "Cup"}]},
            [{"text": "Lamp : warm", "buttons": [BUTTON]}, {"text": "Cup : ", "buttons": []}],
            id="elements become text with buttons",
        ),
        pytest.param(None, {"text": None, "buttons": None, "custom": None}, [], id="nothing said"),
    ],
)
def test_an_utterance_becomes_rasas_messages(text: str | None, data: JSON, expected: JSON) -> None:
    """The messages of an utterance, their order and their splitting are those of Rasa."""
    assert [message.as_dict() for message in render(BotUttered(text=text, data=data))] == expected


@given(st.text(alphabet="ab \n", max_size=40))
def test_no_word_is_lost_and_no_bubble_is_empty(text: str) -> None:
    """Whatever the text, its words come out in order, and no message is blank."""
    parts = [message.text or "" for message in render(BotUttered(text=text))]
    assert " ".join(parts).split() == text.split()
    assert all(part.strip() for part in parts)


_VALUES = st.one_of(st.none(), st.just([]), st.just([BUTTON]), st.just([BUTTON, BUTTON]))


@given(
    st.none() | st.text(min_size=1, max_size=20),
    _VALUES,
    st.none() | st.just({"type": "x"}),
    st.none() | st.just("https://x/y.png"),
)
def test_kinds_never_share_a_message(text: str | None, buttons: JSON, custom: JSON, image: JSON) -> None:
    """Text (with buttons), custom and image are always separate messages, in this order."""
    data = {"buttons": buttons, "custom": custom, "image": image}
    messages = [message.as_dict() for message in render(BotUttered(text=text, data=data))]
    kinds = ["custom" if "custom" in m else "image" if "image" in m else "text" for m in messages]
    assert kinds == sorted(kinds, key=["text", "custom", "image"].index)
    assert all(len(set(m) - {"text", "buttons"}) + bool(set(m) & {"text", "buttons"}) == 1 for m in messages)
