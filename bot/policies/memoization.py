"""Memoization: what followed the same last turns in the stories follows again."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from bot.dialogue.domain import ACTION_LISTEN, Domain
from bot.dialogue.events import ActionExecuted, Event
from bot.dialogue.tracker import Tracker
from bot.policies.dialogues import dialogue
from bot.policies.policy import MEMOIZATION_PRIORITY, Prediction, nlu_confidence, scores_for
from bot.policies.state_files import load_table, save_table
from bot.policies.states import State
from bot.policies.turns import History, RuleOnly, Turn, history_of, states_to_predict
from bot.training_data.story_graph import TrainingTracker

_UNLIKELY_INTENT = "action_unlikely_intent"


@dataclass(frozen=True, slots=True)
class MemoizationOptions:
    """`max_history` counts states, None means all since the session began."""

    max_history: int | None = None
    priority: int = MEMOIZATION_PRIORITY
    use_nlu_confidence_as_score: bool = False


class MemoizationPolicy:
    """Recalls an action by the exact last `max_history` states (Rasa's MemoizationPolicy).

    Continuations that contradict each other are forgotten. Rules and augmented stories are not learnt.
    """

    name = "MemoizationPolicy"

    def __init__(self, options: MemoizationOptions | None = None) -> None:
        self.options = options or MemoizationOptions()
        self.priority = self.options.priority
        self._remember({}, RuleOnly())

    def train(self, trackers: Sequence[TrainingTracker], domain: Domain, rule_only: RuleOnly) -> None:
        """Learn the stories by heart."""
        followers: dict[tuple[State, ...], set[str]] = {}
        for tracker in trackers:
            if tracker.is_rule or tracker.is_augmented:
                continue
            learnt = dialogue(tracker, domain)
            for count, action in learnt.steps:
                followers.setdefault(learnt.states[self._first_kept(count) : count], set()).add(action)
        table = {states: actions.pop() for states, actions in followers.items() if len(actions) == 1}
        self._remember(table, rule_only)

    def predict(self, tracker: Tracker, domain: Domain) -> Prediction:
        """Recall the action that followed."""
        action = self._recall(history_of(tracker))
        score = nlu_confidence(tracker) if self.options.use_nlu_confidence_as_score else 1.0
        return Prediction(scores_for(action, score, domain), self.name, self.priority)

    def save(self, folder: Path) -> None:
        """Write the table."""
        save_table(folder / "memorized_turns.json", self._table, self._rule_only)

    def load(self, folder: Path) -> None:
        """Read the table back."""
        self._remember(*load_table(folder / "memorized_turns.json"))

    def _recall(self, history: History) -> str | None:
        states = self._states(history)
        return None if states is None else self._table.get(states)

    def _states(self, history: History) -> tuple[State, ...] | None:
        """Return the key of a conversation; None when it is longer than all that was learnt."""
        turns = _visible_turns(history, (self.options.max_history or self._longest) + 1)
        if self.options.max_history is None and len(turns) > self._longest:
            return None
        return states_to_predict(turns[self._first_kept(len(turns)) :], self._rule_only)

    def _first_kept(self, count: int) -> int:
        """Return where the last `max_history` of that many states begin."""
        return max(0, count - self.options.max_history) if self.options.max_history else 0

    def _remember(self, table: dict[tuple[State, ...], str], rule_only: RuleOnly) -> None:
        self._table, self._rule_only = table, rule_only
        self._longest = max(map(len, table), default=0)


class AugmentedMemoizationPolicy(MemoizationPolicy):
    """Forgets the oldest turns one by one, with the slots they set, until it recalls what is left.

    So a story is recognised in the middle of a conversation (Rasa's AugmentedMemoizationPolicy).
    """

    name = "AugmentedMemoizationPolicy"

    def _recall(self, history: History) -> str | None:
        action = super()._recall(history)
        if action is not None:
            return action
        for events in self._ever_shorter(history):
            action = super()._recall(History(history.domain).follow(events))
            if action is not None:
                return action
        return None

    def _ever_shorter(self, history: History) -> Iterator[list[Event]]:
        limit = self.options.max_history
        oldest = self._relevant_listen(history, limit) if limit else self._oldest_start(history)
        for position in history.actions[bisect_left(history.actions, oldest) :]:
            yield history.events[position:]

    def _relevant_listen(self, history: History, limit: int) -> int:
        """Return where the last listen stands that has at least `limit` actions after it."""
        for position in reversed(history.actions[:-limit]):
            event = history.events[position]
            if isinstance(event, ActionExecuted) and event.name == ACTION_LISTEN:
                return position
        return 0

    def _oldest_start(self, history: History) -> int:
        """Return the first position from which no more turns are visible than the longest learnt key has."""
        visible = _visible_turns(history, self._longest + 1)
        return visible[0].position + 1 if len(visible) > self._longest else 0


def _visible_turns(history: History, count: int) -> list[Turn]:
    """Return the last turns that stories know of: an unlikely intent was only a remark in between."""
    turns = reversed(history.story_turns())
    known = (turn for turn in turns if turn.action is None or turn.action.name != _UNLIKELY_INTENT)
    return list(islice(known, count))[::-1]
