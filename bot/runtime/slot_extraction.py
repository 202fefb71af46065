"""`action_extract_slots`: fills slots from the latest message, with the project's own actions where asked."""

from __future__ import annotations

import logging

from bot.dialogue.events import BotUttered, Event, SlotSet
from bot.dialogue.slot_mappings import CustomExtraction, SlotFilled, extract
from bot.dialogue.tracker import Tracker
from bot.runtime.custom_actions import ActionFailed, ActionRejected
from bot.runtime.default_actions import Stage

logger = logging.getLogger(__name__)

VALIDATE_SLOT_MAPPINGS = "action_validate_slot_mappings"


async def extract_slots(stage: Stage, tracker: Tracker) -> list[Event]:
    """Return the slot events of the latest message, validated where the domain lists the validation.

    Bot messages of custom mappings are lost, those of the validation are not (as in Rasa).
    """
    found: list[SlotSet] = []
    for step in extract(tracker):
        if isinstance(step, SlotFilled):
            found.append(SlotSet(name=step.slot, value=step.value))
        elif isinstance(step, CustomExtraction):
            events = await _slot_and_bot_events(stage, step.action, tracker)
            found.extend(event for event in events if isinstance(event, SlotSet))
    if VALIDATE_SLOT_MAPPINGS not in stage.domain.user_actions:
        return [*found]
    return await _validated(stage, tracker, found)


async def _validated(stage: Stage, tracker: Tracker, found: list[SlotSet]) -> list[Event]:
    """The validation's word counts; what it does not mention is kept."""
    candidate = tracker.after_restart()
    candidate.apply_all(found)
    events = await _slot_and_bot_events(stage, VALIDATE_SLOT_MAPPINGS, candidate)
    mentioned = {event.name for event in events if isinstance(event, SlotSet)}
    return [*events, *(event for event in found if event.name not in mentioned)]


async def _slot_and_bot_events(stage: Stage, action: str, tracker: Tracker) -> list[Event]:
    """A failing extraction fills nothing and stops nothing."""
    try:
        events = await stage.call(action, tracker)
    except (ActionFailed, ActionRejected) as error:
        logger.warning("slots that %r fills stay as they are: %s", action, error)
        return []
    return [event for event in events if isinstance(event, SlotSet | BotUttered)]
