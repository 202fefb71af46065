"""Training trackers as examples: the states a policy would see in a live conversation, and what follows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import log

import numpy as np

from bot.dialogue.applied_events import AppliedEvents
from bot.dialogue.domain import Domain
from bot.dialogue.events import ActionExecuted, Event, UserUttered
from bot.policies.dialogues import unpredictable_action
from bot.policies.states import State, without_user_text
from bot.policies.ted_features import FeatureSpace, FloatArray, IntArray
from bot.policies.turns import History, RuleOnly, state
from bot.training_data.story_graph import TrainingTracker

UNLIKELY_INTENT = "action_unlikely_intent"

_MOST_TURNS = 30
_AUGMENTED_COUNTS = 0.5


@dataclass(frozen=True, slots=True)
class Moment:
    """A point of a training tracker: `states` up to there, the label that follows."""

    states: tuple[State, ...]
    label: str
    is_augmented: bool


@dataclass(frozen=True, slots=True)
class Examples:
    """What a network learns from; equal states are one row.

    Axes: U distinct states, F columns, N examples, T turns, L labels. `windows` (N, T) are numbers of rows,
    the latest last, -1 where a conversation has not begun. `targets` (N, L) says how much each label counts.
    """

    space: FeatureSpace
    labels: tuple[str, ...]
    rows: FloatArray
    windows: IntArray
    targets: FloatArray


def actions(
    trackers: Sequence[TrainingTracker], domain: Domain, rule_only: RuleOnly, turns: int | None
) -> Iterator[Moment]:
    """Find every action that can be predicted, with the last `turns` states before it.

    States are those of a conversation that has come so far and no further. Rasa 3.6 takes them from the
    whole story, where repeated runs of a form are folded away: states and actions shift against each other.
    """
    for tracker in trackers:
        first = unpredictable_action(tracker)
        for event, replay in _replayed(tracker, domain):
            if isinstance(event, ActionExecuted) and event is not first and event.name != UNLIKELY_INTENT:
                label = event.name or event.action_text or ""
                yield Moment(replay(rule_only, turns), label, tracker.is_augmented)


def intents(
    trackers: Sequence[TrainingTracker], domain: Domain, rule_only: RuleOnly, turns: int | None
) -> Iterator[Moment]:
    """Find every intent, with the last `turns` states before the customer speaks."""
    for tracker in trackers:
        for event, replay in _replayed(tracker, domain):
            intent = event.intent_name if isinstance(event, UserUttered) else None
            if intent is not None and intent in domain.intents:
                seen = replay(rule_only, None if turns is None else turns + 1)
                yield Moment(before_listening(seen), intent, tracker.is_augmented)


def before_listening(states: tuple[State, ...]) -> tuple[State, ...]:
    """Leave out the state that the customer's turn belongs to: it is what is asked for."""
    return states[:-1] if states and states[-1].is_after_listen else states


_Replay = Callable[[RuleOnly, int | None], tuple[State, ...]]


def _replayed(tracker: TrainingTracker, domain: Domain) -> Iterator[tuple[Event, _Replay]]:
    """Yield each event of a story with a way to ask for the states just before it."""
    if tracker.is_rule:
        return
    history, applied, log = History(domain), AppliedEvents(), list[Event]()
    has_remarks = any(isinstance(e, ActionExecuted) and e.name == UNLIKELY_INTENT for e in tracker.events)

    def replay(rule_only: RuleOnly, turns: int | None) -> tuple[State, ...]:
        found = history.follow(applied.events).turns(None if has_remarks else turns)
        known = [turn for turn in found if turn.action is None or turn.action.name != UNLIKELY_INTENT]
        kept = known if turns is None else known[-turns:]
        return tuple(without_user_text(state(turn, rule_only)) for turn in kept)

    for event in tracker.events:
        yield event, replay
        log.append(event)
        applied.append(event, log)


def longest(trackers: Sequence[TrainingTracker]) -> int:
    """Return how many turns the longest story has that was not glued, within bounds."""
    counts = (
        sum(isinstance(event, ActionExecuted) for event in tracker.events)
        for tracker in trackers
        if not tracker.is_rule and not tracker.is_augmented
    )
    return min(max(counts, default=1) + 1, _MOST_TURNS)


def gather(moments: Sequence[Moment], labels: Sequence[str], domain: Domain) -> Examples:
    """Join moments with the same states; what stories say counts more than what gluing them brought about."""
    numbers: dict[State, int] = {}
    seen: dict[tuple[tuple[int, ...], str], Counter[bool]] = {}
    for moment in moments:
        window = tuple(numbers.setdefault(state, len(numbers)) for state in moment.states)
        counts = seen.setdefault((window, moment.label), Counter())
        counts[moment.is_augmented] += 1
    targets: dict[tuple[int, ...], dict[str, float]] = {}
    for (window, label), counts in seen.items():
        targets.setdefault(window, {})[label] = _weight(counts[False])
    space = FeatureSpace.fit(numbers, domain)
    return Examples(
        space,
        tuple(labels),
        space.rows(list(numbers)),
        _windows(list(targets)),
        _targets(list(targets.values()), labels),
    )


def _weight(in_stories: int) -> float:
    """Weigh how often stories say so; what only gluing them brought about counts less than any story."""
    return 1.0 + log(in_stories) if in_stories else _AUGMENTED_COUNTS


def _windows(windows: Sequence[tuple[int, ...]]) -> IntArray:
    turns = max(map(len, windows), default=1)
    table = np.full((len(windows), turns), -1, np.int64)
    for row, window in zip(table, windows, strict=True):
        row[turns - len(window) :] = window
    return table


def _targets(found: Sequence[dict[str, float]], labels: Sequence[str]) -> FloatArray:
    place = {label: column for column, label in enumerate(labels)}
    table = np.zeros((len(found), len(labels)), np.float32)
    for row, counts in zip(table, found, strict=True):
        for label, count in counts.items():
            row[place[label]] = count
    return table


def balance(targets: FloatArray) -> FloatArray:
    """Return a weight for each label (L,): rare ones count somewhat more.

    By the fourth root of how rare they are: with the square root, an unknown situation draws a rare action.
    """
    counts = (targets > 0).sum(axis=0)
    seen = np.maximum(counts, 1)
    weights: FloatArray = np.where(counts, (seen.mean() / seen) ** 0.25, 0.0).astype(np.float32)
    return weights
