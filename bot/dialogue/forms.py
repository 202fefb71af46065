"""What a form decides, without running anything: candidates, rejection, the next slot, the end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.dialogue.domain import ACTION_LISTEN, REQUESTED_SLOT, Domain
from bot.dialogue.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActiveLoop,
    Event,
    Restarted,
    SlotSet,
    UserUttered,
)
from bot.dialogue.messages import JSON
from bot.dialogue.tracker import Tracker


def required_slots(form: str, domain: Domain) -> tuple[str, ...]:
    """Return the slots a form asks for; a dynamic form may list none."""
    properties = domain.forms.get(form)
    return properties.required_slots if properties else ()


def requested_slot(form: str, tracker: Tracker) -> str | None:
    """Return the slot that was asked for; what another form asked for does not count."""
    if tracker.active_loop_name != form:
        return None
    name: str | None = tracker.slots.get(REQUESTED_SLOT)
    return name


def must_validate(tracker: Tracker) -> bool:
    """Tell whether there is an answer to look at: not when the form comes back from an interruption."""
    loop = tracker.active_loop
    return loop is None or (tracker.latest_action_name == ACTION_LISTEN and not loop.is_interrupted)


def candidates(form: str, tracker: Tracker) -> dict[str, JSON]:
    """Return the values that the latest message brought for the form's slots, the last value of each."""
    wanted = {*required_slots(form, tracker.domain), requested_slot(form, tracker)}
    return {
        event.name: event.value
        for event in _since_latest_message(tracker)
        if isinstance(event, SlotSet) and event.name in wanted
    }


def _since_latest_message(tracker: Tracker) -> list[Event]:
    """Reverted turns keep their events, so the latest message may stand before others."""
    latest = tracker.latest_message
    for index in range(len(tracker.events) - 1, -1, -1):
        event = tracker.events[index]
        if isinstance(event, Restarted):
            return tracker.events[index:]
        if isinstance(event, UserUttered) and latest is not None:
            same = (event.text, event.intent_name) == (latest.text, latest.intent_name)
            if same:
                return tracker.events[index:]
    return list(tracker.events)


def is_rejected(form: str, tracker: Tracker, *, found: dict[str, JSON], validation: Sequence[Event]) -> bool:
    """Tell whether the message was no answer, so that another policy may react to it.

    Something was asked, nothing was found, and the validation neither set a slot nor rejected by itself.
    """
    return bool(
        requested_slot(form, tracker)
        and not found
        and not any(isinstance(event, SlotSet) and event.name != REQUESTED_SLOT for event in validation)
        and not rejected_by_hand(validation)
    )


def rejected_by_hand(events: Iterable[Event]) -> bool:
    """Tell whether a validation action returned a rejection of its own."""
    return any(isinstance(event, ActionExecutionRejected) for event in events)


def validation_tracker(form: str, tracker: Tracker, events: Iterable[Event]) -> Tracker:
    """Return the tracker that a validation action or a question sees.

    The candidates must be the very last events: rasa-sdk finds them by walking back over slot events, and
    the form's own execution keeps it from walking further.
    """
    seen = tracker.after_restart()
    seen.apply(SlotSet(name=REQUESTED_SLOT, value=requested_slot(form, tracker)))
    seen.apply_all([ActionExecuted(name=form), *events])
    return seen


def next_slot(form: str, tracker: Tracker) -> str | None:
    """Return the first required slot without a value; false and empty text are values."""
    return next(
        (name for name in required_slots(form, tracker.domain) if tracker.slots.get(name) is None), None
    )


def slot_named_by_validation(events: Iterable[Event]) -> str | None:
    """Return the slot that a dynamic form's validation wants to ask for next."""
    named = (event.value for event in events if isinstance(event, SlotSet) and event.name == REQUESTED_SLOT)
    first: str | None = next(named, None)
    return first


def question_for(form: str, slot: str, domain: Domain) -> str | None:
    """Return the action that asks for a slot; the form's own comes first."""
    names = (
        f"action_ask_{form}_{slot}",
        f"utter_ask_{form}_{slot}",
        f"action_ask_{slot}",
        f"utter_ask_{slot}",
    )
    return next((name for name in names if domain.has_action(name)), None)


def is_done(events: Sequence[Event]) -> bool:
    """Tell whether the form ends: the last word on the requested slot, or on the loop, is "none".

    A rejection by the validation keeps it open.
    """
    if rejected_by_hand(events):
        return False
    asked = [event for event in events if isinstance(event, SlotSet) and event.name == REQUESTED_SLOT]
    loops = [event for event in events if isinstance(event, ActiveLoop)]
    return bool((asked and asked[-1].value is None) or (loops and loops[-1].name is None))
