"""The words that widget and server exchange, one JSON object per WebSocket message.

From the widget: `hello` (first; conversation_id, last_sequence), `message` (message_id, text, title?,
locale?, customer?), `ping`. From the server: `event` (sequence, from, timestamp, messages), `ready`, `ack`
(received, stored), `typing`, `notice` (said, but not in the transcript), `reset`, `error`, `pong`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bot.channels.incoming import Refused, read_id, read_mapping, read_object, read_text
from bot.channels.rendering import render, render_all
from bot.dialogue.events import AgentUttered, BotUttered, Event, UserUttered
from bot.dialogue.messages import JSON
from bot.errors import nearest

Frame = Mapping[str, JSON]

# Long enough that nobody guesses one: 22 characters of base64 are 128 bits.
_CONVERSATION_ID = re.compile(r"[A-Za-z0-9_-]{22,64}")
_MESSAGE_ID = re.compile(r"[A-Za-z0-9_-]{16,64}")
_LOCALE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
MAX_TITLE_CHARACTERS = 200
_TYPES = ("hello", "message", "ping")
_CUSTOMER_KEYS = ("id", "name", "email", "identifier_hash")


class Speaker(StrEnum):
    """Who said something, as the widget shows it."""

    CUSTOMER = "customer"
    ASSISTANT = "assistant"
    AGENT = "agent"


@dataclass(frozen=True, slots=True)
class Hello:
    """The widget is there and has seen everything up to `last_sequence` (0: nothing)."""

    conversation_id: str
    last_sequence: int = 0


@dataclass(frozen=True, slots=True)
class CustomerMessage:
    """The customer said something; `metadata` is checked and small."""

    message_id: str
    text: str
    metadata: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ping:
    """The widget asks whether the line is still open."""


def read_frame(raw: str | bytes) -> Hello | CustomerMessage | Ping:
    """Read one frame of the widget's; unknown fields are passed over.

    Raises:
        Refused: No JSON object, unknown type, or a field that is missing, wrong or too long.
    """
    data = read_object(raw)
    match data.get("type"):
        case "hello":
            return _hello(data)
        case "message":
            return _customer_message(data)
        case "ping":
            return Ping()
        case kind:
            found = str(kind)[:40]
            guess = nearest(found, _TYPES) or f", expected one of {', '.join(_TYPES)}"
            raise Refused(f"Unknown type '{found}'{guess}", reason="UnknownType")


def _hello(data: Frame) -> Hello:
    last_sequence = data.get("last_sequence", 0)
    if (
        isinstance(last_sequence, bool)
        or not isinstance(last_sequence, int)
        or not 0 <= last_sequence < 2**53
    ):
        raise Refused("'last_sequence' is wrong, expected a whole number from 0.")
    return Hello(_matching(data, "conversation_id", _CONVERSATION_ID, "22 to 64"), last_sequence)


def _customer_message(data: Frame) -> CustomerMessage:
    message_id = _matching(data, "message_id", _MESSAGE_ID, "16 to 64")
    metadata: dict[str, JSON] = {}
    title, locale = read_id(data, "title"), read_id(data, "locale")
    if title:
        metadata["title"] = title[:MAX_TITLE_CHARACTERS]
    if locale and _LOCALE.fullmatch(locale):
        metadata["locale"] = locale
    claimed = _claimed_customer(read_mapping(data, "customer"))
    if claimed:
        metadata["claimed_customer"] = claimed
    return CustomerMessage(message_id, read_text(data, "text"), metadata)


def _claimed_customer(customer: Frame) -> dict[str, str]:
    """Who the page says the customer is: a claim, until somebody checks `identifier_hash`."""
    claimed = {key: read_id(customer, key) for key in _CUSTOMER_KEYS}
    return {key: value for key, value in claimed.items() if value}


def _matching(data: Frame, key: str, pattern: re.Pattern[str], length: str) -> str:
    value = data.get(key)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise Refused(f"'{key}' is wrong, expected {length} of the characters A-Z a-z 0-9 _ -.")
    return value


def event_frame(sequence: int, event: Event) -> dict[str, JSON] | None:
    """Return what the widget shows of a stored event; None when it shows nothing."""
    shown = _shown(event)
    if shown is None:
        return None
    return {"type": "event", "sequence": sequence, "timestamp": event.timestamp} | shown


def _shown(event: Event) -> dict[str, JSON] | None:
    match event:
        # What a reminder or the HTTP interface puts in has no channel: the customer never said it.
        case UserUttered(text=str(text), input_channel=str(), message_id=message_id):
            title = event.metadata.get("title")
            messages = [{"text": title if isinstance(title, str) else text}]
            return {"from": Speaker.CUSTOMER, "message_id": message_id, "messages": messages}
        case BotUttered():
            messages = [message.as_dict() for message in render(event)]
            return {"from": Speaker.ASSISTANT, "messages": messages} if messages else None
        case AgentUttered(text=str(text)):
            return {"from": Speaker.AGENT, "messages": [{"text": text}]}
        case _:
            return None


def notice_frame(utterances: Iterable[BotUttered]) -> Frame:
    """Return what was said in a turn that could not be stored, so it has no sequence."""
    messages = [message.as_dict() for message in render_all(utterances)]
    return {"type": "notice", "from": Speaker.ASSISTANT, "messages": messages}


def ready_frame(last_sequence: int, *, typing: bool) -> Frame:
    """Return the end of what was missed: from here on everything is new."""
    return {"type": "ready", "last_sequence": last_sequence, "typing": typing}


def ack_frame(message_id: str, *, stored: bool) -> Frame:
    """Return "we have it": `received` may still be lost with the process, `stored` may not."""
    return {"type": "ack", "message_id": message_id, "state": "stored" if stored else "received"}


def typing_frame(on: bool) -> Frame:
    """Return the dots, on or off."""
    return {"type": "typing", "on": on}


def error_frame(refused: Refused, message_id: str | None = None) -> Frame:
    """Return what was wrong, and with which message, when that can be told."""
    frame = {"type": "error", "reason": refused.reason, "message": refused.message}
    return frame | refused.details | ({"message_id": message_id} if message_id else {})


def message_id_of(raw: str | bytes) -> str | None:
    """Return the message id of a refused frame, when it has a proper one."""
    try:
        return _matching(read_object(raw), "message_id", _MESSAGE_ID, "")
    except Refused:
        return None
