"""TED: learns from the stories what to do next, also where a conversation goes as no story does.

Serves with ONNX Runtime; torch is imported only while it trains.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from bot.dialogue.domain import ACTION_LISTEN, RULE_SNIPPET, Domain
from bot.dialogue.events import EntitiesAdded, Event
from bot.dialogue.messages import Entity
from bot.dialogue.tracker import Tracker
from bot.policies.learnt_options import DEFAULT_SEED, TEDOptions
from bot.policies.policy import Prediction, nlu_confidence
from bot.policies.states import State
from bot.policies.ted_entities import TextEntities, learn
from bot.policies.ted_examples import UNLIKELY_INTENT, actions, gather, longest
from bot.policies.ted_features import FloatArray
from bot.policies.ted_model import Earlier, LearntModel, save_model
from bot.policies.turns import RuleOnly, history_of, states_to_predict
from bot.training_data.story_graph import TrainingTracker
from bot.training_data.warm_start import WarmStart


class TEDPolicy:
    """A transformer over the last turns (Rasa's TEDPolicy, Vlasov et al. 2019, Dialogue Transformers)."""

    name = "TEDPolicy"

    def __init__(self, options: TEDOptions | None = None) -> None:
        self.options = options or TEDOptions()
        self.priority = self.options.priority
        self._model: LearntModel | None = None
        self._entities: TextEntities | None = None
        self._earlier: Earlier | None = None

    @property
    def only_scores(self) -> bool:
        """Whether no story is told by texts: only these let it go first, and find entities."""
        return self._model is None or not self._model.space.texts

    def start_from(self, earlier: WarmStart) -> None:
        """Go on from the weights that another one has saved."""
        self._earlier = Earlier.load(earlier, self.options.epochs)

    def train(self, trackers: Sequence[TrainingTracker], domain: Domain, rule_only: RuleOnly) -> None:
        """Learn from stories, glued ones included; rules are not looked at."""
        # torch takes seconds and 200 MB, and serving does without.
        from bot.policies.ted_training import Recipe, fit  # noqa: PLC0415

        turns = self.options.max_history or longest(trackers)
        moments = list(actions(trackers, domain, rule_only, turns))
        self._model = None
        self._entities = learn(trackers) if self.options.entity_recognition else None
        if moments:
            known = dict.fromkeys([*domain.action_names, *(moment.label for moment in moments)])
            labels = [name for name in known if name not in (RULE_SNIPPET, UNLIKELY_INTENT)]
            examples = gather(moments, labels, domain)
            seed = DEFAULT_SEED if self.options.random_seed is None else self.options.random_seed
            epochs = self._earlier.epochs if self._earlier else self.options.epochs
            network = fit(examples, Recipe(epochs, seed), exclusive=True, earlier=self._earlier)
            self._model = LearntModel(examples.space, examples.labels, network, rule_only)

    def predict(self, tracker: Tracker, domain: Domain) -> Prediction:
        """Return a calibrated softmax over all actions that the stories know."""
        if self._model is None:
            return self._prediction({}, domain)
        chances, by_text = self._read(self._model, tracker)
        said = self._kept(dict(zip(self._model.labels, chances.tolist(), strict=True)))
        prediction = self._prediction(said, domain, by_text=by_text)
        return replace(prediction, optional_events=self._found(tracker)) if by_text else prediction

    def save(self, folder: Path) -> None:
        """Write what was learnt."""
        save_model(self._model, folder)
        if self._entities:
            self._entities.save(folder)

    def load(self, folder: Path) -> None:
        """Read it back."""
        self._model = LearntModel.load(folder)
        self._entities = TextEntities.load(folder)

    def _found(self, tracker: Tracker) -> tuple[Event, ...]:
        """Return the entities of a text that has just come in and decides, but for those already known."""
        message = tracker.latest_message
        if not self._entities or message is None or tracker.latest_action_name != ACTION_LISTEN:
            return ()
        known = {_place(entity) for entity in message.entities}
        found = self._entities.find(message.text or "", self.name)
        new = tuple(entity for entity in found if _place(entity) not in known)
        return (EntitiesAdded(entities=new),) if new else ()

    def _read(self, model: LearntModel, tracker: Tracker) -> tuple[FloatArray, bool]:
        """Read the last message by its intent or by its text; return the chances and which it was.

        The text counts where it is nearer to a wording of the stories than the NLU was sure of the intent.
        (Rasa compares similarities, which say nothing about texts that no story is like.)
        """
        if not model.space.texts:
            return _chances(model, tracker, as_text=False), False
        if not any(name.startswith("intent ") for name in model.space.columns):
            return _chances(model, tracker, as_text=True), True
        text = tracker.latest_message.text if tracker.latest_message else None
        if text and tracker.latest_action_name == ACTION_LISTEN:
            chances = _chances(model, tracker, as_text=True)
            is_sure = float(chances.max()) > self.options.e2e_confidence_threshold
            if is_sure and model.space.closeness(text) >= nlu_confidence(tracker):
                return chances, True
        return _chances(model, tracker, as_text=False), False

    def _kept(self, chances: dict[str, float]) -> dict[str, float]:
        length = self.options.ranking_length
        if not 0 < length < len(chances):
            return chances
        best = dict(sorted(chances.items(), key=lambda pair: -pair[1])[:length])
        total = sum(best.values()) if self.options.renormalize_confidences else 1.0
        return {label: chance / total for label, chance in best.items()}

    def _prediction(self, chances: dict[str, float], domain: Domain, *, by_text: bool = False) -> Prediction:
        scores = tuple(chances.get(name, 0.0) for name in domain.action_names)
        return Prediction(scores, self.name, self.priority, is_end_to_end=by_text)


def seen_states(
    model: LearntModel, tracker: Tracker, *, as_text: bool = False, spare: int = 0
) -> tuple[State, ...]:
    """Return the states of a live conversation that a model looks at, and `spare` ones before."""
    latest_first = reversed(history_of(tracker).story_turns())
    known = (turn for turn in latest_first if turn.action is None or turn.action.name != UNLIKELY_INTENT)
    seen = [*islice(known, model.network.turns + spare)]
    return states_to_predict(seen[::-1], model.rule_only, as_text=as_text)


def _place(entity: Entity) -> tuple[object, ...]:
    return entity.entity, entity.start, entity.end, entity.role, entity.group


def _chances(model: LearntModel, tracker: Tracker, *, as_text: bool) -> FloatArray:
    scores = model.scores(seen_states(model, tracker, as_text=as_text))
    grown = np.exp(scores - scores.max())
    chances: FloatArray = grown / grown.sum()
    return chances
