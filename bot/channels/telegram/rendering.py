"""What the bot said as calls of Telegram's Bot API: each payload is one call, and one message in the chat."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence

from bot.channels.button_marks import carried
from bot.channels.long_text import divide, shorten, utf16_length
from bot.channels.pieces import Button, Card, Cards, Custom, File, FileKind, Piece, Text, pieces, web_address
from bot.dialogue.events import BotUttered
from bot.dialogue.messages import JSON

MAX_TEXT_UNITS = 4096  # UTF-16 code units, after formatting is taken out
MAX_CAPTION_UNITS = 1024
MAX_BUTTONS = 100
MAX_CALLBACK_BYTES = 64
_ROW_COLUMNS = 30
_ROW_BUTTONS = 3
# A keyboard needs a message with words in it.
_NO_WORDS = "👇"

_METHODS = {
    FileKind.IMAGE: ("send_photo", "photo"),
    FileKind.VIDEO: ("send_video", "video"),
    FileKind.AUDIO: ("send_audio", "audio"),
    FileKind.FILE: ("send_document", "document"),
}

# Which call a custom message means is told by its fields, as with Rasa: the first row that it fills.
_CUSTOM_CALLS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("send_message", ("text",)),
    ("send_photo", ("photo",)),
    ("send_audio", ("audio",)),
    ("send_document", ("document",)),
    ("send_sticker", ("sticker",)),
    ("send_video", ("video",)),
    ("send_video_note", ("video_note",)),
    ("send_animation", ("animation",)),
    ("send_voice", ("voice",)),
    ("send_media_group", ("media",)),
    ("send_venue", ("latitude", "longitude", "title", "address")),
    ("send_location", ("latitude", "longitude")),
    ("send_contact", ("phone_number", "first_name")),
    ("send_game", ("game_short_name",)),
    ("send_chat_action", ("action",)),
    ("send_invoice", ("title", "description", "payload", "provider_token", "currency", "prices")),
)
_FILES = ("photo", "audio", "document", "sticker", "video", "video_note", "animation", "voice", "thumbnail")
_FILE_ID = re.compile(r"[A-Za-z0-9_-]{20,}")
CALLS = frozenset(name for name, _ in _CUSTOM_CALLS)

Call = Mapping[str, JSON]


def calls(utterance: BotUttered) -> list[Call]:
    """Return `{method, arguments, otherwise?}` for each message, in the order of sending.

    `method` is a name in `CALLS`. `otherwise` is the call to be made when Telegram refuses the first one,
    because it cannot fetch a picture, say. Words go out as they are: nothing in them is taken for formatting.
    """
    return [call for piece in pieces(utterance) for call in _calls(piece)]


def _calls(piece: Piece) -> Iterator[Call]:
    match piece:
        case Text():
            yield from _words(piece)
        case Cards():
            yield from _cards(piece)
        case File():
            yield _file(piece)
        case Custom(content=content):
            yield from _custom(content)


def _words(piece: Text) -> Iterator[Call]:
    *earlier, last = divide(piece.text, MAX_TEXT_UNITS, utf16_length) or [_NO_WORDS]
    for part in earlier:
        yield _call("send_message", text=part)
    first, *others = _keyboards(piece.buttons) or [None]
    yield _call("send_message", text=last, reply_markup=first)
    for keyboard in others:
        yield _call("send_message", text=_NO_WORDS, reply_markup=keyboard)


def _file(piece: File) -> Call:
    method, argument = _METHODS[piece.kind]
    words = f"{piece.name}\n{piece.url}" if piece.name else piece.url
    return _call(method, **{argument: piece.url}, caption=piece.name) | {
        "otherwise": _call("send_message", text=words)
    }


def _cards(piece: Cards) -> Iterator[Call]:
    """Yield a photo with its words for each card that has one; others share a message while it has room."""
    waiting: list[tuple[int | None, Card]] = []
    for position, card in enumerate(piece.cards, start=1):
        number = position if piece.numbered and len(piece.cards) > 1 else None
        if card.image:
            yield from _list(waiting)
            waiting = []
            yield _photo(number, card)
            continue
        if waiting and _list_units([*waiting, (number, card)]) > MAX_TEXT_UNITS:
            yield from _list(waiting)
            waiting = []
        waiting.append((number, card))
    yield from _list(waiting)


def _list(cards: Sequence[tuple[int | None, Card]]) -> Iterator[Call]:
    if cards:
        text = "\n\n".join(_card_html(number, card, MAX_TEXT_UNITS) for number, card in cards)
        buttons = tuple(button for _, card in cards for button in card.buttons)
        keyboard = next(iter(_keyboards(buttons)), None)
        yield _call("send_message", text=text, parse_mode="HTML", reply_markup=keyboard)


def _photo(number: int | None, card: Card) -> Call:
    keyboard = next(iter(_keyboards(card.buttons)), None)
    words = {"parse_mode": "HTML", "reply_markup": keyboard}
    without = _call("send_message", text=_card_html(number, card, MAX_TEXT_UNITS), **words)
    caption = _card_html(number, card, MAX_CAPTION_UNITS)
    return _call("send_photo", photo=card.image, caption=caption, **words) | {"otherwise": without}


def _list_units(cards: Sequence[tuple[int | None, Card]]) -> int:
    return sum(utf16_length(f"{_heading(number, card)}\n{card.text}\n\n") for number, card in cards)


def _heading(number: int | None, card: Card) -> str:
    title = card.title or "–"
    return title if number is None else f"{number}. {title}"


def _card_html(number: int | None, card: Card, limit: int) -> str:
    heading = shorten(_heading(number, card), limit // 2, utf16_length)
    text = shorten(card.text, limit - utf16_length(heading) - 1, utf16_length)
    shown = f"<b>{html.escape(heading, quote=False)}</b>"
    if card.url:
        shown = f'<a href="{html.escape(card.url)}">{shown}</a>'
    return f"{shown}\n{html.escape(text, quote=False)}" if text else shown


def _custom(content: JSON) -> Iterator[Call]:
    """Yield the call that a bot developer wrote; what names none is for another channel."""
    if not isinstance(content, Mapping):
        return
    for method, needed in _CUSTOM_CALLS:
        if all(content.get(name) is not None for name in needed):
            if all(_is_public(content[name]) for name in _FILES if name in content):
                yield _call(method, **content)
            return


def _is_public(file: JSON) -> bool:
    """Whether it is an address or one of Telegram's own ids: the library takes all else for a local file."""
    return web_address(file) is not None or (isinstance(file, str) and bool(_FILE_ID.fullmatch(file)))


def _call(method: str, **arguments: JSON) -> dict[str, JSON]:
    given = {name: value for name, value in arguments.items() if value is not None}
    return {"method": method, "arguments": given}


def _keyboards(buttons: Sequence[Button]) -> list[JSON]:
    """Return inline keyboards of up to 100 buttons, as many as are needed."""
    groups = [buttons[start : start + MAX_BUTTONS] for start in range(0, len(buttons), MAX_BUTTONS)]
    return [{"inline_keyboard": _rows(group)} for group in groups]


def _rows(buttons: Sequence[Button]) -> list[list[JSON]]:
    """Put buttons side by side while their titles can be read on a phone."""
    rows: list[list[Button]] = []
    for button in buttons:
        fits = rows and len(rows[-1]) < _ROW_BUTTONS
        if fits and sum(_columns(other.title) for other in (*rows[-1], button)) <= _ROW_COLUMNS:
            rows[-1].append(button)
        else:
            rows.append([button])
    return [[_key(button) for button in row] for row in rows]


def _key(button: Button) -> JSON:
    if button.url:
        return {"text": button.title, "url": button.url}
    return {"text": button.title, "callback_data": carried(button.payload, MAX_CALLBACK_BYTES)}


def _columns(title: str) -> int:
    """Return how wide a title is; characters of East Asia are two columns."""
    return 4 + sum(1 + (unicodedata.east_asian_width(character) in "WF") for character in title)
