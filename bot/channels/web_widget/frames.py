"""What the widget says, one JSON object per WebSocket message; `shown` has what the server says.

`hello` (first; conversation_id, last_sequence, customer?), `message` (message_id, text, title?, locale?,
attachments?, pre_chat?), `rating` (message_id, rating, comment?, locale?), `left_message` (message_id, text,
email, name?, locale?), `ping`. A customer has id?, name?, email?, identifier_hash?.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bot.channels.incoming import Refused, read_id, read_mapping, read_object, read_text
from bot.channels.web_widget.identity import Visitor
from bot.channels.web_widget.records import LeftMessage, Rating
from bot.dialogue.messages import JSON
from bot.errors import nearest

Frame = Mapping[str, JSON]

# Long enough that nobody guesses one: 22 characters of base64 are 128 bits.
_CONVERSATION_ID = re.compile(r"[A-Za-z0-9_-]{22,64}")
_MESSAGE_ID = re.compile(r"[A-Za-z0-9_-]{16,64}")
_FILE_ID = re.compile(r"[0-9a-f]{32}")
_LOCALE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
_FIELD = re.compile(r"[a-z][a-z0-9_]{0,39}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
MAX_TITLE_CHARACTERS = 200
MAX_FIELD_CHARACTERS = 500
MAX_FIELDS = 12
MAX_ATTACHMENTS = 10
_CUSTOMER_KEYS = ("id", "name", "email", "identifier_hash")


@dataclass(frozen=True, slots=True)
class Hello:
    """The widget is there and has seen everything up to `last_sequence` (0: nothing)."""

    visitor: Visitor
    last_sequence: int = 0


@dataclass(frozen=True, slots=True)
class CustomerMessage:
    """The customer said something; `metadata` is checked and small.

    `attachments` are ids of files that were sent before; only with them the text may be empty. `pre_chat`
    is what the form before the first message asked.
    """

    message_id: str
    text: str
    metadata: Mapping[str, JSON] = field(default_factory=dict)
    attachments: tuple[str, ...] = ()
    pre_chat: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ping:
    """The widget asks whether the line is still open."""


Incoming = Hello | CustomerMessage | Rating | LeftMessage | Ping


def read_frame(raw: str | bytes) -> Incoming:
    """Read one frame of the widget's; unknown fields are passed over.

    Raises:
        Refused: No JSON object, unknown type, or a field that is missing, wrong or too long.
    """
    data = read_object(raw)
    kind = data.get("type")
    read = _READERS.get(kind) if isinstance(kind, str) else None
    if read is None:
        found = str(kind)[:40]
        guess = nearest(found, _READERS) or f", expected one of {', '.join(_READERS)}"
        raise Refused(f"Unknown type '{found}'{guess}", reason="UnknownType")
    return read(data)


def read_visitor(data: Frame) -> Visitor:
    """Read who the browser says it is, in a `hello` or in a request's authorization.

    Raises:
        Refused: The secret is missing or can be guessed, or a field is wrong.
    """
    customer = read_mapping(data, "customer")
    claimed = {key: read_id(customer, key) for key in _CUSTOMER_KEYS}
    secret = _matching(data, "conversation_id", _CONVERSATION_ID, "22 to 64")
    return Visitor(secret, {key: value for key, value in claimed.items() if value})


def message_id_of(raw: str | bytes) -> str | None:
    """Return the message id of a refused frame, when it has a proper one."""
    try:
        return _message_id(read_object(raw))
    except Refused:
        return None


def is_key(text: str) -> bool:
    """Whether a text may name a message or an upload."""
    return _MESSAGE_ID.fullmatch(text) is not None


def _hello(data: Frame) -> Hello:
    last_sequence = data.get("last_sequence", 0)
    if (
        isinstance(last_sequence, bool)
        or not isinstance(last_sequence, int)
        or not 0 <= last_sequence < 2**53
    ):
        raise Refused("'last_sequence' is wrong, expected a whole number from 0.")
    return Hello(read_visitor(data), last_sequence)


def _customer_message(data: Frame) -> CustomerMessage:
    message_id = _message_id(data)
    attachments = _attachments(data)
    metadata: dict[str, JSON] = {}
    title, locale = read_id(data, "title"), _locale(data)
    if title:
        metadata["title"] = title[:MAX_TITLE_CHARACTERS]
    if locale:
        metadata["locale"] = locale
    text = "" if attachments and not data.get("text") else read_text(data, "text")
    return CustomerMessage(message_id, text, metadata, attachments, _pre_chat(data))


def _attachments(data: Frame) -> tuple[str, ...]:
    ids = data.get("attachments") or []
    is_list = isinstance(ids, list) and len(ids) <= MAX_ATTACHMENTS
    if not is_list or not all(isinstance(value, str) and _FILE_ID.fullmatch(value) for value in ids):
        raise Refused(f"'attachments' is wrong, expected at most {MAX_ATTACHMENTS} ids of files.")
    return tuple(ids)


def _pre_chat(data: Frame) -> dict[str, str]:
    answers = read_mapping(data, "pre_chat")
    if len(answers) > MAX_FIELDS:
        raise Refused(f"'pre_chat' has {len(answers)} fields, at most {MAX_FIELDS} are allowed.")
    for name, value in answers.items():
        is_short = isinstance(value, str) and len(value) <= MAX_FIELD_CHARACTERS
        if not _FIELD.fullmatch(name) or not is_short:
            raise Refused("'pre_chat' is wrong, expected short names with short texts.")
    return {name: value.strip() for name, value in answers.items() if value.strip()}


def _rating(data: Frame) -> Rating:
    rating = data.get("rating")
    if isinstance(rating, bool) or not isinstance(rating, int) or not 1 <= rating <= 5:
        raise Refused("'rating' is wrong, expected a whole number from 1 to 5.")
    comment = read_text(data, "comment") if data.get("comment") else None
    return Rating(_message_id(data), rating, comment, _locale(data))


def _left_message(data: Frame) -> LeftMessage:
    email = read_id(data, "email")
    if email is None or not _EMAIL.fullmatch(email):
        raise Refused("'email' is no e-mail address.", reason="WrongEmail")
    return LeftMessage(
        _message_id(data), read_text(data, "text"), email, read_id(data, "name"), _locale(data)
    )


def _ping(_data: Frame) -> Ping:
    return Ping()


def _locale(data: Frame) -> str | None:
    locale = read_id(data, "locale")
    return locale if locale and _LOCALE.fullmatch(locale) else None


def _message_id(data: Frame) -> str:
    return _matching(data, "message_id", _MESSAGE_ID, "16 to 64")


def _matching(data: Frame, key: str, pattern: re.Pattern[str], length: str) -> str:
    value = data.get(key)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise Refused(f"'{key}' is wrong, expected {length} of the characters A-Z a-z 0-9 _ -.")
    return value


_READERS: Mapping[str, Callable[[Frame], Incoming]] = {
    "hello": _hello,
    "message": _customer_message,
    "rating": _rating,
    "left_message": _left_message,
    "ping": _ping,
}
