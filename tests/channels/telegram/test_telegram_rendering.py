"""What the bot says becomes calls of the Bot API that Telegram takes."""

from __future__ import annotations

import inspect
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telegram import Bot

from benchmarks.peers.telegram import TelegramPeer
from bot.channels.button_marks import carried
from bot.channels.telegram.rendering import CALLS, calls
from bot.dialogue.events import BotUttered

PICTURE = "https://shop.example/lamp.png"
PDF = "https://shop.example/a.pdf"
PLACE = {"latitude": 1.0, "longitude": 2.0}


def message(text: str, **arguments: Any) -> dict[str, Any]:
    """Return a call that sends words."""
    return {"method": "send_message", "arguments": {"text": text, **arguments}}


def said(text: str | None = None, **data: Any) -> BotUttered:
    """Return an utterance."""
    return BotUttered(text=text, data=data)


def test_words_go_out_as_they_are() -> None:
    """No formatting is asked for, so that stars and brackets of a customer's name mean nothing."""
    assert calls(said("Hi *you* <b>\n\nThere")) == [message("Hi *you* <b>"), message("There")]


def test_long_words_become_several_messages() -> None:
    """No message exceeds 4,096 code units, and the buttons stand below the last one."""
    *earlier, last = calls(said("Word. " * 2000, buttons=[{"title": "Yes", "payload": "/affirm"}]))
    assert [len(call["arguments"]["text"]) for call in earlier] == [4091, 4091]
    assert all("reply_markup" not in call["arguments"] for call in earlier)
    keyboard = [[{"text": "Yes", "callback_data": "/affirm"}]]
    assert last["arguments"]["reply_markup"] == {"inline_keyboard": keyboard}


@pytest.mark.parametrize(
    ("titles", "rows"),
    [
        pytest.param(["Yes", "No"], [2], id="short ones beside each other"),
        pytest.param(["A", "B", "C", "D"], [3, 1], id="three in a row"),
        pytest.param(["Track an order", "Return something", "Help"], [1, 2], id="as far as they can be read"),
        pytest.param(["查询我的订单", "我要退货"], [2], id="wide characters"),
        pytest.param(["查询我的订单状态", "我要退货和退款"], [1, 1], id="wide characters that do not fit"),
    ],
)
def test_buttons_stand_beside_each_other_while_they_can_be_read(titles: list[str], rows: list[int]) -> None:
    """A row has up to three buttons, and no more text than a phone shows."""
    [call] = calls(said("Choose", buttons=[{"title": title, "payload": "/x"} for title in titles]))
    keyboard = call["arguments"]["reply_markup"]["inline_keyboard"]
    assert [len(row) for row in keyboard] == rows


def test_buttons_need_no_words_of_their_own() -> None:
    """Telegram has no message without words, so a hand points at the buttons."""
    [call] = calls(said(buttons=[{"title": "Shop", "url": "https://shop.example"}]))
    assert call["arguments"]["text"] == "👇"
    keyboard = [[{"text": "Shop", "url": "https://shop.example"}]]
    assert call["arguments"]["reply_markup"] == {"inline_keyboard": keyboard}


def test_more_buttons_than_a_message_may_have_are_all_shown() -> None:
    """The ones over a hundred stand below a message of their own."""
    shown = calls(said("Choose", buttons=[{"title": str(number), "payload": "/x"} for number in range(130)]))
    keyboards = [call["arguments"]["reply_markup"]["inline_keyboard"] for call in shown]
    assert [sum(len(row) for row in keyboard) for keyboard in keyboards] == [100, 30]


@given(st.text(alphabet=st.characters(codec="utf-8"), min_size=1, max_size=120))
def test_what_a_button_carries_fits(payload: str) -> None:
    """A payload of more than 64 bytes is replaced by a mark, the same one each time."""
    data = carried(payload, 64)
    assert 1 <= len(data.encode()) <= 64
    assert data == carried(payload, 64)
    assert data == payload or len(payload.encode()) > 64


def test_cards_without_pictures_share_a_message() -> None:
    """Cards that customers point at are numbered; nothing in their words is taken for formatting."""
    products = [
        {"name": "Lamp <L>", "price": "9.50", "currency": "EUR", "url": "https://shop.example/?a=1&b=2"},
        {"name": "Kettle", "payload": "/buy_kettle"},
    ]
    [call] = calls(said(custom={"type": "product_cards", "products": products}))
    assert call["arguments"] == {
        "text": '<a href="https://shop.example/?a=1&amp;b=2"><b>1. Lamp &lt;L&gt;</b></a>\n9.50 EUR\n\n'
        "<b>2. Kettle</b>",
        "parse_mode": "HTML",
        "reply_markup": {"inline_keyboard": [[{"text": "Kettle", "callback_data": "/buy_kettle"}]]},
    }


def test_a_card_with_a_picture_is_a_photo() -> None:
    """Where Telegram cannot fetch the picture, the words come without it."""
    element = {"title": "Lamp", "subtitle": "Warm", "image_url": PICTURE, "buttons": [{"title": "Buy"}]}
    [call] = calls(said(elements=[element]))
    words = {
        "parse_mode": "HTML",
        "reply_markup": {"inline_keyboard": [[{"text": "Buy", "callback_data": "Buy"}]]},
    }
    assert call == {
        "method": "send_photo",
        "arguments": {"photo": PICTURE, "caption": "<b>Lamp</b>\nWarm", **words},
        "otherwise": message("<b>Lamp</b>\nWarm", **words),
    }


def test_many_cards_divide_into_messages() -> None:
    """A message holds as many cards as fit, and one card never exceeds it."""
    elements = [{"title": f"Card {number}", "subtitle": "word " * 300} for number in range(5)]
    elements.append({"title": "Long", "subtitle": "x" * 9000})
    shown = calls(said(elements=elements))
    assert [call["arguments"]["text"].count("<b>") for call in shown] == [2, 2, 1, 1]
    assert all(len(call["arguments"]["text"]) <= 4096 + 7 * 2 for call in shown)


@pytest.mark.parametrize(
    ("data", "method", "arguments"),
    [
        pytest.param({"image": PICTURE}, "send_photo", {"photo": PICTURE}, id="image"),
        pytest.param(
            {
                "attachment": {
                    "type": "file",
                    "payload": {"url": "https://shop.example/a.pdf", "title": "Bill"},
                }
            },
            "send_document",
            {"document": PDF, "caption": "Bill"},
            id="file",
        ),
        pytest.param(
            {"attachment": {"type": "audio", "payload": {"src": "https://shop.example/a.mp3"}}},
            "send_audio",
            {"audio": "https://shop.example/a.mp3"},
            id="audio",
        ),
    ],
)
def test_files_are_shown_as_what_they_are(data: dict[str, Any], method: str, arguments: Any) -> None:
    """Each kind has its call; what Telegram cannot fetch goes out as a link."""
    [call] = calls(said(**data))
    assert (call["method"], call["arguments"]) == (method, arguments)
    assert call["otherwise"]["arguments"]["text"].endswith(next(iter(arguments.values())))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param({"text": "*Hi*", "parse_mode": "Markdown"}, "send_message", id="formatted words"),
        pytest.param(PLACE, "send_location", id="place"),
        pytest.param(
            {**PLACE, "title": "Shop", "address": "Main St"},
            "send_venue",
            id="venue",
        ),
        pytest.param({"phone_number": "1", "first_name": "Shop"}, "send_contact", id="contact"),
        pytest.param({"photo": PICTURE, "chat_id": 7}, "send_photo", id="into another chat"),
        pytest.param({"document": "BQACAgIAAxkBAAIBZ2Z"}, None, id="no file id"),
        pytest.param({"document": "BQACAgIAAxkBAAIBZ2Zm0w"}, "send_document", id="a file id"),
        pytest.param({"document": "/etc/hostname"}, None, id="a file of our own machine"),
        pytest.param({"blocks": []}, None, id="for another channel"),
        pytest.param("text", None, id="no object"),
    ],
)
def test_custom_messages_are_told_by_their_fields(content: Any, expected: str | None) -> None:
    """Rasa's custom messages work; what names no call of Telegram's, or a local file, is left out."""
    assert [(call["method"], call["arguments"]) for call in calls(said(custom=content))] == (
        [(expected, content)] if expected else []
    )


def test_every_call_is_one_of_the_librarys() -> None:
    """Each name is a method of python-telegram-bot's that takes a chat."""
    for name in CALLS:
        assert "chat_id" in inspect.signature(getattr(Bot, name)).parameters, name


_TEXTS = st.text(alphabet=st.characters(codec="utf-8"), max_size=3000)
_BUTTONS = st.lists(st.fixed_dictionaries({"title": _TEXTS, "payload": _TEXTS}), max_size=4)
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


@given(st.one_of(st.none(), _TEXTS), _DATA)
def test_telegram_takes_whatever_is_rendered(text: str | None, data: dict[str, Any]) -> None:
    """The peer that keeps Telegram's limits refuses none of it, and payloads survive as JSON."""
    rendered = calls(BotUttered(text=text, data=data))
    assert json.loads(json.dumps(rendered)) == rendered
    peer = TelegramPeer()
    for call in rendered:
        method = "".join(part.capitalize() for part in call["method"].split("_")).replace("Send", "send")
        peer.check(method, call["arguments"])


def test_rendering_again_gives_the_same() -> None:
    """After a crash an utterance is rendered again, and its messages are recognised."""
    utterance = said("A\n\nB", buttons=[{"title": "Yes", "payload": "/x" * 80}])
    assert calls(utterance) == calls(utterance)
