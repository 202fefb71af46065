"""The classes that tokenizers, featurizers, classifiers and extractors inherit from."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from bot.dialogue.messages import JSON
from bot.written_for_rasa.constants import (
    EXTRACTOR,
    FEATURE_TYPE_SENTENCE,
    FEATURE_TYPE_SEQUENCE,
    FEATURIZER_CLASS_ALIAS,
    MAX_POOLING,
    MEAN_POOLING,
    MESSAGE_ATTRIBUTES,
    RESPONSE,
    TEXT,
    TOKENS_NAMES,
)
from bot.written_for_rasa.errors import InvalidConfigException
from bot.written_for_rasa.features import Features
from bot.written_for_rasa.graph import ExecutionContext, GraphComponent, ModelStorage, Resource
from bot.written_for_rasa.messages import Message, TrainingData

Matrix = TypeVar("Matrix")
_WORDED = (TEXT, RESPONSE, "action_text")


class Token:
    """A word of a text, from `start` up to `end` (characters)."""

    def __init__(
        self,
        text: str,
        start: int,
        end: int | None = None,
        data: dict[str, Any] | None = None,
        lemma: str | None = None,
    ) -> None:
        self.text = text
        self.start = start
        self.end = end or start + len(text)
        self.data = data or {}
        self.lemma = lemma or text

    def get(self, prop: str, default: Any = None) -> Any:
        """Return a property."""
        return self.data.get(prop, default)

    def set(self, prop: str, info: Any) -> None:
        """Set a property."""
        self.data[prop] = info

    def __repr__(self) -> str:
        return f"Token({self.text!r}, {self.start}, {self.end})"


class Tokenizer(GraphComponent, ABC):
    """Cuts texts into words; a subclass says how in `tokenize`."""

    def __init__(self, config: dict[str, JSON]) -> None:
        self._config = config
        self.intent_tokenization_flag = bool(config.get("intent_tokenization_flag", False))
        self.intent_split_symbol = str(config.get("intent_split_symbol") or "_")
        self.prefix_separator_symbol = config.get("prefix_separator_symbol")
        pattern = config.get("token_pattern")
        self.token_pattern_regex = re.compile(pattern) if pattern else None

    @classmethod
    def create(
        cls,
        config: dict[str, JSON],
        model_storage: ModelStorage,  # noqa: ARG003 (Rasa's signature)
        resource: Resource,  # noqa: ARG003
        execution_context: ExecutionContext,  # noqa: ARG003
    ) -> GraphComponent:
        """Make one from its options."""
        return cls(config)

    @abstractmethod
    def tokenize(self, message: Message, attribute: str) -> list[Token]:
        """Cut one text of a message."""
        ...

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Cut the texts of all examples."""
        self.process(training_data.training_examples)
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        """Cut all texts of messages; names are cut at the split symbol, if at all."""
        for message in messages:
            for attribute in MESSAGE_ATTRIBUTES:
                text = message.get(attribute)
                if isinstance(text, str) and text:
                    cut = self.tokenize if attribute in _WORDED else self._split_name
                    message.set(TOKENS_NAMES[attribute], cut(message, attribute))
        return messages

    def _split_name(self, message: Message, attribute: str) -> list[Token]:
        name = str(message.get(attribute))
        parts = re.split(r"[/]", name)
        if self.intent_tokenization_flag:
            parts = [word for part in parts for word in part.split(self.intent_split_symbol)]
        return self._convert_words_to_tokens(parts, name)

    def _apply_token_pattern(self, tokens: list[Token]) -> list[Token]:
        """Cut tokens further by the option `token_pattern`."""
        if self.token_pattern_regex is None:
            return tokens
        found: list[Token] = []
        for token in tokens:
            parts = [match for match in self.token_pattern_regex.finditer(token.text) if match.group()]
            found += [
                Token(part.group(), token.start + part.start(), data=token.data, lemma=token.lemma)
                for part in parts
            ] or [token]
        return found

    @staticmethod
    def _convert_words_to_tokens(words: list[str], text: str) -> list[Token]:
        """Find each word in the text, from left to right."""
        tokens, place = [], 0
        for word in words:
            place = text.index(word, place)
            tokens.append(Token(word, place))
            place += len(word)
        return tokens


class Featurizer(Generic[Matrix], ABC):
    """Makes matrices of texts for the project's own components; ours make their own."""

    def __init__(self, name: str, config: dict[str, JSON]) -> None:
        self.validate_config(config)
        self._config = config
        self._identifier = config.get(FEATURIZER_CLASS_ALIAS) or name

    @staticmethod
    def get_default_config() -> dict[str, JSON]:
        """Return the options' defaults."""
        return {FEATURIZER_CLASS_ALIAS: None}

    @classmethod
    def validate_config(cls, config: dict[str, JSON]) -> None:
        """Look at the options; a subclass says how."""

    def add_features_to_message(
        self, sequence: Matrix | None, sentence: Matrix | None, attribute: str, message: Message
    ) -> None:
        """Keep the matrix of the tokens and that of the sentence."""
        for matrix, kind in ((sequence, FEATURE_TYPE_SEQUENCE), (sentence, FEATURE_TYPE_SENTENCE)):
            if matrix is not None:
                message.add_features(Features(matrix, kind, attribute, self._identifier))


class DenseFeaturizer(Featurizer[npt.NDArray[Any]], ABC):
    """Makes dense matrices."""

    @staticmethod
    def aggregate_sequence_features(
        dense_sequence_features: npt.NDArray[Any], pooling_operation: str, only_non_zero_vectors: bool = True
    ) -> npt.NDArray[Any]:
        """Pool rows (tokens, width) to (1, width), by `mean` or `max`, rows of zeros left out.

        Raises:
            ValueError: There is no row.
            InvalidConfigException: Another way of pooling is asked for.
        """
        rows = dense_sequence_features
        if rows.ndim != 2 or min(rows.shape) == 0:
            raise ValueError(f"found a matrix of shape {rows.shape}, expected rows of tokens")
        if only_non_zero_vectors and rows.any():
            rows = rows[rows.any(axis=1)]
        pools = {MEAN_POOLING: np.mean, MAX_POOLING: np.max}
        if pooling_operation not in pools:
            raise InvalidConfigException(f"pooling is '{pooling_operation}', expected one of {[*pools]}")
        pooled: npt.NDArray[Any] = pools[pooling_operation](rows, axis=0, keepdims=True)  # type: ignore[operator]
        return pooled


class SparseFeaturizer(Featurizer[Any], ABC):
    """Makes sparse matrices."""


class IntentClassifier:
    """A mark on classes that find intents."""


class EntityExtractorMixin:
    """What classes that find entities share."""

    @property
    def name(self) -> str:
        """The extractor's name in results."""
        return type(self).__name__

    def add_extractor_name(self, entities: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Write the name into entities."""
        for entity in entities:
            entity[EXTRACTOR] = self.name
        return entities

    def add_processor_name(self, entity: dict[str, Any]) -> dict[str, Any]:
        """Write the name among those that changed an entity."""
        entity["processors"] = [*entity.get("processors", ()), self.name]
        return entity

    @staticmethod
    def filter_irrelevant_entities(
        extracted: list[dict[str, Any]], requested_dimensions: set[str]
    ) -> list[dict[str, Any]]:
        """Return the entities of some kinds, all where no kind is named."""
        return [row for row in extracted if not requested_dimensions or row["entity"] in requested_dimensions]

    def filter_trainable_entities(self, entity_examples: list[Message]) -> list[Message]:
        """Return copies of examples without the entities that belong to another extractor."""
        return [
            Message(
                {
                    **message.data,
                    "entities": [
                        row
                        for row in message.get("entities") or ()
                        if row.get(EXTRACTOR) in (None, self.name)
                    ],
                },
                message.output_properties,
                message.time,
                message.features,
            )
            for message in entity_examples
        ]
