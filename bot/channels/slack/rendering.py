"""What the bot said as messages of Slack's: words with blocks for buttons, cards and pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bot.channels.button_marks import carried
from bot.channels.long_text import divide, shorten
from bot.channels.pieces import Button, Card, Cards, Custom, File, FileKind, Piece, Text, pieces
from bot.channels.slack.words import escaped
from bot.dialogue.events import BotUttered
from bot.dialogue.messages import JSON

MAX_TEXT_CHARACTERS = 3900  # Slack advises 4,000
MAX_SECTION_CHARACTERS = 2900  # Slack takes 3,000; a link that is cut in two is escaped and grows
MAX_BLOCKS = 50
MAX_BUTTONS = 25
MAX_TITLE_CHARACTERS = 75
MAX_VALUE_BYTES = 2000
MAX_ADDRESS_CHARACTERS = 3000
ROW_BUTTONS = 5
# A notification and a list of buttons need words.
_NO_WORDS = "👇"
# What a bot developer may say in a custom message; all else is ours to say.
_CUSTOM_KEYS = (
    *("text", "blocks", "attachments", "channel", "thread_ts", "reply_broadcast", "mrkdwn", "parse"),
    *("unfurl_links", "unfurl_media", "link_names", "username", "icon_emoji", "icon_url"),
)

Message = Mapping[str, JSON]


def messages(utterance: BotUttered) -> list[Message]:
    """Return the arguments of `chat.postMessage` for each message, in the order of sending."""
    return [message for piece in pieces(utterance) for message in _messages(piece)]


def _messages(piece: Piece) -> Iterator[Message]:
    match piece:
        case Text(buttons=()):
            yield from ({"text": escaped(part)} for part in divide(piece.text, MAX_TEXT_CHARACTERS, _length))
        case Text():
            yield from _choice(piece)
        case Cards():
            yield from _cards(piece)
        case File():
            yield _file(piece)
        case Custom(content=content):
            yield from _custom(content)


def _choice(piece: Text) -> Iterator[Message]:
    *earlier, last = divide(piece.text, MAX_SECTION_CHARACTERS, _length) or [""]
    yield from ({"text": escaped(part)} for part in earlier)
    groups = [
        piece.buttons[start : start + MAX_BUTTONS] for start in range(0, len(piece.buttons), MAX_BUTTONS)
    ]
    for group in groups:
        section = [_section(escaped(last))] if last else []
        yield {"text": escaped(last) or _NO_WORDS, "blocks": [*section, *_rows(group)]}
        last = ""


def _file(piece: File) -> Message:
    name = piece.name or piece.url
    if piece.kind is FileKind.IMAGE and len(piece.url) <= MAX_ADDRESS_CHARACTERS:
        image = {"type": "image", "image_url": piece.url, "alt_text": shorten(name, 2000)}
        return {"text": piece.url, "blocks": [image]}
    return {"text": f"<{piece.url}|{escaped(name)}>" if piece.name else piece.url}


def _cards(piece: Cards) -> Iterator[Message]:
    """Yield messages of as many cards as their blocks allow."""
    shown: list[tuple[str, list[JSON]]] = []
    for position, card in enumerate(piece.cards, start=1):
        heading = f"{position}. {card.title}" if piece.numbered and len(piece.cards) > 1 else card.title
        blocks = _card(heading or "–", card)
        if sum(len(other) + 1 for _, other in shown) + len(blocks) > MAX_BLOCKS:
            yield _joined(shown)
            shown = []
        shown.append((heading, blocks))
    if shown:
        yield _joined(shown)


def _joined(shown: Sequence[tuple[str, list[JSON]]]) -> Message:
    blocks: list[JSON] = []
    for _, card in shown:
        blocks += [{"type": "divider"}, *card] if blocks else card
    words = shorten(" · ".join(heading for heading, _ in shown), 500)
    return {"text": escaped(words) or _NO_WORDS, "blocks": blocks}


def _card(heading: str, card: Card) -> list[JSON]:
    title = escaped(shorten(heading, 300))
    linked = f"<{card.url}|{title}>" if card.url and len(card.url) < 1000 and "|" not in card.url else title
    # Escaping makes a text longer, at most five times.
    room = MAX_SECTION_CHARACTERS - len(linked) - 10
    body = shorten(card.text, room, _length)
    section = _section(f"*{linked}*\n{escaped(body)}" if body else f"*{linked}*")
    if card.image and len(card.image) <= MAX_ADDRESS_CHARACTERS:
        alt_text = shorten(heading, 2000)
        section["accessory"] = {"type": "image", "image_url": card.image, "alt_text": alt_text}
    return [section, *_rows(card.buttons[:MAX_BUTTONS])]


def _section(text: str) -> dict[str, JSON]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _rows(buttons: Sequence[Button]) -> list[JSON]:
    """Return blocks of five buttons each."""
    rows = [buttons[start : start + ROW_BUTTONS] for start in range(0, len(buttons), ROW_BUTTONS)]
    return [
        {"type": "actions", "elements": [_element(button, number) for number, button in enumerate(row)]}
        for row in rows
    ]


def _element(button: Button, number: int) -> JSON:
    title = {"type": "plain_text", "text": shorten(button.title, MAX_TITLE_CHARACTERS), "emoji": True}
    element: dict[str, JSON] = {"type": "button", "action_id": f"button_{number}", "text": title}
    if button.url and len(button.url) <= MAX_ADDRESS_CHARACTERS:
        return element | {"url": button.url}
    return element | {"value": carried(button.payload, MAX_VALUE_BYTES)}


def _custom(content: JSON) -> Iterator[Message]:
    """Yield a bot developer's own message; what says and shows nothing is for another channel."""
    if not isinstance(content, Mapping):
        return
    message = {key: content[key] for key in _CUSTOM_KEYS if content.get(key) is not None}
    if message.get("text"):
        yield message
    elif message.get("blocks"):
        yield {**message, "text": _spoken(message["blocks"])}
    elif message.get("attachments"):
        # Words above would be shown, those of the attachments themselves are for notifications.
        yield {**message, "attachments": [_announced(part) for part in message["attachments"]]}


def _spoken(blocks: JSON) -> str:
    """Return what a notification says of blocks without words of their own."""
    rows = blocks if isinstance(blocks, list) else ()
    texts = [row.get("text") for row in rows if isinstance(row, Mapping)]
    said = " ".join(str(text.get("text") or "") for text in texts if isinstance(text, Mapping)).strip()
    return shorten(said, 300) or _NO_WORDS


def _announced(attachment: JSON) -> JSON:
    if not isinstance(attachment, Mapping) or attachment.get("fallback"):
        return attachment
    words = attachment.get("title") or attachment.get("text") or _NO_WORDS
    return {**attachment, "fallback": str(words)}


def _length(text: str) -> int:
    """Return how long a text is when it is escaped."""
    return len(escaped(text))
