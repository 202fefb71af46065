"""Policies: what they inherit from, and what they say."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Any

from bot.dialogue.messages import JSON
from bot.written_for_rasa.core_constants import DEFAULT_POLICY_PRIORITY, POLICY_MAX_HISTORY, POLICY_PRIORITY
from bot.written_for_rasa.events import Event
from bot.written_for_rasa.graph import ExecutionContext, GraphComponent, ModelStorage, Resource
from bot.written_for_rasa.trackers import DialogueStateTracker, Domain, TrackerWithCachedStates

logger = logging.getLogger(__name__)


class TrackerFeaturizer:
    """Rasa's networks read features; what they are made of is not here."""

    def __init__(self, *_: object, **__: object) -> None:
        raise NotImplementedError(f"{type(self).__name__} is not here; `_prediction_states` has the states")


class MaxHistoryTrackerFeaturizer(TrackerFeaturizer):
    """The same for the last turns."""


class FullDialogueTrackerFeaturizer(TrackerFeaturizer):
    """The same for whole conversations."""


class MessageContainerForCoreFeaturization:
    """What Rasa works out beforehand for its networks; nothing here."""


class SupportedData(Enum):
    """What a policy learns from."""

    ML_DATA = 1
    RULE_DATA = 2
    ML_AND_RULE_DATA = 3

    @staticmethod
    def trackers_for_supported_data(
        supported_data: SupportedData, trackers: Sequence[TrackerWithCachedStates]
    ) -> list[TrackerWithCachedStates]:
        """Return the stories, the rules, or both."""
        if supported_data is SupportedData.ML_AND_RULE_DATA:
            return list(trackers)
        wants_rules = supported_data is SupportedData.RULE_DATA
        return [tracker for tracker in trackers if tracker.is_rule_tracker is wants_rules]


class PolicyPrediction:
    """A score for each action, and what else happens when it is asked, or when it wins."""

    def __init__(  # noqa: PLR0913 - Rasa's signature
        self,
        probabilities: list[float],
        policy_name: str | None,
        policy_priority: int = 1,
        events: list[Event] | None = None,
        optional_events: list[Event] | None = None,
        is_end_to_end_prediction: bool = False,
        is_no_user_prediction: bool = False,
        diagnostic_data: dict[str, Any] | None = None,
        hide_rule_turn: bool = False,
        action_metadata: dict[str, Any] | None = None,
    ) -> None:
        self.probabilities = probabilities
        self.policy_name, self.policy_priority = policy_name, policy_priority
        self.events, self.optional_events = events or [], optional_events or []
        self.is_end_to_end_prediction = is_end_to_end_prediction
        self.is_no_user_prediction = is_no_user_prediction
        self.diagnostic_data = diagnostic_data or {}
        self.hide_rule_turn = hide_rule_turn
        self.action_metadata = action_metadata

    @staticmethod
    def for_action_name(
        domain: Domain,
        action_name: str,
        policy_name: str | None = None,
        confidence: float = 1.0,
        action_metadata: dict[str, Any] | None = None,
    ) -> PolicyPrediction:
        """Return a prediction of one action."""
        scores = confidence_scores_for(action_name, confidence, domain)
        return PolicyPrediction(scores, policy_name, action_metadata=action_metadata)

    @property
    def max_confidence(self) -> float:
        """The best score."""
        return max(self.probabilities, default=0.0)

    @property
    def max_confidence_index(self) -> int:
        """The place of the action with the best score."""
        return self.probabilities.index(self.max_confidence)


def confidence_scores_for(action_name: str, value: float, domain: Domain) -> list[float]:
    """Return a score for one action, and zero for all others."""
    scores = [0.0] * domain.num_actions
    scores[domain.index_for_action(action_name)] = value
    return scores


class Policy(GraphComponent):
    """Says what to do next; a subclass has `predict_action_probabilities`, and `train` if it learns."""

    def __init__(
        self,
        config: dict[str, JSON],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        featurizer: Any = None,
    ) -> None:
        self.config = config
        self.featurizer = featurizer
        self.priority = config.get(POLICY_PRIORITY, DEFAULT_POLICY_PRIORITY)
        self.finetune_mode = execution_context.is_finetuning
        self._execution_context = execution_context
        self._model_storage = model_storage
        self._resource = resource

    @staticmethod
    def supported_data() -> SupportedData:
        """Say what it learns from."""
        return SupportedData.ML_DATA

    @classmethod
    def create(
        cls,
        config: dict[str, JSON],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,  # noqa: ARG003 (Rasa's signature)
    ) -> Policy:
        """Make a policy that has learnt nothing."""
        return cls(config, model_storage, resource, execution_context)

    @classmethod
    def load(
        cls,
        config: dict[str, JSON],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,  # noqa: ARG003 (Rasa's signature)
    ) -> Policy:
        """Make a policy again, with what `persist` wrote as options."""
        try:
            with model_storage.read_from(resource) as path:
                config = {**config, **json.loads((path / cls._metadata_filename()).read_text("utf-8"))}
        except (ValueError, FileNotFoundError, NotImplementedError):
            logger.debug("policy %s has kept nothing", cls.__name__)
        return cls(config, model_storage, resource, execution_context)

    def train(
        self,
        training_trackers: list[TrackerWithCachedStates],  # noqa: ARG002 (Rasa's signature)
        domain: Domain,  # noqa: ARG002
        **kwargs: Any,  # noqa: ARG002
    ) -> Resource:
        """Learn nothing; a subclass may."""
        return self._resource

    def predict_action_probabilities(
        self,
        tracker: DialogueStateTracker,
        domain: Domain,
        rule_only_data: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> PolicyPrediction:
        """Say what to do next."""
        raise NotImplementedError(f"{type(self).__name__} has no method 'predict_action_probabilities'")

    def persist(self) -> None:
        """Write what `_metadata` says."""
        with self._model_storage.write_to(self._resource) as path:
            file = Path(path) / self._metadata_filename()
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(self._metadata(), ensure_ascii=False), "utf-8")

    def _metadata(self) -> dict[str, Any]:
        raise NotImplementedError(f"{type(self).__name__} has no method '_metadata'")

    @classmethod
    def _metadata_filename(cls) -> str:
        raise NotImplementedError(f"{cls.__name__} has no method '_metadata_filename'")

    def _prediction(
        self,
        probabilities: list[float],
        events: list[Event] | None = None,
        optional_events: list[Event] | None = None,
        **more: Any,
    ) -> PolicyPrediction:
        name = type(self).__name__
        return PolicyPrediction(probabilities, name, self.priority, events, optional_events, **more)

    def _default_predictions(self, domain: Domain) -> list[float]:
        return [0.0] * domain.num_actions

    def _prediction_states(
        self, tracker: DialogueStateTracker, domain: Domain, **kwargs: Any
    ) -> list[dict[str, JSON]]:
        states = tracker.past_states(domain, **kwargs)
        length = self.config.get(POLICY_MAX_HISTORY)
        return states[-length:] if length else states
