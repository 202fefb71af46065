"""What may come in over a wire: limits, types, and characters no store can hold."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping

from bot.dialogue.messages import JSON
from bot.errors import FrontdeskError

MAX_TEXT_CHARACTERS = 10_000
MAX_ID_CHARACTERS = 200

# A message id is chosen by the client, so two clients may choose the same one.
_MESSAGE_IDS = uuid.UUID("5b1e4a0e-5f0a-4a52-9d0a-6f4b6d8f2a11")

_CONTROL = {code: None for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\t\n"}
# Half a surrogate pair is valid JSON but no text: it cannot be written as UTF-8.
_HALF_PAIRS = dict.fromkeys(range(0xD800, 0xE000), "\ufffd")
_UNWANTED = _CONTROL | _HALF_PAIRS


class Refused(FrontdeskError):
    """A request that is the caller's mistake; `code` is an HTTP status, `reason` one stable word.

    `message` is meant for the caller: it says what was found and what was expected.
    """

    def __init__(
        self, message: str, *, code: int = 400, reason: str = "BadRequest", details: JSON = None
    ) -> None:
        self.message = message
        self.code = code
        self.reason = reason
        self.details = details or {}
        super().__init__(message)


def read_object(raw: str | bytes) -> dict[str, JSON]:
    """Read a JSON object, with every text in it made storable.

    Raises:
        Refused: It is no JSON (NaN is none), or not an object.
    """
    try:
        data = json.loads(raw, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise Refused(f"The request is not valid JSON: {_first_line(error)}.") from error
    if not isinstance(data, dict):
        raise Refused(f"The request is a JSON {_json_type(data)}, expected an object.")
    return {clean(key): _clean_json(value) for key, value in data.items()}


def clean(text: str) -> str:
    """Drop control characters but tab and line feed, and replace half surrogate pairs."""
    return text.replace("\r\n", "\n").translate(_UNWANTED)


def read_text(data: Mapping[str, JSON], key: str) -> str:
    """Return a customer's text, stripped; 1 to 10,000 characters.

    Raises:
        Refused: It is missing, no text, empty or too long.
    """
    if data.get(key) is None:
        raise Refused(f"'{key}' is missing, expected the text of the message.", details={"field": key})
    text = _string(data, key).strip()
    if not text:
        raise Refused(f"'{key}' is empty, expected the text of the message.", details={"field": key})
    if len(text) > MAX_TEXT_CHARACTERS:
        raise Refused(
            f"'{key}' has {len(text):,} characters, at most {MAX_TEXT_CHARACTERS:,} are allowed.",
            code=413,
            reason="MessageTooLong",
            details={"field": key, "limit": MAX_TEXT_CHARACTERS},
        )
    return text


def read_id(data: Mapping[str, JSON], key: str) -> str | None:
    """Return an optional id of at most 200 characters; None when it is absent, null or empty."""
    if data.get(key) is None:
        return None
    value = _string(data, key).strip()
    if len(value) > MAX_ID_CHARACTERS:
        raise Refused(
            f"'{key}' has {len(value):,} characters, at most {MAX_ID_CHARACTERS} are allowed.",
            details={"field": key, "limit": MAX_ID_CHARACTERS},
        )
    return value or None


def read_mapping(data: Mapping[str, JSON], key: str) -> dict[str, JSON]:
    """Return an optional object; empty when it is absent or null."""
    value = data.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _wrong_type(key, value, "an object")
    return value


def own_message_id(sender_id: str, message_id: str) -> str:
    """Return an id that is unique over all senders, the same one for the same pair."""
    return uuid.uuid5(_MESSAGE_IDS, f"{sender_id}\n{message_id}").hex


def _string(data: Mapping[str, JSON], key: str) -> str:
    value = data[key]
    if not isinstance(value, str):
        raise _wrong_type(key, value, "a string")
    return value


def _wrong_type(key: str, value: JSON, expected: str) -> Refused:
    return Refused(f"'{key}' is a JSON {_json_type(value)}, expected {expected}.", details={"field": key})


def _clean_json(value: JSON) -> JSON:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_clean_json(item) for item in value]
    if isinstance(value, dict):
        return {clean(key): _clean_json(item) for key, item in value.items()}
    return value


def _json_type(value: JSON) -> str:
    names = {str: "string", bool: "boolean", int: "number", float: "number", list: "array", dict: "object"}
    return names.get(type(value), "null")


def _refuse_constant(name: str) -> JSON:
    raise ValueError(f"{name} is not a JSON number")


def _first_line(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    return str(error).partition("\n")[0]
