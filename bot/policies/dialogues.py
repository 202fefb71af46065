"""Training trackers as sequences of states with the action that follows each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.dialogue.applied_events import AppliedEvents
from bot.dialogue.domain import Domain
from bot.dialogue.events import (
    ActionExecuted,
    ActionReverted,
    Event,
    Restarted,
    SessionStarted,
    UserUtteranceReverted,
    UserUttered,
)
from bot.errors import Location
from bot.policies.states import State, without_user_text
from bot.policies.turns import History, state
from bot.training_data.story_graph import TrainingTracker

_REVERTING = (ActionReverted, UserUtteranceReverted, Restarted, SessionStarted)


@dataclass(frozen=True, slots=True)
class Dialogue:
    """A training tracker to learn from: `steps` holds (how many states precede, the action that follows)."""

    tracker: TrainingTracker
    states: tuple[State, ...]
    steps: tuple[tuple[int, str], ...]


def applied_events(tracker: TrainingTracker) -> list[Event]:
    """Return a training tracker's events with loops folded."""
    applied, log = AppliedEvents(), []
    for event in tracker.events:
        log.append(event)
        applied.append(event, log)
    return applied.events


def dialogue(tracker: TrainingTracker, domain: Domain) -> Dialogue:
    """Make the states and steps of a tracker; rules do not see initial values of slots.

    Rasa 3.6 takes the states of a story from its events as written and the actions from the folded ones, so
    a story that repeats a form on its happy path teaches states shifted against actions. We follow it: such
    a story must not predict more here than there.
    """
    events = applied_events(tracker)
    shown = events if tracker.is_rule else unfolded_events(tracker)
    states = all_states(shown, domain, omit_unset_slots=tracker.is_rule)
    steps = _steps(events, unpredictable_action(tracker))
    return Dialogue(tracker, tuple(without_user_text(made) for made in states), steps)


def unfolded_events(tracker: TrainingTracker) -> Sequence[Event]:
    """Return a tracker's events as written, unless some of them revert others."""
    reverts = any(isinstance(event, _REVERTING) for event in tracker.events)
    return applied_events(tracker) if reverts else tracker.events


def all_states(events: Sequence[Event], domain: Domain, *, omit_unset_slots: bool = False) -> list[State]:
    """Return the state before each action and the one after the last (Rasa's `past_states`)."""
    history = History(domain, omit_unset_slots=omit_unset_slots).follow(events)
    return [state(turn) for turn in history.turns()]


def unpredictable_action(tracker: TrainingTracker) -> Event | None:
    """Return the action that a story or rule begins with: nothing precedes it, so nobody can predict it.

    The `action_listen` before a customer's first turn is not written by anybody, and is predicted.
    """
    for event, place in zip(tracker.events, tracker.event_locations, strict=False):
        if isinstance(event, UserUttered):
            return None
        if isinstance(event, ActionExecuted):
            return event if place else None
    return None


def _steps(events: Sequence[Event], unpredictable: Event | None) -> tuple[tuple[int, str], ...]:
    actions = [event for event in events if isinstance(event, ActionExecuted)]
    return tuple(
        (count, action.name or action.action_text or "")
        for count, action in enumerate(actions, start=1)
        if action is not unpredictable
    )


def places_of_events(tracker: TrainingTracker) -> dict[int, Location]:
    """Return where each event is written, by its `id`; what was added stands where the one before does."""
    places: dict[int, Location] = {}
    latest = tracker.location
    for event, place in zip(tracker.events, tracker.event_locations, strict=False):
        latest = place or latest
        if latest:
            places[id(event)] = latest
    return places


def named(tracker: TrainingTracker, place: Location | None) -> str:
    """Name a story or rule with a place in it."""
    kind = "rule" if tracker.is_rule else "story"
    return f"{kind} '{tracker.name}'" + (f" ({place})" if place else "")
