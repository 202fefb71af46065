"""Slots with their mappings, forms and the session settings of a domain."""

from __future__ import annotations

import math
from collections.abc import Mapping

from bot.dialogue.domain import REQUESTED_SLOT, SESSION_STARTED_METADATA, Form, SessionConfig
from bot.dialogue.messages import JSON
from bot.dialogue.slots import MappingCondition, MappingType, Slot, SlotMapping, SlotType
from bot.errors import Location, nearest
from bot.training_data.findings import Findings
from bot.training_data.unknown_keys import warn_misspelled_keys
from bot.training_data.yaml_values import YamlMap, kind, plain

KNOWLEDGE_BASE_SLOTS = (
    "knowledge_base_listed_objects",
    "knowledge_base_last_object",
    "knowledge_base_last_object_type",
)
_SLOT_KEYS = {
    "type",
    "influence_conversation",
    "values",
    "min_value",
    "max_value",
    "initial_value",
    "value_reset_delay",  # Rasa's; changes nothing there either
    "mappings",
}
_SESSION_KEYS = ("session_expiration_time", "carry_over_slots_to_new_session")
_FORM_KEYS = ("required_slots", "ignored_intents")
_MAPPING_KEYS = {"type", "intent", "not_intent", "entity", "role", "group", "value", "action", "conditions"}
_REQUIRED = {
    MappingType.FROM_ENTITY: "entity",
    MappingType.FROM_INTENT: "value",
    MappingType.FROM_TRIGGER_INTENT: "value",
}
_RASA_CLASSES = {
    "TextSlot": SlotType.TEXT,
    "BooleanSlot": SlotType.BOOL,
    "FloatSlot": SlotType.FLOAT,
    "CategoricalSlot": SlotType.CATEGORICAL,
    "ListSlot": SlotType.LIST,
    "AnySlot": SlotType.ANY,
}


class _Wrong(Exception):
    """A part of the domain cannot be used; carries the message and the place."""

    def __init__(self, message: str, place: Location | None) -> None:
        super().__init__(message)
        self.message = message
        self.place = place


def build_slots(
    source: Mapping[str, JSON],
    findings: Findings,
    locations: Mapping[str, Location],
    *,
    forms: Mapping[str, Form],
    with_knowledge_base: bool = False,
) -> dict[str, Slot]:
    """Read `slots:` in domain order and add the built-in ones behind them; `locations` has `slots/name`."""
    slots: dict[str, Slot] = {}
    for name, definition in source.items():
        place = locations.get(f"slots/{name}") or _place(definition)
        try:
            slots[name] = _slot(name, definition, place, findings)
        except _Wrong as wrong:
            findings.error("slot-schema", wrong.message, wrong.place)
    built_in = [Slot(REQUESTED_SLOT, SlotType.TEXT, influence_conversation=False)] if forms else []
    if with_knowledge_base:
        built_in += [Slot(name, SlotType.TEXT, influence_conversation=False) for name in KNOWLEDGE_BASE_SLOTS]
    built_in.append(Slot(SESSION_STARTED_METADATA, SlotType.ANY, influence_conversation=False))
    for slot in built_in:
        slots.setdefault(slot.name, slot)
    return slots


def build_forms(
    source: Mapping[str, JSON], findings: Findings, locations: Mapping[str, Location]
) -> dict[str, Form]:
    """Read `forms:`; Rasa 2's way to write slot mappings into a form is refused with a hint.

    `locations` maps `forms/name` to its place.
    """
    forms: dict[str, Form] = {}
    for name, definition in source.items():
        place = locations.get(f"forms/{name}") or _place(definition)
        try:
            forms[name] = _form(name, definition, place)
        except _Wrong as wrong:
            findings.error("form-schema", wrong.message, wrong.place)
            forms[name] = Form(())
    return forms


def build_session_config(source: Mapping[str, JSON], findings: Findings) -> SessionConfig:
    """Read `session_config:`."""
    if isinstance(source, YamlMap):
        warn_misspelled_keys(source, findings, known=_SESSION_KEYS, where=" under 'session_config'")
    minutes = source.get("session_expiration_time")
    carry_over = source.get("carry_over_slots_to_new_session", True)
    if minutes is not None and (
        isinstance(minutes, bool) or not isinstance(minutes, int | float) or minutes < 0
    ):
        message = f"session_expiration_time must be minutes, 0 or more, found {minutes!r}"
        findings.error("domain-schema", message, _place(source, "session_expiration_time"))
        minutes = None
    if not isinstance(carry_over, bool):
        message = f"carry_over_slots_to_new_session must be true or false, found {kind(carry_over)}"
        findings.error("domain-schema", message, _place(source, "carry_over_slots_to_new_session"))
        carry_over = True
    return SessionConfig(60 if minutes is None else minutes, carry_over)


def _place(container: JSON, key: str | None = None) -> Location | None:
    return container.at(key) if isinstance(container, YamlMap) else None


def _slot(name: str, definition: JSON, place: Location | None, findings: Findings) -> Slot:
    if not isinstance(definition, dict):
        raise _Wrong(
            f"slot '{name}' must be a mapping with 'type' and 'mappings', found {kind(definition)}", place
        )
    _check_slot_keys(name, definition, place)
    slot_type, custom_type = _slot_type(name, definition, place)
    influence = definition.get("influence_conversation")
    if slot_type is SlotType.ANY and influence and custom_type is None:
        message = f"slot '{name}' of type any cannot have 'influence_conversation: true'; choose another type"
        raise _Wrong(message, _place(definition, "influence_conversation"))
    low, high = definition.get("min_value", 0.0), definition.get("max_value", 1.0)
    if slot_type is SlotType.FLOAT and low >= high:
        raise _Wrong(f"slot '{name}': min_value {low} must be smaller than max_value {high}", place)
    values = definition.get("values") or []
    if None in values:
        message = f"slot '{name}' lists null among its values, which means unset; it is passed over"
        findings.warn("slot-null-value", message, place)
    return Slot(
        name=name,
        type=slot_type,
        mappings=_mappings(name, definition["mappings"], place, findings),
        initial_value=plain(definition.get("initial_value")),
        influence_conversation=slot_type is not SlotType.ANY if influence is None else influence,
        values=tuple(str(value).lower() for value in values if value is not None),
        min_value=low,
        max_value=high,
        custom_type=custom_type,
    )


def _check_slot_keys(name: str, definition: Mapping[str, JSON], place: Location | None) -> None:
    if "type" not in definition:
        raise _Wrong(f"slot '{name}' has no 'type', expected one of {', '.join(SlotType)}", place)
    if not isinstance(definition.get("mappings"), list):
        raise _Wrong(
            f"slot '{name}' has no list of 'mappings', which Rasa 3 needs, for example "
            f"'mappings: [{{type: from_entity, entity: {name}}}]'",
            place,
        )
    for key, value in definition.items():
        at_key = _place(definition, key) or place
        if key not in _SLOT_KEYS and not _is_custom(definition["type"]):
            hint = " (Rasa 2; remove it)" if key == "auto_fill" else nearest(str(key), _SLOT_KEYS)
            raise _Wrong(f"slot '{name}' has an unknown key '{key}'{hint}", at_key)
        if key in ("min_value", "max_value") and not _is_bound(value):
            raise _Wrong(f"'{key}' of slot '{name}' must be a number, found {kind(value)}", at_key)
        if key == "values" and not isinstance(value, list):
            raise _Wrong(f"'values' of slot '{name}' must be a list, found {kind(value)}", at_key)
        if key == "influence_conversation" and not isinstance(value, bool):
            raise _Wrong(f"'{key}' of slot '{name}' must be true or false, found {kind(value)}", at_key)


def _is_bound(value: JSON) -> bool:
    """Whether a value can be compared and subtracted as a float."""
    try:
        return not isinstance(value, bool | str) and not math.isnan(value)
    except (TypeError, OverflowError):
        return False


def _is_custom(written: JSON) -> bool:
    """Whether a type is a Python path that is not Rasa's own; such a slot may have options of its own."""
    return isinstance(written, str) and "." in written and written.rpartition(".")[2] not in _RASA_CLASSES


def _slot_type(
    name: str, definition: Mapping[str, JSON], place: Location | None
) -> tuple[SlotType, str | None]:
    written = definition["type"]
    if written in tuple(SlotType):
        return SlotType(written), None
    class_name = str(written).rpartition(".")[2]
    if class_name in _RASA_CLASSES:
        return _RASA_CLASSES[class_name], None
    if _is_custom(written):
        return SlotType.ANY, str(written)
    known = ", ".join(SlotType) + nearest(str(written), SlotType)
    message = f"slot '{name}' has an unknown type '{written}', expected one of {known}"
    raise _Wrong(message, _place(definition, "type") or place)


def _mappings(
    slot: str, items: list[JSON], place: Location | None, findings: Findings
) -> tuple[SlotMapping, ...]:
    return tuple(_mapping(slot, item, _place(item) or place, findings) for item in items)


def _mapping(slot: str, item: JSON, place: Location | None, findings: Findings) -> SlotMapping:
    if not isinstance(item, dict):
        raise _Wrong(f"a mapping of slot '{slot}' must be a mapping with 'type', found {kind(item)}", place)
    written = item.get("type")
    if written not in tuple(MappingType):
        known = ", ".join(MappingType)
        if written is None:
            hint = nearest(next((str(key) for key in item if key not in _MAPPING_KEYS), ""), ("type",))
            message = f"a mapping of slot '{slot}' has no 'type', expected one of {known}{hint}"
            raise _Wrong(message, place)
        hint = nearest(str(written), MappingType)
        raise _Wrong(f"slot '{slot}' has a mapping of type '{written}', expected one of {known}{hint}", place)
    mapping_type = MappingType(written)
    for key in item:
        if key not in _MAPPING_KEYS:
            hint = nearest(str(key), _MAPPING_KEYS)
            message = f"a mapping of slot '{slot}' has an unknown key '{key}'{hint}; it is passed over"
            findings.warn("slot-mapping-key", message, _place(item, key) or place)
    for key in ("entity", "role", "group", "action"):
        if not isinstance(item.get(key), str | None):
            message = f"'{key}' in a mapping of slot '{slot}' must be a name, found {kind(item[key])}"
            raise _Wrong(message, _place(item, key) or place)
    required = _REQUIRED.get(mapping_type)
    if required and item.get(required) is None:
        raise _Wrong(f"a {mapping_type} mapping of slot '{slot}' needs '{required}'", place)
    return SlotMapping(
        type=mapping_type,
        entity=item.get("entity"),
        role=item.get("role"),
        group=item.get("group"),
        value=plain(item.get("value")),
        action=item.get("action"),
        intent=_name_list(slot, item, "intent", place) or None,
        not_intent=_name_list(slot, item, "not_intent", place),
        conditions=_conditions(slot, item.get("conditions"), place),
        source=plain(item),
    )


def _name_list(slot: str, item: Mapping[str, JSON], key: str, place: Location | None) -> tuple[str, ...]:
    value = item.get(key)
    names = [value] if isinstance(value, str) else value or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise _Wrong(f"'{key}' in a mapping of slot '{slot}' must be a name or a list of names", place)
    return tuple(names)


def _conditions(slot: str, items: JSON, place: Location | None) -> tuple[MappingCondition, ...]:
    if items is not None and not isinstance(items, list):
        raise _Wrong(f"'conditions' of slot '{slot}' must be a list, found {kind(items)}", place)
    conditions = []
    for item in items or ():
        keys = set(item) if isinstance(item, dict) else {kind(item)}
        if not keys <= {"active_loop", "requested_slot"}:
            found = ", ".join(sorted(map(str, keys)))
            message = f"a condition of slot '{slot}' holds 'active_loop' and 'requested_slot', found {found}"
            raise _Wrong(message, _place(item) or place)
        for key, value in item.items():
            if not isinstance(value, str | None):
                message = f"'{key}' in a condition of slot '{slot}' must be a name, found {kind(value)}"
                raise _Wrong(message, _place(item, key) or place)
        conditions.append(
            MappingCondition(item.get("active_loop"), item.get("requested_slot"), "active_loop" in item)
        )
    return tuple(conditions)


def _form(name: str, definition: JSON, place: Location | None) -> Form:
    if definition is None or definition == {}:
        return Form(())
    if not isinstance(definition, dict):
        raise _Wrong(
            f"form '{name}' must be a mapping with 'required_slots', found {kind(definition)}", place
        )
    unknown = [key for key in definition if key not in _FORM_KEYS]
    required = definition.get("required_slots")
    hint = nearest(str(unknown[0]), _FORM_KEYS) if unknown and not isinstance(required, dict) else ""
    if hint:
        raise _Wrong(f"form '{name}' has an unknown key '{unknown[0]}'{hint}", _place(definition, unknown[0]))
    if unknown or isinstance(required, dict):
        raise _Wrong(
            f"form '{name}' is written as in Rasa 2; list the names under 'required_slots' and move each "
            "slot's mappings to 'slots'",
            place,
        )
    if "required_slots" not in definition:
        raise _Wrong(f"form '{name}' has 'ignored_intents' and needs 'required_slots' beside it", place)
    ignored = definition.get("ignored_intents") or []
    names = [ignored] if isinstance(ignored, str) else ignored
    for key, value in (("required_slots", required or []), ("ignored_intents", names)):
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise _Wrong(f"'{key}' of form '{name}' must be a list of names, found {kind(value)}", place)
    return Form(tuple(required or ()), tuple(names))
