"""All policies of an assistant: asks each and lets the surest one win."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import inf

from bot.dialogue.domain import ACTION_LISTEN, Domain
from bot.dialogue.events import ActionExecuted, ActionExecutionRejected, DefinePrevUserUtteredFeaturization
from bot.dialogue.tracker import Tracker
from bot.policies.policy import Policy, Prediction, scores_for


class Ensemble:
    """Confidence decides, priority breaks ties, then the order in `config.yml` (as in Rasa 3.6)."""

    def __init__(self, policies: Sequence[Policy]) -> None:
        self.policies = tuple(policies)
        self._by_priority = sorted(enumerate(self.policies), key=lambda pair: -pair[1].priority)

    def predict(self, tracker: Tracker, domain: Domain) -> Prediction:
        """Return the winner, its `events` being all that have to be applied before its action runs.

        The policies are asked by priority. Below one that is certain, those that only score are spared: they
        could tie with it at most, and a network costs more than all the rest of a prediction.
        """
        rejected = domain.index_of(_rejected_action(tracker) or "")
        said: dict[int, Prediction] = {}
        certain: float = -inf
        for place, policy in self._by_priority:
            if policy.priority < certain and getattr(policy, "only_scores", False):
                continue
            said[place] = _without(policy.predict(tracker, domain), rejected)
            if said[place].confidence >= 1.0:
                certain = max(certain, policy.priority)
        return choose([said[place] for place in sorted(said)], tracker, domain)

    def predictions(self, tracker: Tracker, domain: Domain) -> list[Prediction]:
        """Ask every policy; an action that has just been rejected has no chance."""
        rejected = domain.index_of(_rejected_action(tracker) or "")
        return [_without(policy.predict(tracker, domain), rejected) for policy in self.policies]


def choose(predictions: Sequence[Prediction], tracker: Tracker, domain: Domain) -> Prediction:
    """Pick the winner and gather the events of all.

    Predictions that need nothing the customer said come first, then those that used the text. Without any
    prediction nothing is known but to listen.
    """
    candidates = [item for item in predictions if item.is_no_user]
    candidates = candidates or [item for item in predictions if item.is_end_to_end] or list(predictions)
    nothing = Prediction(scores_for(ACTION_LISTEN, 0.0, domain))
    best = max(candidates, key=lambda item: (item.confidence, item.priority), default=nothing)
    events = [event for item in predictions for event in item.events]
    events += best.optional_events
    if tracker.latest_action_name == ACTION_LISTEN:
        events.append(DefinePrevUserUtteredFeaturization(use_text_for_featurization=best.is_end_to_end))
    return replace(best, events=tuple(events), optional_events=())


def _without(prediction: Prediction, rejected: int | None) -> Prediction:
    if rejected is None:
        return prediction
    scores = tuple(0.0 if index == rejected else score for index, score in enumerate(prediction.scores))
    return replace(prediction, scores=scores)


def _rejected_action(tracker: Tracker) -> str | None:
    for event in reversed(tracker.events):
        if isinstance(event, ActionExecutionRejected):
            return event.name
        if isinstance(event, ActionExecuted):
            return None
    return None
