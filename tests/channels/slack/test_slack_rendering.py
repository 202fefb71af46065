"""What the bot says becomes messages and blocks that Slack takes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.peers.slack_limits import check_message
from bot.channels.slack.rendering import messages
from bot.dialogue.events import BotUttered

PICTURE = "https://shop.example/lamp.png"


def said(text: str | None = None, **data: Any) -> BotUttered:
    """Return an utterance."""
    return BotUttered(text=text, data=data)


def section(text: str) -> dict[str, Any]:
    """Return a block of words."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def test_paragraphs_are_messages() -> None:
    """Formatting is Slack's; nobody can be called by it."""
    assert messages(said("*Hi* <!here>\n\nTom & Mia")) == [
        {"text": "*Hi* &lt;!here&gt;"},
        {"text": "Tom &amp; Mia"},
    ]


def test_long_words_become_several_messages() -> None:
    """Each is as long as Slack advises, and the buttons stand below the last one."""
    *earlier, last = messages(said("Word. " * 1500, buttons=[{"title": "Yes", "payload": "/affirm"}]))
    assert all(len(message["text"]) <= 3000 and "blocks" not in message for message in earlier)
    assert [block["type"] for block in last["blocks"]] == ["section", "actions"]


def test_five_buttons_make_a_row() -> None:
    """Up to 25 stand below one message, the others below the next."""
    shown = messages(
        said("Choose", buttons=[{"title": str(number), "payload": "/x"} for number in range(32)])
    )
    rows = [
        [len(block["elements"]) for block in message["blocks"] if "elements" in block] for message in shown
    ]
    assert rows == [[5, 5, 5, 5, 5], [5, 2]]
    assert [message["text"] for message in shown] == ["Choose", "👇"]


def test_buttons_say_their_payload_or_open_a_page() -> None:
    """What is too long to be carried is replaced by a mark."""
    buttons = [
        {"title": "T" * 90, "payload": "/track"},
        {"title": "Shop", "url": "https://shop.example"},
        {"title": "Long", "payload": "/x" + "y" * 3000},
    ]
    [message] = messages(said("Choose", buttons=buttons))
    first, second, third = message["blocks"][1]["elements"]
    assert (len(first["text"]["text"]), first["value"]) == (75, "/track")
    assert (second["url"], "value" in second) == ("https://shop.example", False)
    assert len(third["value"]) == 44


def test_cards_are_sections_with_pictures() -> None:
    """A card has its title in bold, linked where it leads somewhere, and its own buttons."""
    element = {
        "title": "Lamp & co",
        "subtitle": "Warm",
        "image_url": PICTURE,
        "default_action": {"url": "https://shop.example/lamp"},
        "buttons": [{"title": "Buy", "payload": "/buy"}],
    }
    [message] = messages(said(elements=[element, {"title": "Kettle"}]))
    lamp, buy, line, kettle = message["blocks"]
    assert lamp["text"]["text"] == "*<https://shop.example/lamp|Lamp &amp; co>*\nWarm"
    assert lamp["accessory"] == {"type": "image", "image_url": PICTURE, "alt_text": "Lamp & co"}
    assert buy["elements"][0]["value"] == "/buy"
    assert (line, kettle) == ({"type": "divider"}, section("*Kettle*"))
    assert message["text"] == "Lamp &amp; co · Kettle"


def test_product_cards_are_numbered() -> None:
    """Customers point at them by their position."""
    products = [{"name": "Lamp", "price": "9.50", "currency": "EUR"}, {"name": "Kettle"}]
    [message] = messages(said(custom={"type": "product_cards", "products": products}))
    assert [block["text"]["text"] for block in message["blocks"][::2]] == [
        "*1. Lamp*\n9.50 EUR",
        "*2. Kettle*",
    ]


def test_many_cards_divide_into_messages() -> None:
    """No message has more than fifty blocks."""
    shown = messages(
        said(elements=[{"title": str(number), "buttons": [{"title": "Buy"}]} for number in range(40)])
    )
    assert [len(message["blocks"]) for message in shown] == [50, 50, 17]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(
            {"image": PICTURE},
            {"text": PICTURE, "blocks": [{"type": "image", "image_url": PICTURE, "alt_text": PICTURE}]},
            id="picture",
        ),
        pytest.param(
            {"attachment": {"type": "file", "url": "https://shop.example/a.pdf", "name": "Your bill"}},
            {"text": "<https://shop.example/a.pdf|Your bill>"},
            id="file",
        ),
        pytest.param(
            {"custom": {"blocks": [section("Hi")], "as_user": True, "token": "xoxb-1"}},
            {"text": "Hi", "blocks": [section("Hi")]},
            id="Rasa's own blocks, without what is ours to say",
        ),
        pytest.param(
            {"custom": {"attachments": [{"title": "A"}], "channel": "C1"}},
            {"attachments": [{"title": "A", "fallback": "A"}], "channel": "C1"},
            id="into another channel",
        ),
    ],
)
def test_other_things_are_shown(data: dict[str, Any], expected: dict[str, Any]) -> None:
    """Pictures as blocks, files as links, and what a bot developer wrote for Slack."""
    assert messages(said(**data)) == [expected]


@pytest.mark.parametrize("custom", [{"photo": PICTURE}, {"blocks": []}, ["x"]])
def test_custom_messages_for_other_channels_are_left_out(custom: Any) -> None:
    """What shows nothing on Slack is not sent there."""
    assert messages(said(custom=custom)) == []


_TEXTS = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=4000)
_BUTTONS = st.lists(st.fixed_dictionaries({"title": _TEXTS, "payload": _TEXTS}), max_size=6)
_DATA = st.fixed_dictionaries(
    {},
    optional={
        "buttons": _BUTTONS,
        "elements": st.lists(
            st.fixed_dictionaries({"title": _TEXTS, "subtitle": _TEXTS, "buttons": _BUTTONS}), max_size=4
        ),
        "image": st.just(PICTURE),
    },
)


@settings(deadline=None)
@given(st.one_of(st.none(), _TEXTS, st.integers(1, 9000).map("<&>".__mul__)), _DATA)
def test_slack_takes_whatever_is_rendered(text: str | None, data: dict[str, Any]) -> None:
    """The peer that keeps Slack's limits refuses none of it, and payloads survive as JSON."""
    rendered = messages(BotUttered(text=text, data=data))
    assert json.loads(json.dumps(rendered)) == rendered
    for message in rendered:
        check_message(message)
