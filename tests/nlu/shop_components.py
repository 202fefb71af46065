"""NLU components as a Rasa 3 project brings them: they import Rasa, and know nothing of this product."""

from __future__ import annotations

import json
import re
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.nlu.extractors.extractor import EntityExtractorMixin
from rasa.nlu.featurizers.dense_featurizer.dense_featurizer import DenseFeaturizer
from rasa.nlu.tokenizers.tokenizer import Token, Tokenizer
from rasa.shared.exceptions import InvalidConfigException
from rasa.shared.nlu.constants import ENTITIES, INTENT, TEXT, TEXT_TOKENS
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData


class _Made(GraphComponent):
    """Made of its options alone."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,  # noqa: ARG003
        resource: Resource,  # noqa: ARG003
        execution_context: ExecutionContext,  # noqa: ARG003
    ) -> GraphComponent:
        """Make it."""
        return cls(config)


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class Normalizer(_Made):
    """Spells words out, in training and in messages."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Return one abbreviation."""
        return {"words": {"pkg": "parcel"}}

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Spell the examples out."""
        self.process(training_data.training_examples)
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        """Spell messages out, and remember that it was done."""
        for message in messages:
            text = message.get(TEXT)
            for short, full in self.config["words"].items():
                text = re.sub(rf"\b{short}\b", full, text)
            message.set("was_short", text != message.get(TEXT))
            message.set(TEXT, text)
        return messages


@DefaultV1Recipe.register([DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR], is_trainable=False)
class OrderNumbers(_Made, EntityExtractorMixin):
    """Finds order numbers by a pattern."""

    @staticmethod
    def required_packages() -> list[str]:
        """Need what is there."""
        return ["re"]

    def process(self, messages: list[Message]) -> list[Message]:
        """Add what is found to what there is."""
        for message in messages:
            found = [
                {
                    "entity": self.config["entity"],
                    "value": match.group(),
                    "start": match.start(),
                    "end": match.end(),
                    "confidence_entity": 1.0,
                }
                for match in re.finditer(self.config["pattern"], message.get(TEXT))
            ]
            entities = message.get(ENTITIES, []) + self.add_extractor_name(found)
            message.set(ENTITIES, entities, add_to_output=True)
        return messages


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False)
class Overrule(_Made, IntentClassifier):
    """Gives a message its intent if it has a word, and notes what it was before."""

    def process(self, messages: list[Message]) -> list[Message]:
        """Change the intent."""
        for message in messages:
            before = (message.get(INTENT) or {}).get("name")
            message.set("before", before, add_to_output=True)
            if self.config["word"] in message.get(TEXT):
                intent = {"name": self.config["intent"], "confidence": self.config.get("confidence", 0.97)}
                message.set(INTENT, intent, add_to_output=True)
        return messages


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class Memory(GraphComponent, IntentClassifier):
    """Learns which words belong to which intent, and keeps it in the model."""

    def __init__(
        self, model_storage: ModelStorage, resource: Resource, learnt: dict[str, str] | None = None
    ) -> None:
        self._model_storage = model_storage
        self._resource = resource
        self.learnt = learnt or {}

    @classmethod
    def create(
        cls,
        config: dict[str, Any],  # noqa: ARG003
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,  # noqa: ARG003
    ) -> GraphComponent:
        """Make an empty one."""
        return cls(model_storage, resource)

    def train(self, training_data: TrainingData) -> Resource:
        """Learn the words of each intent from the tokens of its examples."""
        for message in training_data.intent_examples:
            for token in message.get(TEXT_TOKENS):
                self.learnt.setdefault(token.text, message.get(INTENT))
        with self._model_storage.write_to(self._resource) as folder:
            (folder / "words.json").write_text(json.dumps(self.learnt), encoding="utf-8")
        return self._resource

    @classmethod
    def load(
        cls,
        config: dict[str, Any],  # noqa: ARG003
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,  # noqa: ARG003
        **kwargs: Any,  # noqa: ARG003
    ) -> GraphComponent:
        """Read it back."""
        with model_storage.read_from(resource) as folder:
            return cls(model_storage, resource, json.loads((folder / "words.json").read_text("utf-8")))

    def process(self, messages: list[Message]) -> list[Message]:
        """Decide by the first word that is known."""
        for message in messages:
            names = [
                self.learnt[token.text] for token in message.get(TEXT_TOKENS) if token.text in self.learnt
            ]
            if names:
                message.set(INTENT, {"name": names[0], "confidence": 1.0}, add_to_output=True)
                message.set("intent_ranking", [{"name": names[0], "confidence": 1.0}], add_to_output=True)
        return messages


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_TOKENIZER, is_trainable=False)
class Letters(Tokenizer):
    """Every letter is a word."""

    def tokenize(self, message: Message, attribute: str) -> list[Token]:
        """Cut between all letters."""
        letters = [Token(sign, place) for place, sign in enumerate(message.get(attribute)) if sign.isalpha()]
        return self._apply_token_pattern(letters)


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=False)
class Lengths(DenseFeaturizer, _Made):
    """One feature: how long the text is."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__("Lengths", config)

    @classmethod
    def validate_config(cls, config: dict[str, Any]) -> None:
        """Refuse a negative unit."""
        if config.get("unit", 1) < 0:
            raise InvalidConfigException("unit is negative")

    def process(self, messages: list[Message]) -> list[Message]:
        """Add the feature."""
        import numpy as np  # noqa: PLC0415

        for message in messages:
            length = np.array([[len(message.get(TEXT))]])
            self.add_features_to_message(None, length, TEXT, message)
        return messages


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=False)
class Measured(_Made, EntityExtractorMixin):
    """Says how long the text is, by the feature of another component."""

    def process(self, messages: list[Message]) -> list[Message]:
        """Add an entity."""
        for message in messages:
            _, sentence = message.get_dense_features(TEXT, ["Lengths"])
            found = [{"entity": "length", "value": sentence.features[0, 0]}]
            message.set(ENTITIES, message.get(ENTITIES, []) + self.add_extractor_name(found))
        return messages


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, False, model_from="SpacyNLP")
class NeedsSpacy(_Made):
    """Wants a model that nobody loads."""

    def process(self, messages: list[Message], model: object) -> list[Message]:  # noqa: ARG002
        """Do nothing."""
        return messages


class NeedsDomain(_Made):
    """Wants something that is not handed over."""

    def process(self, messages: list[Message], domain: object) -> list[Message]:  # noqa: ARG002
        """Do nothing."""
        return messages


class OnlyGerman(_Made):
    """Works for one language."""

    @staticmethod
    def supported_languages() -> list[str]:
        """Name it."""
        return ["de"]

    def process(self, messages: list[Message]) -> list[Message]:
        """Do nothing."""
        return messages


class NeedsPackage(OnlyGerman):
    """Wants a package that nobody has."""

    @staticmethod
    def required_packages() -> list[str]:
        """Name it."""
        return ["no_such_package_at_all"]


class Breaks(_Made):
    """Fails when it is asked."""

    def process(self, messages: list[Message]) -> list[Message]:
        """Fail, or leave something that is no entity."""
        if self.config.get("quietly"):
            messages[0].set(ENTITIES, [{"value": 3}])
            return messages
        raise RuntimeError("out of paper")


class OfRasa2:
    """Has none of the methods."""

    def process(self, message: Message, **kwargs: Any) -> None:
        """Do nothing."""
