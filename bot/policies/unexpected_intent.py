"""UnexpecTED: notices an intent that, by all stories, nobody would have at this point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from bot.dialogue.domain import Domain
from bot.dialogue.events import ActionExecuted, UserUttered
from bot.dialogue.tracker import Tracker
from bot.errors import ModelError
from bot.policies.learnt_options import DEFAULT_SEED, UnexpectedIntentOptions
from bot.policies.policy import Prediction, scores_for
from bot.policies.state_files import read_json, write_json
from bot.policies.ted import seen_states
from bot.policies.ted_examples import UNLIKELY_INTENT, Examples, before_listening, gather, intents, longest
from bot.policies.ted_features import FloatArray
from bot.policies.ted_model import Earlier, LearntModel, Network, save_model
from bot.policies.turns import RuleOnly
from bot.training_data.story_graph import TrainingTracker
from bot.training_data.warm_start import WarmStart

_THRESHOLDS = "thresholds.json"


class UnexpecTEDIntentPolicy:
    """Predicts `action_unlikely_intent`, once a turn at most (Rasa's UnexpecTEDIntentPolicy).

    Each intent has a threshold: no story's moment of it scores below. An intent that scores less than that,
    and is not the likeliest either, is unlikely. Intents that no story has are never judged.
    """

    name = "UnexpecTEDIntentPolicy"
    only_scores = True

    def __init__(self, options: UnexpectedIntentOptions | None = None) -> None:
        self.options = options or UnexpectedIntentOptions()
        self.priority = self.options.priority
        self._model: LearntModel | None = None
        self._thresholds: Mapping[str, float] = {}
        self._earlier: Earlier | None = None

    def start_from(self, earlier: WarmStart) -> None:
        """Go on from the weights that another one has saved."""
        self._earlier = Earlier.load(earlier, self.options.epochs)

    def train(self, trackers: Sequence[TrainingTracker], domain: Domain, rule_only: RuleOnly) -> None:
        """Learn from stories in which every turn has an intent and every action a name."""
        # torch takes seconds and 200 MB, and serving does without.
        from bot.policies.ted_training import Recipe, fit  # noqa: PLC0415

        stories = [tracker for tracker in trackers if not tracker.is_rule and not _is_end_to_end(tracker)]
        turns = self.options.max_history or longest(stories)
        moments = list(intents(stories, domain, rule_only, turns))
        self._model, self._thresholds = None, {}
        if moments:
            labels = sorted({moment.label for moment in moments})
            examples = gather(moments, labels, domain)
            seed = DEFAULT_SEED if self.options.random_seed is None else self.options.random_seed
            epochs = self._earlier.epochs if self._earlier else self.options.epochs
            network = fit(examples, Recipe(epochs, seed), exclusive=False, earlier=self._earlier)
            self._model = LearntModel(examples.space, examples.labels, network, rule_only)
            scores = _all_scores(network, examples)
            self._thresholds = thresholds(labels, scores, examples.targets > 0, self.options.tolerance)

    def predict(self, tracker: Tracker, domain: Domain) -> Prediction:
        """Return 1 for `action_unlikely_intent`, or nothing."""
        intent = _just_said(tracker)
        is_unlikely = intent is not None and self._is_judged(intent) and self._is_unlikely(tracker, intent)
        scores = scores_for(UNLIKELY_INTENT if is_unlikely else None, 1.0, domain)
        return Prediction(scores, self.name, self.priority)

    def save(self, folder: Path) -> None:
        """Write what was learnt."""
        save_model(self._model, folder)
        write_json(folder / _THRESHOLDS, dict(self._thresholds))

    def load(self, folder: Path) -> None:
        """Read it back."""
        self._model = LearntModel.load(folder)
        path = folder / _THRESHOLDS
        try:
            self._thresholds = {str(name): float(value) for name, value in read_json(path).items()}
        except (AttributeError, TypeError, ValueError) as error:
            raise ModelError(f"{path}: broken ({error!r}); train the model again") from error

    def _is_judged(self, intent: str) -> bool:
        return intent in self._thresholds and intent not in self.options.ignore_intents_list

    def _is_unlikely(self, tracker: Tracker, intent: str) -> bool:
        if self._model is None:
            return False
        states = before_listening(seen_states(self._model, tracker, spare=1))
        scores = self._model.scores(states)
        own = float(scores[self._model.labels.index(intent)])
        return own < self._thresholds[intent] and own < float(scores.max())


def thresholds(
    labels: Sequence[str], scores: FloatArray, is_own: np.ndarray, tolerance: float
) -> dict[str, float]:
    """Find the lowest score that each intent may have.

    Args:
        labels: The intents.
        scores: Of all moments for all intents, (N, L).
        is_own: Whether a story goes on with the intent there, (N, L).
        tolerance: Share of the other moments at which the intent may pass; in steps of 0.05, as in Rasa.
    """
    found = {}
    step = min(int(tolerance * 20), 19) / 20
    for place, label in enumerate(labels):
        own, other = scores[is_own[:, place], place], scores[~is_own[:, place], place]
        limit = np.quantile(other, 1 - step, method="lower") if len(other) else np.inf
        found[label] = float(min(own.min(), limit))
    return found


def _all_scores(network: Network, examples: Examples) -> FloatArray:
    return np.stack([network.scores(examples.rows[window[window >= 0]]) for window in examples.windows])


def _just_said(tracker: Tracker) -> str | None:
    """Return the intent of the last message; None once anything has been done about it."""
    for event in reversed(tracker.applied_events()):
        if isinstance(event, ActionExecuted):
            return None
        if isinstance(event, UserUttered):
            return event.intent_name
    return None


def _is_end_to_end(tracker: TrainingTracker) -> bool:
    return any(
        (isinstance(event, UserUttered) and event.intent_name is None)
        or (isinstance(event, ActionExecuted) and event.name is None)
        for event in tracker.events
    )
