"""Policies as a Rasa 3 project brings them: they import Rasa, and know nothing of this product."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rasa.core.constants import POLICY_PRIORITY
from rasa.core.featurizers.tracker_featurizers import MaxHistoryTrackerFeaturizer, TrackerFeaturizer
from rasa.core.policies.policy import Policy, PolicyPrediction, SupportedData, confidence_scores_for
from rasa.engine.graph import ExecutionContext
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.core.constants import ACTION_LISTEN_NAME, PREVIOUS_ACTION, USER
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, SlotSet, UserUttered
from rasa.shared.core.generator import TrackerWithCachedStates
from rasa.shared.core.trackers import DialogueStateTracker


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.POLICY_WITHOUT_END_TO_END_SUPPORT, is_trainable=True)
class Manners(Policy):
    """Says what the last story says after an intent, and counts."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Come before rules."""
        return {POLICY_PRIORITY: 5, "polite": True}

    def __init__(
        self,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        featurizer: TrackerFeaturizer | None = None,
    ) -> None:
        """Take up what was kept."""
        super().__init__(config, model_storage, resource, execution_context, featurizer)
        self.lookup: dict[str, str] = config.get("lookup") or {}

    def train(self, training_trackers: list[TrackerWithCachedStates], domain: Domain, **_: Any) -> Resource:
        """Keep the first action after each intent."""
        assert not any(tracker.is_rule_tracker for tracker in training_trackers)
        for tracker in training_trackers:
            intent = None
            for event in tracker.applied_events() if not tracker.is_augmented else ():
                if isinstance(event, UserUttered):
                    intent = event.intent.get("name")
                elif isinstance(event, ActionExecuted) and event.action_name != ACTION_LISTEN_NAME and intent:
                    self.lookup[intent] = event.action_name
                    intent = None
            assert len(tracker.past_states(domain)) > 1
        self.persist()
        return self._resource

    def predict_action_probabilities(
        self,
        tracker: DialogueStateTracker,
        domain: Domain,
        rule_only_data: dict[str, Any] | None = None,  # noqa: ARG002
        **_: Any,
    ) -> PolicyPrediction:
        """Look it up."""
        result = self._default_predictions(domain)
        said = tracker.latest_message
        if tracker.latest_action_name != ACTION_LISTEN_NAME or not said.text:
            return self._prediction(result)
        if said.text == "break":
            raise RuntimeError("no manners")
        if said.text == "few":
            return self._prediction([1.0])
        state = self._prediction_states(tracker, domain)[-1]
        assert state[USER]["intent"] == said.intent_name == said.intent["name"]
        assert state[PREVIOUS_ACTION] == {"action_name": ACTION_LISTEN_NAME}
        action = self.lookup.get(said.intent_name)
        if action in domain.action_names_or_texts:
            result = confidence_scores_for(action, 1.0, domain)
        count = (tracker.get_slot("count") or 0) + 1
        return self._prediction(result, optional_events=[SlotSet("count", count)])

    def _metadata(self) -> dict[str, Any]:
        return {"lookup": self.lookup}

    @classmethod
    def _metadata_filename(cls) -> str:
        return "manners.json"


class Rules(Policy):
    """Learns from rules alone, and reads its own file."""

    names: list[str] = []  # noqa: RUF012

    @staticmethod
    def supported_data() -> SupportedData:
        """Want no stories."""
        return SupportedData.RULE_DATA

    def train(self, training_trackers: list[Any], domain: Domain, **_: Any) -> Resource:  # noqa: ARG002
        """Keep the names."""
        with self._model_storage.write_to(self._resource) as folder:
            names = [tracker.sender_id for tracker in training_trackers]
            Path(folder, "names.json").write_text(json.dumps(names))
        return self._resource

    @classmethod
    def load(cls, config: Any, model_storage: Any, resource: Any, execution_context: Any, **_: Any) -> Policy:
        """Read them back."""
        made = cls(config, model_storage, resource, execution_context)
        with model_storage.read_from(resource) as folder:
            made.names = json.loads(Path(folder, "names.json").read_text())
        return made

    def predict_action_probabilities(
        self, tracker: Any, domain: Any, rule_only_data: Any = None, **_: Any
    ) -> PolicyPrediction:
        """Say them by an action."""
        assert set(rule_only_data) == {"rule_only_slots", "rule_only_loops"}
        assert tracker.active_loop_name is None
        action = "utter_bye" if self.names == ["hello"] else ACTION_LISTEN_NAME
        return PolicyPrediction.for_action_name(domain, action, "Rules")


class NeedsFeatures(Policy):
    """Learns from what is not here."""

    def train(self, training_trackers: list[Any], domain: Domain, **_: Any) -> Resource:  # noqa: ARG002
        """Try."""
        MaxHistoryTrackerFeaturizer(max_history=5)
        return self._resource


class NeedsMore(Policy):
    """Asks the domain for what is not here."""

    def train(self, training_trackers: list[Any], domain: Domain, **_: Any) -> Resource:  # noqa: ARG002
        """Try."""
        domain.slot_states.append(1)
        return self._resource
