"""Messages as components see them, and the training data made of such messages."""

from __future__ import annotations

import copy
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from bot.dialogue.messages import JSON
from bot.written_for_rasa.constants import (
    ACTION_NAME,
    ACTION_TEXT,
    ENTITIES,
    ENTITY_ATTRIBUTE_GROUP,
    ENTITY_ATTRIBUTE_ROLE,
    ENTITY_ATTRIBUTE_TYPE,
    FEATURE_TYPE_SENTENCE,
    INTENT,
    INTENT_RESPONSE_KEY,
    METADATA,
    METADATA_EXAMPLE,
    METADATA_INTENT,
    RESPONSE,
    TEXT,
    TEXT_TOKENS,
)
from bot.written_for_rasa.features import Features


class Message:
    """Properties by name (`text`, `intent`, `entities` …); `output_properties` are those that go out."""

    def __init__(
        self,
        data: dict[str, Any] | None = None,
        output_properties: set[str] | None = None,
        time: float | None = None,
        features: list[Features] | None = None,
        **kwargs: Any,
    ) -> None:
        self.data: dict[str, Any] = {**(data or {}), **kwargs}
        self.output_properties = {*(output_properties or ()), TEXT}
        self.time = time
        self.features = features or []

    @classmethod
    def build(
        cls,
        text: str,
        intent: str | None = None,
        entities: list[dict[str, Any]] | None = None,
        intent_metadata: JSON = None,
        example_metadata: JSON = None,
        **kwargs: Any,
    ) -> Message:
        """Make a training example; an intent such as `faq/opening_hours` is kept in both its parts."""
        data: dict[str, Any] = {TEXT: text}
        if intent:
            data[INTENT], key = cls.separate_intent_response_key(intent)
            if key:
                data[INTENT_RESPONSE_KEY] = intent
        if entities:
            data[ENTITIES] = entities
        told = {METADATA_INTENT: intent_metadata, METADATA_EXAMPLE: example_metadata}
        told = {name: value for name, value in told.items() if value is not None}
        return cls({**data, METADATA: told} if told else data, **kwargs)

    @staticmethod
    def separate_intent_response_key(original_intent: str) -> tuple[str, str | None]:
        """Return `faq` and `opening_hours` of `faq/opening_hours`."""
        intent, _, key = original_intent.partition("/")
        return intent, key or None

    def get(self, prop: str, default: Any = None) -> Any:
        """Return a property."""
        return self.data.get(prop, default)

    def set(self, prop: str, info: Any, add_to_output: bool = False) -> None:
        """Set a property, and let it go out if that is wanted."""
        self.data[prop] = info
        if add_to_output:
            self.output_properties.add(prop)

    def get_full_intent(self) -> str | None:
        """Return the intent as the training data have it."""
        full: str | None = self.get(INTENT_RESPONSE_KEY) or self.get(INTENT)
        return full

    def as_dict(self, only_output_properties: bool = False) -> dict[str, Any]:
        """Return the properties that have a value; of tokens their places."""
        kept = {
            name: value
            for name, value in self.data.items()
            if value is not None and (name in self.output_properties or not only_output_properties)
        }
        if only_output_properties and TEXT_TOKENS in kept:
            kept[TEXT_TOKENS] = [(token.start, token.end) for token in kept[TEXT_TOKENS]]
        return kept

    def as_dict_nlu(self) -> dict[str, Any]:
        """Return the properties as in the training data."""
        own = self.as_dict()
        if own.get(INTENT):
            own[INTENT] = self.get_full_intent()
        return {name: value for name, value in own.items() if name not in (RESPONSE, INTENT_RESPONSE_KEY)}

    def is_core_or_domain_message(self) -> bool:
        """Whether it comes from stories or the domain and not from NLU data."""
        has_label = bool(self.get(INTENT) or self.get(RESPONSE))
        return bool(self.get(ACTION_NAME) or self.get(ACTION_TEXT) or has_label is not bool(self.get(TEXT)))

    def is_e2e_message(self) -> bool:
        """Whether it is a text of an end-to-end story."""
        return bool(
            self.get(ACTION_TEXT) or (self.get(TEXT) and not (self.get(INTENT) or self.get(RESPONSE)))
        )

    def add_features(self, features: Features | None) -> None:
        """Keep features for the components after this one."""
        if features is not None:
            self.features.append(features)

    def add_diagnostic_data(self, origin: str, data: dict[str, Any]) -> None:
        """Keep what a component says of its work."""
        self.data.setdefault("diagnostic_data", {})[origin] = data

    def get_sparse_features(
        self, attribute: str, featurizers: Sequence[str] | None = None
    ) -> tuple[Features | None, Features | None]:
        """Return the features of tokens and of the sentence, those of several featurizers joined."""
        return self._joined(attribute, featurizers, is_sparse=True)

    def get_dense_features(
        self, attribute: str, featurizers: Sequence[str] | None = None
    ) -> tuple[Features | None, Features | None]:
        """Return the same of dense ones."""
        return self._joined(attribute, featurizers, is_sparse=False)

    def get_all_features(self, attribute: str, featurizers: Sequence[str] | None = None) -> list[Features]:
        """Return all of them."""
        both = (
            *self.get_sparse_features(attribute, featurizers),
            *self.get_dense_features(attribute, featurizers),
        )
        return [features for features in both if features is not None]

    def features_present(self, attribute: str, featurizers: Sequence[str] | None = None) -> bool:
        """Whether there are any."""
        return bool(self.get_all_features(attribute, featurizers))

    def _joined(
        self, attribute: str, featurizers: Sequence[str] | None, *, is_sparse: bool
    ) -> tuple[Features | None, Features | None]:
        found: dict[bool, Features] = {}
        for features in self.features:
            wanted = not featurizers or features.origin in featurizers
            if features.attribute != attribute or features.is_sparse() != is_sparse or not wanted:
                continue
            of_sentence = features.type == FEATURE_TYPE_SENTENCE
            if of_sentence in found:
                found[of_sentence].combine_with_features(features)
            else:
                found[of_sentence] = copy.deepcopy(features)
        return found.get(False), found.get(True)


class TrainingData:
    """The NLU data of a project: examples as messages, and what stands beside them."""

    def __init__(
        self,
        training_examples: list[Message] | None = None,
        entity_synonyms: dict[str, str] | None = None,
        regex_features: list[dict[str, str]] | None = None,
        lookup_tables: list[dict[str, Any]] | None = None,
        responses: dict[str, list[dict[str, Any]]] | None = None,
    ) -> None:
        self.training_examples = training_examples or []
        self.entity_synonyms = entity_synonyms or {}
        self.regex_features = sorted(regex_features or [], key=lambda row: (row["name"], row["pattern"]))
        self.lookup_tables = lookup_tables or []
        self.responses = responses or {}

    @property
    def nlu_examples(self) -> list[Message]:
        """The examples of NLU files; all, as no others are handed to components."""
        return [message for message in self.training_examples if not message.is_core_or_domain_message()]

    @property
    def intent_examples(self) -> list[Message]:
        """Those with an intent."""
        return [message for message in self.nlu_examples if message.get(INTENT)]

    @property
    def entity_examples(self) -> list[Message]:
        """Those with entities."""
        return [message for message in self.nlu_examples if message.get(ENTITIES)]

    @property
    def response_examples(self) -> list[Message]:
        """Those of retrieval intents."""
        return [message for message in self.nlu_examples if message.get(INTENT_RESPONSE_KEY)]

    @property
    def intents(self) -> set[str]:
        """Names of all intents."""
        return {message.get(INTENT) for message in self.training_examples} - {None}

    @property
    def retrieval_intents(self) -> set[str]:
        """Names of the intents that have response keys."""
        return {message.get(INTENT) for message in self.response_examples}

    @property
    def action_names(self) -> set[str]:
        """Names of actions among the examples."""
        return {message.get(ACTION_NAME) for message in self.training_examples} - {None}

    @property
    def entities(self) -> set[str]:
        """Names of all entities."""
        return self._of_entities(ENTITY_ATTRIBUTE_TYPE)

    @property
    def entity_roles(self) -> set[str]:
        """Names of all roles."""
        return self._of_entities(ENTITY_ATTRIBUTE_ROLE)

    @property
    def entity_groups(self) -> set[str]:
        """Names of all groups."""
        return self._of_entities(ENTITY_ATTRIBUTE_GROUP)

    @property
    def number_of_examples_per_intent(self) -> dict[str, int]:
        """How many examples each intent has."""
        return dict(Counter(message.get(INTENT) for message in self.nlu_examples))

    @property
    def number_of_examples_per_entity(self) -> dict[str, int]:
        """How often each entity was annotated, in Rasa's words: `entity 'city'`, `role 'from'`."""
        keys = (ENTITY_ATTRIBUTE_TYPE, ENTITY_ATTRIBUTE_ROLE, ENTITY_ATTRIBUTE_GROUP)
        marked = (
            f"{key} '{entity[key]}'" for entity in self.sorted_entities() for key in keys if entity.get(key)
        )
        return dict(Counter(marked))

    def entity_roles_groups_used(self) -> bool:
        """Whether any entity has a role or a group."""
        return bool(self.entity_roles or self.entity_groups)

    def sorted_entities(self) -> list[dict[str, Any]]:
        """Return all annotations by the entity's name."""
        annotated = (entity for message in self.entity_examples for entity in message.get(ENTITIES))
        return sorted(annotated, key=lambda entity: str(entity[ENTITY_ATTRIBUTE_TYPE]))

    def filter_training_examples(self, condition: Callable[[Message], bool]) -> TrainingData:
        """Return the same with some of the examples."""
        return self._with(filter(condition, self.training_examples))

    def merge(self, *others: TrainingData | None) -> TrainingData:
        """Return these data and others together."""
        parts = [self, *(other for other in others if other)]
        return TrainingData(
            [copy.deepcopy(message) for part in parts for message in part.training_examples],
            {surface: value for part in parts for surface, value in part.entity_synonyms.items()},
            [dict(row) for part in parts for row in part.regex_features],
            [copy.deepcopy(table) for part in parts for table in part.lookup_tables],
            {name: texts for part in parts for name, texts in part.responses.items()},
        )

    def train_test_split(
        self, train_frac: float = 0.8, random_seed: int | None = None
    ) -> tuple[TrainingData, TrainingData]:
        """Split the examples, each intent in proportion."""
        chance = random.Random(random_seed)  # noqa: S311 - no secret
        by_intent: dict[str | None, list[Message]] = {}
        for message in self.nlu_examples:
            by_intent.setdefault(message.get_full_intent(), []).append(message)
        kept: list[Message] = []
        held_out: list[Message] = []
        for messages in by_intent.values():
            shuffled = chance.sample(messages, len(messages))
            count = round(len(shuffled) * train_frac)
            kept += shuffled[:count]
            held_out += shuffled[count:]
        return self._with(kept), self._with(held_out)

    def _with(self, examples: Iterable[Message]) -> TrainingData:
        return TrainingData(
            list(examples), self.entity_synonyms, self.regex_features, self.lookup_tables, self.responses
        )

    def _of_entities(self, key: str) -> set[str]:
        return {entity[key] for entity in self.sorted_entities() if entity.get(key)}
