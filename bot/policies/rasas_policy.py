"""Policies of a project's own that were written for Rasa: they inherit from its `Policy`."""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bot.dialogue.domain import Domain
from bot.dialogue.messages import JSON
from bot.dialogue.tracker import Tracker
from bot.errors import Finding, InvalidProject, ModelError
from bot.policies.dialogues import all_states
from bot.policies.policy import LEARNT_PRIORITY, Prediction
from bot.policies.state_files import read_json, write_json
from bot.policies.turns import RuleOnly
from bot.training_data.story_graph import TrainingTracker
from bot.written_for_rasa.core_constants import POLICY_PRIORITY, RULE_ONLY_LOOPS, RULE_ONLY_SLOTS
from bot.written_for_rasa.graph import ExecutionContext, ModelStorage, Registration, Resource
from bot.written_for_rasa.policies import Policy, PolicyPrediction, SupportedData
from bot.written_for_rasa.trackers import DialogueStateTracker, TrackerWithCachedStates
from bot.written_for_rasa.trackers import Domain as RasasDomain

logger = logging.getLogger(__name__)

_RESOURCE = Resource("learnt")
_RULE_ONLY = "rule_only.json"


class RasasPolicy:
    """Trains and asks such a policy. What it writes through `ModelStorage` lies in the policy's folder."""

    def __init__(self, made_of: Any, options: Mapping[str, JSON]) -> None:
        self.name: str = made_of.__name__
        self._made_of = made_of
        self._config: dict[str, JSON] = {**made_of.get_default_config(), **options}
        self.priority = int(self._config.get(POLICY_PRIORITY, LEARNT_PRIORITY))
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self._policy: Policy | None = None
        self._rule_only: dict[str, list[str]] = {}

    def train(self, trackers: Sequence[TrainingTracker], domain: Domain, rule_only: RuleOnly) -> None:
        """Let it learn from the trackers that it wants, and make it again as it will serve.

        Raises:
            InvalidProject: It failed.
        """
        self._note(rule_only)
        self._scratch = tempfile.TemporaryDirectory(prefix="frontdesk-")
        storage = ModelStorage(Path(self._scratch.name))
        # A rim: own code fails in every way there is.
        try:
            made = self._make(self._made_of.create, storage)
            if Registration.of(self._made_of).is_trainable:
                shown = [_training_tracker(tracker, domain) for tracker in trackers]
                wanted = SupportedData.trackers_for_supported_data(made.supported_data(), shown)
                made.train(wanted, RasasDomain(domain))
            self._policy = self._make(self._made_of.load, storage)
        except Exception as error:
            self._scratch.cleanup()
            logger.exception("policy %s failed while it was trained", self.name)
            problem = f"policy {self.name} failed while it was trained: {type(error).__name__}: {error}"
            raise InvalidProject([Finding("own-policy", problem)]) from error

    def predict(self, tracker: Tracker, domain: Domain) -> Prediction:
        """Ask it; one that fails has nothing to say, and the log says why."""
        silent = Prediction((0.0,) * len(domain.action_names), self.name, self.priority)
        if self._policy is None:
            return silent
        shown = DialogueStateTracker(tracker, _states)
        # A rim, as above.
        try:
            said = self._policy.predict_action_probabilities(
                shown, RasasDomain(domain), rule_only_data=self._rule_only
            )
            return self._as_prediction(said, domain) or silent
        except Exception:
            logger.exception("policy %s failed", self.name)
            return silent

    def save(self, folder: Path) -> None:
        """Copy what it wrote while it learnt."""
        if self._scratch:
            shutil.copytree(self._scratch.name, folder, dirs_exist_ok=True)
            write_json(folder / _RULE_ONLY, self._rule_only)
            self._policy = self._make(self._made_of.load, ModelStorage(folder))
            self._scratch.cleanup()
            self._scratch = None

    def load(self, folder: Path) -> None:
        """Make it again from what it wrote.

        Raises:
            ModelError: It cannot be made.
        """
        self._rule_only = read_json(folder / _RULE_ONLY)
        # A rim, as above.
        try:
            self._policy = self._make(self._made_of.load, ModelStorage(folder))
        except Exception as error:
            raise ModelError(f"{folder}: policy {self.name} cannot be loaded: {error!r}") from error

    def _make(self, maker: Any, storage: ModelStorage) -> Policy:
        made: Policy = maker(dict(self._config), storage, _RESOURCE, ExecutionContext(node_name=self.name))
        return made

    def _note(self, rule_only: RuleOnly) -> None:
        self._rule_only = {
            RULE_ONLY_SLOTS: sorted(rule_only.slots),
            RULE_ONLY_LOOPS: sorted(rule_only.loops),
        }

    def _as_prediction(self, said: PolicyPrediction, domain: Domain) -> Prediction | None:
        scores = tuple(float(score) for score in said.probabilities)
        if len(scores) != len(domain.action_names):
            count = len(domain.action_names)
            logger.error("policy %s gave %d scores for %d actions", self.name, len(scores), count)
            return None
        return Prediction(
            scores,
            self.name,
            self.priority,
            events=tuple(event.as_our_own() for event in said.events),
            optional_events=tuple(event.as_our_own() for event in said.optional_events),
            is_no_user=said.is_no_user_prediction,
            is_end_to_end=said.is_end_to_end_prediction,
            hide_rule_turn=said.hide_rule_turn,
        )


def _states(tracker: Tracker) -> list[dict[str, JSON]]:
    return [dict(state.as_json()) for state in all_states(tracker.applied_events(), tracker.domain)]


def _training_tracker(tracker: TrainingTracker, domain: Domain) -> TrackerWithCachedStates:
    shown = TrackerWithCachedStates(Tracker.from_events(tracker.name, tracker.events, domain), _states)
    shown.is_augmented, shown.is_rule_tracker = tracker.is_augmented, tracker.is_rule
    return shown
