"""A form: activates, validates the answer, asks for the next slot, ends (Rasa's `FormAction`)."""

from __future__ import annotations

from bot.dialogue import forms
from bot.dialogue.domain import REQUESTED_SLOT
from bot.dialogue.events import ActiveLoop, Event, SlotSet
from bot.dialogue.messages import JSON
from bot.dialogue.tracker import Tracker
from bot.runtime.custom_actions import ActionRejected
from bot.runtime.default_actions import Stage


async def run_form(stage: Stage, form: str, tracker: Tracker) -> list[Event]:
    """Run one step of a form.

    Raises:
        ActionRejected: The message was no answer to what was asked.
    """
    events: list[Event] = []
    if tracker.active_loop_name != form:
        events = await _activate(stage, form, tracker)
    if not forms.is_done(events):
        events = events + await _step(stage, form, tracker, events)
    if forms.is_done(events):
        events = [*events, ActiveLoop(name=None)]
    return events


async def _activate(stage: Stage, form: str, tracker: Tracker) -> list[Event]:
    """Slots are extracted once more, now with the form active, and prefilled ones are validated."""
    active = tracker.copy()
    active.apply(ActiveLoop(name=form))
    extracted = await stage.run("action_extract_slots", active)
    active.apply_all(extracted)
    slot_events: list[Event] = [event for event in extracted if isinstance(event, SlotSet)]
    if not stage.domain.has_action(f"validate_{form}"):
        return [ActiveLoop(name=form), *slot_events]
    prefilled = {
        name: active.slots[name]
        for name in forms.required_slots(form, stage.domain)
        if active.slots.get(name) is not None
    }
    validated = await _validate(stage, form, active, prefilled)
    mentioned = {event.name for event in validated if isinstance(event, SlotSet)}
    kept = [event for event in slot_events if isinstance(event, SlotSet) and event.name not in mentioned]
    return [ActiveLoop(name=form), *validated, *kept]


async def _step(stage: Stage, form: str, tracker: Tracker, so_far: list[Event]) -> list[Event]:
    """Validate unless the activation did, then ask for the next slot."""
    events: list[Event] = []
    if all(isinstance(event, ActiveLoop) for event in so_far):
        events = await _validate_answer(stage, form, tracker)
    if forms.rejected_by_hand(events):
        return events
    return events + await _ask_next(stage, form, tracker, so_far + events)


async def _validate_answer(stage: Stage, form: str, tracker: Tracker) -> list[Event]:
    if not forms.must_validate(tracker):
        # Coming back from an interruption: a dynamic form still has to name its next slot.
        return await _validate(stage, form, tracker, {})
    found = forms.candidates(form, tracker)
    events = await _validate(stage, form, tracker, found)
    if forms.is_rejected(form, tracker, found=found, validation=events):
        asked = forms.requested_slot(form, tracker)
        raise ActionRejected(form, f"the message holds nothing for slot '{asked}' of '{form}'")
    return events


async def _validate(stage: Stage, form: str, tracker: Tracker, found: dict[str, JSON]) -> list[Event]:
    name = f"validate_{form}"
    if not stage.domain.has_action(name):
        return []
    events = [SlotSet(name=slot, value=value) for slot, value in found.items()]
    return await stage.call(name, forms.validation_tracker(form, tracker, events))


async def _ask_next(stage: Stage, form: str, tracker: Tracker, so_far: list[Event]) -> list[Event]:
    if forms.is_done(so_far):
        return [SlotSet(name=REQUESTED_SLOT, value=None)]
    events: list[Event] = []
    seen = forms.validation_tracker(form, tracker, so_far)
    slot = forms.slot_named_by_validation(so_far)
    if not slot:
        slot = forms.next_slot(form, seen)
        events = [SlotSet(name=REQUESTED_SLOT, value=slot)]
    question = forms.question_for(form, slot, stage.domain) if slot else None
    return events + (await stage.run(question, seen) if question else [])
