"""A policy as a project may bring it, and classes that are none."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bot.dialogue.domain import Domain
from bot.dialogue.tracker import Tracker
from bot.policies.policy import Prediction, scores_for
from bot.policies.turns import RuleOnly
from bot.training_data.story_graph import TrainingTracker


class Polite:
    """Always says the same, as soon as it has seen a story."""

    name = "Polite"
    priority = 5

    def __init__(self, action: str) -> None:
        self.action = action
        self.stories = 0

    def train(self, trackers: Sequence[TrainingTracker], domain: Domain, rule_only: RuleOnly) -> None:  # noqa: ARG002
        """Count the stories."""
        self.stories = len(trackers)

    def predict(self, tracker: Tracker, domain: Domain) -> Prediction:  # noqa: ARG002
        """Say it."""
        score = 1.0 if self.stories else 0.0
        return Prediction(scores_for(self.action, score, domain), self.name, self.priority)

    def save(self, folder: Path) -> None:
        """Write the count."""
        (folder / "stories.txt").write_text(str(self.stories))

    def load(self, folder: Path) -> None:
        """Read it back."""
        self.stories = int((folder / "stories.txt").read_text())


class Words:
    """No policy at all."""


class Broken:
    """Cannot be made."""

    def __init__(self) -> None:
        raise TypeError("no rest today")
