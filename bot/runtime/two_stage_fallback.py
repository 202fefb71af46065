"""`action_two_stage_fallback`: asks "did you mean", then for other words, then gives up."""

from __future__ import annotations

from bot.dialogue.domain import ACTION_LISTEN
from bot.dialogue.events import ActionExecuted, ActiveLoop, Event, UserUtteranceReverted, UserUttered
from bot.dialogue.messages import NLU_FALLBACK
from bot.dialogue.tracker import Tracker
from bot.runtime.default_actions import OUT_OF_SCOPE, Stage, as_certain

NAME = "action_two_stage_fallback"
_UNCLEAR = (NLU_FALLBACK, OUT_OF_SCOPE)


async def two_stage_fallback(stage: Stage, tracker: Tracker) -> list[Event]:
    """Run one step of the fallback loop.

    It ends when the customer made herself clear, after two unclear messages in a row, and when both
    suggestions were refused.
    """
    events: list[Event] = []
    if tracker.active_loop_name != NAME:
        events.append(ActiveLoop(name=NAME))
    if not _is_done(tracker):
        just_started = bool(events)
        unclear = _last_intents(tracker, 1) == [NLU_FALLBACK]
        ask = "affirmation" if just_started or unclear else "rephrase"
        events += await stage.run(f"action_default_ask_{ask}", tracker)
    if _is_done(tracker):
        events.append(ActiveLoop(name=None))
        events += await _end(stage, tracker)
    return events


async def _end(stage: Stage, tracker: Tracker) -> list[Event]:
    if _gave_up(tracker):
        return await stage.run("action_default_fallback", tracker)
    if tracker.latest_message is None:
        return []
    # The unclear turn is forgotten; the clear one counts as if it had been understood at once.
    return [
        UserUtteranceReverted(),
        ActionExecuted(name=ACTION_LISTEN),
        as_certain(tracker.latest_message),
    ]


def _is_done(tracker: Tracker) -> bool:
    latest = tracker.latest_message.intent_name if tracker.latest_message else None
    return latest not in _UNCLEAR or _gave_up(tracker)


def _gave_up(tracker: Tracker) -> bool:
    return _last_intents(tracker, 2) == [NLU_FALLBACK] * 2 or _last_intents(tracker, 3) == [
        OUT_OF_SCOPE,
        NLU_FALLBACK,
        OUT_OF_SCOPE,
    ]


def _last_intents(tracker: Tracker, count: int) -> list[str | None]:
    """Return the intents of the last messages, newest first; a reverted turn breaks the row."""
    marks = [
        event
        for event in reversed(tracker.events_after_restart())
        if isinstance(event, UserUttered | UserUtteranceReverted)
    ]
    return [event.intent_name for event in marks[:count] if isinstance(event, UserUttered)]
