"""What the bot said, taken apart for channels that can show buttons, cards, pictures and files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.channels.rendering import paragraphs
from bot.dialogue.events import BotUttered
from bot.dialogue.messages import JSON


@dataclass(frozen=True, slots=True)
class Button:
    """Something to press: it says `payload`, or opens `url`."""

    title: str
    payload: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """Words, with the buttons below them."""

    text: str
    buttons: tuple[Button, ...] = ()


@dataclass(frozen=True, slots=True)
class Card:
    """Something shown with a name, some words, perhaps a picture, and what can be done with it."""

    title: str
    text: str = ""
    image: str | None = None
    url: str | None = None
    buttons: tuple[Button, ...] = ()


@dataclass(frozen=True, slots=True)
class Cards:
    """Cards beside each other; `numbered` where customers point at one by its position."""

    cards: tuple[Card, ...]
    numbered: bool = False


class FileKind(StrEnum):
    """How a file is shown."""

    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class File:
    """Something to look at or to take away, by its public address."""

    url: str
    kind: FileKind = FileKind.FILE
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Custom:
    """What a bot developer wrote for one channel."""

    content: JSON


Piece = Text | Cards | File | Custom


def pieces(utterance: BotUttered) -> list[Piece]:
    """Return what is to be shown, in Rasa's order: words, custom, picture, attachment, elements."""
    return list(_pieces(utterance))


def payloads(utterance: BotUttered) -> set[str]:
    """Return what the buttons of an utterance say when they are pressed."""
    found: set[str] = set()
    for piece in _pieces(utterance):
        groups = [piece.buttons] if isinstance(piece, Text) else []
        groups += [card.buttons for card in piece.cards] if isinstance(piece, Cards) else []
        found.update(button.payload for buttons in groups for button in buttons if button.url is None)
    return found


def web_address(value: JSON) -> str | None:
    """Return an address that the peer can fetch; None for anything else."""
    is_address = isinstance(value, str) and value.startswith(("http://", "https://"))
    return value if is_address else None


def _pieces(utterance: BotUttered) -> Iterator[Piece]:
    data = utterance.data
    buttons = _buttons(data.get("quick_replies") or data.get("buttons"))
    text = (utterance.text or "").strip()
    if buttons:
        yield Text(text, buttons)
    elif text:
        yield from (Text(part) for part in paragraphs(text))
    if data.get("custom"):
        yield _custom(data["custom"])
    image = web_address(data.get("image"))
    if image:
        yield File(image, FileKind.IMAGE)
    yield from _attachment(data.get("attachment"))
    elements = _elements(data.get("elements"))
    if elements:
        yield Cards(elements)


def _custom(custom: JSON) -> Piece:
    if isinstance(custom, Mapping):
        if custom.get("type") == "product_cards" and isinstance(custom.get("products"), Sequence):
            products = [product for product in custom["products"] if isinstance(product, Mapping)]
            return Cards(tuple(_product(product) for product in products), numbered=True)
        attached = list(_attachment(custom.get("attachment")))
        if attached:
            return attached[0]
    return Custom(custom)


def _product(product: Mapping[str, JSON]) -> Card:
    name = _text(product.get("name") or product.get("sku"))
    price = " ".join(_text(product.get(key)) for key in ("price", "currency")).strip()
    payload = _text(product.get("payload"))
    return Card(
        title=name,
        text="\n".join(line for line in (price, _text(product.get("reason"))) if line),
        image=web_address(product.get("image")),
        url=web_address(product.get("url")),
        buttons=(Button(name, payload),) if payload else (),
    )


def _attachment(attachment: JSON) -> Iterator[Piece]:
    """Read an attachment: an address, or Facebook's form, in which Rasa projects write theirs."""
    if isinstance(attachment, str):
        attachment = {"url": attachment}
    if not isinstance(attachment, Mapping):
        return
    payload = attachment.get("payload")
    payload = payload if isinstance(payload, Mapping) else {}
    elements = _elements(payload.get("elements"))
    if elements:
        yield Cards(elements)
        return
    places = (attachment.get("url"), payload.get("url"), payload.get("src"))
    url = next((address for address in map(web_address, places) if address), None)
    name = _text(attachment.get("name") or attachment.get("title") or payload.get("title")) or None
    if url:
        kind = attachment.get("type")
        yield File(url, FileKind(kind) if kind in tuple(FileKind) else FileKind.FILE, name)
    elif name:
        yield Text(name)


def _elements(elements: JSON) -> tuple[Card, ...]:
    rows = elements if isinstance(elements, list | tuple) else ()
    return tuple(
        Card(
            title=_text(row.get("title")),
            text=_text(row.get("subtitle")),
            image=web_address(row.get("image_url")),
            url=web_address(_target(row)),
            buttons=_buttons(row.get("buttons")),
        )
        for row in rows
        if isinstance(row, Mapping)
    )


def _target(element: Mapping[str, JSON]) -> JSON:
    action = element.get("default_action")
    return action.get("url") if isinstance(action, Mapping) else element.get("item_url")


def _buttons(buttons: JSON) -> tuple[Button, ...]:
    rows = buttons if isinstance(buttons, list | tuple) else ()
    made = (_button(row) for row in rows if isinstance(row, Mapping))
    return tuple(button for button in made if button.title)


def _button(row: Mapping[str, JSON]) -> Button:
    payload = _text(row.get("payload")) or _text(row.get("title"))
    return Button(_text(row.get("title")) or payload, payload, web_address(row.get("url")))


def _text(value: JSON) -> str:
    return "" if value is None else str(value).strip()
