"""Responses of a domain or of NLU files: `utter_x:` with its variations, places kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.dialogue.domain import ResponseVariation
from bot.dialogue.messages import JSON
from bot.errors import Location, nearest
from bot.training_data.findings import Findings
from bot.training_data.yaml_values import YamlList, YamlMap, kind, plain

_PAYLOADS: dict[str, type] = {
    "text": str,
    "image": str,
    "custom": dict,
    "buttons": list,
    "quick_replies": list,
    "attachment": dict,
    "elements": list,
}
_EXTRAS: dict[str, type] = {
    "id": str,
    "channel": str,
    "condition": list,
    "button_type": str,
    "metadata": object,
}
_KINDS: dict[type, str] = {str: "text", dict: "a mapping", list: "a list"}


def build_responses(
    source: Mapping[str, JSON], findings: Findings, locations: Mapping[str, Location]
) -> dict[str, tuple[ResponseVariation, ...]]:
    """Read `responses:`; a variation that is wrong is noted and left out.

    Args:
        source: Variations by name, of one file or merged from several.
        findings: Collects what is wrong.
        locations: Maps `responses/name` to its place.
    """
    responses: dict[str, tuple[ResponseVariation, ...]] = {}
    for name, variations in source.items():
        if not isinstance(variations, list):
            message = f"response '{name}' must be a list of variations, found {kind(variations)}"
            findings.error("response-schema", message, locations.get(f"responses/{name}"))
            variations = []
        responses[name] = tuple(
            variation
            for index, item in enumerate(variations)
            if (variation := _variation(name, item, _item_place(variations, index), findings)) is not None
        )
    return responses


def response_texts(variations: JSON) -> tuple[str, ...]:
    """Return the texts of a response's variations as written."""
    items = variations if isinstance(variations, list) else ()
    texts = (item.get("text") for item in items if isinstance(item, dict))
    return tuple(text for text in texts if isinstance(text, str))


def names_are_text(key: str, section: YamlMap, findings: Findings) -> bool:
    """Note the names of a section that YAML reads as numbers, booleans or nothing."""
    wrong = [name for name in section if not isinstance(name, str) or not name]
    for name in wrong:
        message = f"a name under '{key}' must be text, found {kind(name)} {name!r}; put quotes around it"
        findings.error("domain-schema", message, section.at(name))
    return not wrong


def _item_place(variations: JSON, index: int) -> Location | None:
    return variations.at(index) if isinstance(variations, YamlList) else None


def _variation(name: str, item: JSON, place: Location | None, findings: Findings) -> ResponseVariation | None:
    if not isinstance(item, dict):
        message = f"a variation of '{name}' must be a mapping such as 'text: …', found {kind(item)}"
        findings.error("response-schema", message, place)
        return None
    if not any(key in item for key in _PAYLOADS):
        hint = nearest(str(next(iter(item), "")), _PAYLOADS)
        message = f"a variation of '{name}' says nothing, expected one of {', '.join(_PAYLOADS)}{hint}"
        findings.error("response-schema", message, place)
        return None
    problem = _schema_problem(item)
    if problem:
        findings.error("response-schema", f"response '{name}': {problem}", place)
        return None
    condition = item.get("condition")
    data = {key: plain(item[key]) for key in (*_PAYLOADS, "button_type") if key in item and key != "text"}
    return ResponseVariation(
        text=item.get("text"),
        data={key: value for key, value in data.items() if value is not None},
        condition=None if condition is None else tuple(plain(condition)),
        channel=item.get("channel"),
        metadata=plain(item.get("metadata")) or {},
        id=item.get("id"),
        location=place,
    )


def _schema_problem(item: Mapping[str, Any]) -> str | None:
    """Say what is wrong with a variation's keys, or nothing."""
    known: dict[str, type] = {**_PAYLOADS, **_EXTRAS}
    for key, value in item.items():
        if key not in known:
            return f"unknown key '{key}', expected one of {', '.join(known)}{nearest(str(key), known)}"
        expected = known[key]
        if value is not None and not isinstance(value, expected):
            return f"'{key}' must be {_KINDS[expected]}, found {kind(value)}"
        for part in value if isinstance(value, list) and key != "metadata" else ():
            if not isinstance(part, dict):
                return f"an item of '{key}' must be a mapping, found {kind(part)}"
    return _part_problem(item)


def _part_problem(item: Mapping[str, Any]) -> str | None:
    for condition in item.get("condition") or ():
        if set(condition) != {"type", "name", "value"}:
            found = ", ".join(map(str, condition)) or "nothing"
            wanted = ("type", "name", "value")
            strange = next((str(key) for key in condition if key not in wanted), "")
            return (
                f"a condition needs 'type: slot', 'name' and 'value', found {found}{nearest(strange, wanted)}"
            )
        if not isinstance(condition["name"], str):
            return f"'name' of a condition must be the name of a slot, found {kind(condition['name'])}"
    for button in (*(item.get("buttons") or ()), *(item.get("quick_replies") or ())):
        for key in ("title", "payload"):
            if button.get(key) is not None and not isinstance(button[key], str):
                return f"'{key}' of a button must be text, found {kind(button[key])}; put quotes around it"
    return None
