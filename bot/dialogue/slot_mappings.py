"""Which slots a message fills: Rasa's `action_extract_slots` as pure decisions over the tracker.

It runs after every message, in and outside forms, for every slot, requested or not; for each slot the first
mapping that yields a value wins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bot.dialogue.domain import REQUESTED_SLOT, SESSION_STARTED_METADATA, Domain
from bot.dialogue.messages import JSON
from bot.dialogue.slots import MappingType, Slot, SlotMapping, SlotType
from bot.dialogue.tracker import Tracker

BUILT_IN_SLOTS = frozenset(
    {
        REQUESTED_SLOT,
        SESSION_STARTED_METADATA,
        "knowledge_base_listed_objects",
        "knowledge_base_last_object",
        "knowledge_base_last_object_type",
    }
)


@dataclass(frozen=True, slots=True)
class SlotFilled:
    """A mapping gave a slot its value."""

    slot: str
    value: JSON
    mapping: SlotMapping


@dataclass(frozen=True, slots=True)
class CustomExtraction:
    """A custom mapping asks for this action; it runs at most once per message."""

    slot: str
    action: str


@dataclass(frozen=True, slots=True)
class MappingSkipped:
    """A mapping did not apply; `reason` says why, for people who wonder."""

    slot: str
    mapping: SlotMapping
    reason: str


ExtractionStep = SlotFilled | CustomExtraction | MappingSkipped


def extract(tracker: Tracker) -> list[ExtractionStep]:
    """Go through all slots in domain order and say what their mappings do with the latest message."""
    steps: list[ExtractionStep] = []
    called: set[str] = set()
    for name, slot in tracker.domain.slots.items():
        if name in BUILT_IN_SLOTS:
            continue
        for step in _extract_slot(slot, tracker):
            if isinstance(step, CustomExtraction):
                if step.action in called:
                    continue
                called.add(step.action)
            steps.append(step)
    return steps


def _extract_slot(slot: Slot, tracker: Tracker) -> Iterator[ExtractionStep]:
    for mapping in slot.mappings:
        reason = why_not(mapping, slot, tracker)
        if reason:
            yield MappingSkipped(slot.name, mapping, reason)
            continue
        values = _values(mapping, tracker)
        if values:
            value = values if slot.type is SlotType.LIST else values[-1]
            if value is not None or tracker.slots.get(slot.name) is not None:
                yield SlotFilled(slot.name, value, mapping)
                return
        if mapping.type is MappingType.CUSTOM and mapping.action:
            yield CustomExtraction(slot.name, mapping.action)
        else:
            is_custom = mapping.type is MappingType.CUSTOM
            reason = "only actions fill it" if is_custom else "the message holds no value for it"
            yield MappingSkipped(slot.name, mapping, reason)


def why_not(mapping: SlotMapping, slot: Slot, tracker: Tracker) -> str | None:
    """Return why a mapping does not apply to the latest message, None when it does."""
    for check in _CHECKS:
        reason = check(mapping, slot, tracker)
        if reason:
            return reason
    return None


def _unknown_name(mapping: SlotMapping, _slot: Slot, tracker: Tracker) -> str | None:
    domain = tracker.domain
    if mapping.type is MappingType.FROM_ENTITY and mapping.entity not in domain.entities:
        return f"the domain has no entity '{mapping.entity}'"
    if mapping.type is MappingType.FROM_INTENT:
        unknown = [name for name in mapping.intent or () if name not in domain.intents]
        if unknown:
            return f"the domain has no intent '{unknown[0]}'"
    return None


def _wrong_intent(mapping: SlotMapping, _slot: Slot, tracker: Tracker) -> str | None:
    intent = tracker.latest_message.intent_name if tracker.latest_message else None
    if mapping.intent:
        return None if intent in mapping.intent else f"the intent is '{intent}'"
    if intent in mapping.not_intent:
        return f"the mapping excludes the intent '{intent}'"
    if intent in _ignored_intents(mapping, tracker):
        return f"the form '{tracker.active_loop_name}' ignores the intent '{intent}'"
    return None


def _ignored_intents(mapping: SlotMapping, tracker: Tracker) -> tuple[str, ...]:
    """A form's ignored intents count for mappings without conditions and for those that name the form."""
    form = tracker.domain.forms.get(tracker.active_loop_name or "")
    loops = [condition.active_loop for condition in mapping.conditions]
    return form.ignored_intents if form and (not loops or tracker.active_loop_name in loops) else ()


def _wrong_condition(mapping: SlotMapping, slot: Slot, tracker: Tracker) -> str | None:
    if not mapping.conditions or mapping.type is MappingType.FROM_TRIGGER_INTENT:
        return None
    requested, loop = tracker.slots.get(REQUESTED_SLOT), tracker.active_loop
    if loop and loop.rejected and requested == slot.name:
        return f"the loop '{loop.name}' was rejected while it asked for this slot"
    name = tracker.active_loop_name
    for condition in mapping.conditions:
        if condition.active_loop is None:
            fits = name is None
        else:
            fits = condition.active_loop == name and condition.requested_slot in (None, requested)
        if fits:
            return None
    return f"no condition fits the active loop '{name}' and the requested slot '{requested}'"


def _outside_trigger(mapping: SlotMapping, _slot: Slot, tracker: Tracker) -> str | None:
    """`from_trigger_intent` works while its form starts, which runs the extraction with itself active."""
    if mapping.type is not MappingType.FROM_TRIGGER_INTENT:
        return None
    loops = [condition.active_loop for condition in mapping.conditions]
    if tracker.active_loop_name is None or (loops and tracker.active_loop_name not in loops):
        return "no form that it belongs to is active"
    return None


def _ambiguous_entity(mapping: SlotMapping, slot: Slot, tracker: Tracker) -> str | None:
    """In a form, an entity that could fill several required slots fills only the requested one."""
    form = tracker.domain.forms.get(tracker.active_loop_name or "")
    if mapping.type is not MappingType.FROM_ENTITY or form is None:
        return None
    if tracker.slots.get(REQUESTED_SLOT) == slot.name or slot.name not in form.required_slots:
        return None
    if _times_used(mapping, form.required_slots, tracker.domain) == 1:
        return None
    return f"the entity '{mapping.entity}' could fill another slot of '{tracker.active_loop_name}' as well"


def _times_used(mapping: SlotMapping, slots: tuple[str, ...], domain: Domain) -> int:
    """Count identical mappings, compared as they are written: one more condition makes another mapping."""
    mappings = (other for name in slots if name in domain.slots for other in domain.slots[name].mappings)
    written = mapping.source
    return sum((other.source == written) if written else (other == mapping) for other in mappings)


_CHECKS: tuple[Callable[[SlotMapping, Slot, Tracker], str | None], ...] = (
    _unknown_name,
    _wrong_intent,
    _wrong_condition,
    _ambiguous_entity,
    _outside_trigger,
)


def _values(mapping: SlotMapping, tracker: Tracker) -> list[JSON]:
    match mapping.type:
        case MappingType.FROM_ENTITY:
            return tracker.latest_entity_values(mapping.entity or "", role=mapping.role, group=mapping.group)
        case MappingType.FROM_TEXT:
            return [tracker.latest_message.text if tracker.latest_message else None]
        case MappingType.FROM_INTENT | MappingType.FROM_TRIGGER_INTENT:
            return [mapping.value]
        case MappingType.CUSTOM:
            return []
