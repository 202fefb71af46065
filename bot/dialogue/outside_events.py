"""Events that other programs send, over HTTP or from an action server: refused unless each part has its type.

Stored events were checked when they came, so reading them back leaves this out.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from bot.dialogue.events import Event, UnknownEvent, event_from_dict
from bot.dialogue.messages import JSON

_KINDS: dict[str, type] = {
    **dict.fromkeys(("text", "name", "intent", "action_text", "policy", "input_channel", "message_id"), str),
    **dict.fromkeys(("path", "date_time"), str),
    **dict.fromkeys(("metadata", "parse_data"), Mapping),
    **dict.fromkeys(("is_interrupted", "hide_rule_turn", "kill_on_user_msg"), bool),
}
_NUMBERS = ("timestamp", "confidence")
_WORDS = {str: "text", Mapping: "an object", bool: "true or false"}
_NEEDED: dict[str, tuple[str, ...]] = {
    "slot": ("name", "value"),
    "reminder": ("intent", "date_time"),
    "entities": ("entities",),
}
# Action servers that leave out what is null mean null by it.
_MAY_LACK: dict[str, dict[str, JSON]] = {
    "active_loop": {"name": None},
    "form": {"name": None},
    "followup": {"name": None},
    "loop_interrupted": {"is_interrupted": False},
}


def event_from_outside(data: JSON) -> Event:
    """Read one event in Rasa's wire form.

    Raises:
        UnknownEvent: It is none, something is missing, or has another type than it should.
    """
    if not isinstance(data, Mapping) or not isinstance(data.get("event"), str):
        raise UnknownEvent(f"{data!r} is no event: expected an object with the key 'event'")
    name: str = data["event"]
    for key in _NEEDED.get(name, ()):
        if key not in data:
            raise UnknownEvent(f"event {name!r} has no {key!r}")
    if name == "slot" and data["name"] is None:
        raise UnknownEvent("event 'slot' has no 'name'")
    if name == "action" and data.get("name") is None and data.get("action_text") is None:
        raise UnknownEvent("event 'action' has neither 'name' nor 'action_text'")
    for key, value in data.items():
        _check(name, key, value)
    try:
        return event_from_dict(_MAY_LACK.get(name, {}) | dict(data))
    except UnknownEvent:
        raise
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UnknownEvent(f"event {name!r} holds what is not understood: {error}") from error


def _check(event: str, key: str, value: JSON) -> None:
    if value is None:
        return
    if key in _NUMBERS and (isinstance(value, bool) or not isinstance(value, int | float)):
        expected = "seconds since the epoch" if key == "timestamp" else "a number"
        raise UnknownEvent(f"{key} of event {event!r} is {value!r}, expected {expected}")
    kind = _KINDS.get(key)
    if kind is not None and not isinstance(value, kind):
        raise UnknownEvent(f"{key} of event {event!r} is {value!r}, expected {_WORDS[kind]}")
    if key == "date_time":
        try:
            datetime.fromisoformat(value)
        except ValueError as error:
            text = f"date_time of event {event!r} is {value!r}, expected a time as 2031-05-01T12:00:00+00:00"
            raise UnknownEvent(text) from error
