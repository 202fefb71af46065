"""The seam of this room: what every policy does, and what it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from bot.dialogue.domain import Domain
from bot.dialogue.events import Event
from bot.dialogue.tracker import Tracker
from bot.policies.turns import RuleOnly
from bot.training_data.story_graph import TrainingTracker
from bot.training_data.warm_start import WarmStart

RULE_PRIORITY = 4
MEMOIZATION_PRIORITY = 3
UNEXPECTED_INTENT_PRIORITY = 2
LEARNT_PRIORITY = 1


@dataclass(frozen=True, slots=True)
class Prediction:
    """A score in [0, 1] for each action, in the order of `domain.action_names`.

    `events` are applied whichever policy wins, `optional_events` only when this one does. A prediction that
    used nothing the customer said (`is_no_user`) beats all others; one that used the text (`is_end_to_end`)
    beats those that used the intent.
    """

    scores: tuple[float, ...]
    policy: str | None = None
    priority: int = LEARNT_PRIORITY
    events: tuple[Event, ...] = ()
    optional_events: tuple[Event, ...] = ()
    is_no_user: bool = False
    is_end_to_end: bool = False
    hide_rule_turn: bool = False

    @property
    def confidence(self) -> float:
        """The best score."""
        return max(self.scores, default=0.0)

    def action(self, domain: Domain) -> str:
        """Return the action with the best score; the first one in domain order where several have it."""
        return domain.action_names[self.scores.index(self.confidence)]


class Policy(Protocol):
    """Learns from training trackers what to do next. Training is over before the first prediction.

    A policy may have an attribute `only_scores`: while it is true its predictions bring no events and never
    claim to go first, so it is not asked where one of a higher priority is certain.
    """

    name: str
    priority: int

    def train(self, trackers: Sequence[TrainingTracker], domain: Domain, rule_only: RuleOnly) -> None:
        """Learn; `rule_only` is what the rules found in rules but in no story.

        Raises:
            InvalidProject: The training data contradict themselves.
        """
        ...

    def predict(self, tracker: Tracker, domain: Domain) -> Prediction:
        """Say what to do next."""
        ...

    def save(self, folder: Path) -> None:
        """Write what was learnt, as JSON, into an existing folder."""
        ...

    def load(self, folder: Path) -> None:
        """Read it back.

        Raises:
            ModelError: The folder is incomplete or broken.
        """
        ...


@runtime_checkable
class GoesOn(Protocol):
    """A policy that can be trained from the weights of an earlier one."""

    name: str

    def start_from(self, earlier: WarmStart) -> None:
        """Take up what an earlier policy of this name has saved; `train` is called next."""
        ...


def scores_for(action: str | None, score: float, domain: Domain) -> tuple[float, ...]:
    """Return the score for one action and zero for all others; all zero for no or an unknown action."""
    return with_score((0.0,) * len(domain.action_names), action, score, domain)


def with_score(
    scores: tuple[float, ...], action: str | None, score: float, domain: Domain
) -> tuple[float, ...]:
    """Return scores with that of one action changed; as they are for no or an unknown action."""
    chosen = domain.index_of(action) if action is not None else None
    return scores if chosen is None else (*scores[:chosen], score, *scores[chosen + 1 :])


def nlu_confidence(tracker: Tracker) -> float:
    """Return how sure the NLU was of the latest message; 1 before the customer has said anything."""
    return tracker.latest_message.parse_data.intent.confidence if tracker.latest_message else 1.0
