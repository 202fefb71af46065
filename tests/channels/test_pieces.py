"""What the bot says is taken apart in Rasa's order, whatever form its cards and files have."""

from __future__ import annotations

import pytest

from bot.channels.pieces import Button, Card, Cards, Custom, File, FileKind, Piece, Text, payloads, pieces
from bot.dialogue.events import BotUttered
from bot.dialogue.messages import JSON

PDF = "https://shop.example/a.pdf"
SAY_YES = Button("Yes", "/affirm")
YES = {"title": "Yes", "payload": "/affirm"}
ELEMENT = {
    "title": "Lamp",
    "subtitle": "Warm light",
    "image_url": "https://shop.example/lamp.png",
    "default_action": {"type": "web_url", "url": "https://shop.example/lamp"},
    "buttons": [{"title": "Buy", "payload": "/buy"}, {"title": "See", "url": "https://shop.example"}],
}
LAMP = Card(
    "Lamp",
    "Warm light",
    "https://shop.example/lamp.png",
    "https://shop.example/lamp",
    (Button("Buy", "/buy"), Button("See", "See", "https://shop.example")),
)


@pytest.mark.parametrize(
    ("text", "data", "expected"),
    [
        pytest.param("A\n\nB", {}, [Text("A"), Text("B")], id="paragraphs"),
        pytest.param("A\n\nB", {"buttons": [YES]}, [Text("A\n\nB", (SAY_YES,))], id="buttons"),
        pytest.param(
            None,
            {"quick_replies": [YES]},
            [Text("", (SAY_YES,))],
            id="buttons without words",
        ),
        pytest.param(
            "A", {"buttons": [{"title": "Yes"}]}, [Text("A", (Button("Yes", "Yes"),))], id="title alone"
        ),
        pytest.param("A", {"buttons": ["Yes", {}]}, [Text("A")], id="no buttons"),
        pytest.param(None, {"elements": [ELEMENT]}, [Cards((LAMP,))], id="elements"),
        pytest.param(
            None,
            {
                "attachment": {
                    "type": "template",
                    "payload": {"template_type": "generic", "elements": [ELEMENT]},
                }
            },
            [Cards((LAMP,))],
            id="a template is cards",
        ),
        pytest.param(
            None,
            {"custom": {"attachment": {"type": "video", "payload": {"src": "https://shop.example/v.mp4"}}}},
            [File("https://shop.example/v.mp4", FileKind.VIDEO)],
            id="a video",
        ),
        pytest.param(
            None,
            {"attachment": PDF},
            [File(PDF)],
            id="file",
        ),
        pytest.param(None, {"attachment": {"name": "a.pdf"}}, [Text("a.pdf")], id="a file without address"),
        pytest.param(
            None,
            {"image": "https://shop.example/a.png"},
            [File("https://shop.example/a.png", FileKind.IMAGE)],
            id="image",
        ),
        pytest.param(None, {"image": "/static/a.png"}, [], id="an image that nobody else can fetch"),
        pytest.param(
            None,
            {
                "custom": {
                    "type": "product_cards",
                    "products": [
                        {
                            "sku": "L1",
                            "name": "Lamp",
                            "price": "9.50",
                            "currency": "EUR",
                            "reason": "Popular.",
                        },
                        {"sku": "L2", "payload": "/buy"},
                    ],
                }
            },
            [
                Cards(
                    (Card("Lamp", "9.50 EUR\nPopular."), Card("L2", buttons=(Button("L2", "/buy"),))),
                    numbered=True,
                )
            ],
            id="product cards",
        ),
        pytest.param(None, {"custom": {"blocks": []}}, [Custom({"blocks": []})], id="for one channel"),
    ],
)
def test_utterances_are_taken_apart(text: str | None, data: dict[str, JSON], expected: list[Piece]) -> None:
    """Each part is named for what it is; what nobody can show is left out."""
    assert pieces(BotUttered(text=text, data=data)) == expected


def test_the_order_is_rasas() -> None:
    """Words come first, then custom, picture, attachment and elements."""
    data = {
        "elements": [ELEMENT],
        "attachment": PDF,
        "image": "https://shop.example/a.png",
        "custom": {"blocks": []},
    }
    kinds = [type(piece) for piece in pieces(BotUttered(text="A", data=data))]
    assert kinds == [Text, Custom, File, File, Cards]


def test_the_payloads_of_all_buttons_are_known() -> None:
    """A pressed button can be found again; those that open a page say nothing."""
    utterance = BotUttered(text="A", data={"buttons": [YES], "elements": [ELEMENT]})
    assert payloads(utterance) == {"/affirm", "/buy"}
