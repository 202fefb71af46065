"""Components: what they inherit from, how they are registered, and where they keep what they have learnt."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar

from bot.dialogue.messages import JSON

Class = TypeVar("Class", bound=type)


@dataclass(frozen=True, slots=True)
class ExecutionContext:
    """What a component is told about where it runs."""

    graph_schema: object = None
    model_id: str | None = None
    should_add_diagnostic_data: bool = False
    is_finetuning: bool = False
    node_name: str | None = None


@dataclass(frozen=True, slots=True)
class Resource:
    """The name under which a component's files lie in the model."""

    name: str
    output_fingerprint: str = field(default_factory=lambda: uuid.uuid4().hex, compare=False)


class ModelStorage:
    """The folder of a model that holds what own components have learnt, one folder below it for each."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @contextmanager
    def write_to(self, resource: Resource) -> Iterator[Path]:
        """Give the folder of a resource, to write into."""
        folder = self._root / resource.name
        folder.mkdir(parents=True, exist_ok=True)
        yield folder

    def has(self, resource: Resource) -> bool:
        """Whether anything was written for a resource."""
        return (self._root / resource.name).is_dir()

    @contextmanager
    def read_from(self, resource: Resource) -> Iterator[Path]:
        """Give the folder of a resource, to read from.

        Raises:
            ValueError: Nothing was written for it.
        """
        folder = self._root / resource.name
        if not folder.is_dir():
            raise ValueError(f"nothing was stored for '{resource.name}'")
        yield folder


class GraphComponent:
    """A part of the pipeline; only `create` has to be there."""

    @classmethod
    def create(
        cls,
        config: dict[str, JSON],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> GraphComponent:
        """Make a new component; a subclass says how."""
        raise NotImplementedError(f"{cls.__name__} has no method 'create'")

    @classmethod
    def load(
        cls,
        config: dict[str, JSON],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,  # noqa: ARG003 (Rasa's signature)
    ) -> GraphComponent:
        """Make a component again from what it stored; without an own `load` it is made anew."""
        return cls.create(config, model_storage, resource, execution_context)

    @classmethod
    def required_components(cls) -> list[type]:
        """Name what has to come before in the pipeline."""
        return []

    @staticmethod
    def get_default_config() -> dict[str, JSON]:
        """Return the options' defaults."""
        return {}

    @staticmethod
    def supported_languages() -> list[str] | None:
        """Return the only languages it works for, None for all."""
        return None

    @staticmethod
    def not_supported_languages() -> list[str] | None:
        """Return the languages it does not work for."""
        return None

    @staticmethod
    def required_packages() -> list[str]:
        """Return the Python packages it needs."""
        return []

    @classmethod
    def fingerprint_addon(cls, config: Mapping[str, JSON]) -> str | None:  # noqa: ARG003 (Rasa's signature)
        """Return what else, besides options and training data, changes what is learnt."""
        return None


class DefaultV1Recipe:
    """Rasa's decorator that says what kind of component a class is."""

    class ComponentType(Enum):
        """The kinds there are."""

        MESSAGE_TOKENIZER = 0
        MESSAGE_FEATURIZER = 1
        INTENT_CLASSIFIER = 2
        ENTITY_EXTRACTOR = 3
        POLICY_WITHOUT_END_TO_END_SUPPORT = 4
        POLICY_WITH_END_TO_END_SUPPORT = 5
        MODEL_LOADER = 6

    @classmethod
    def register(
        cls, component_types: object, is_trainable: bool, model_from: str | None = None
    ) -> Callable[[Class], Class]:
        """Note on a class what it is; the pipeline still names it by its path."""
        listed = component_types if isinstance(component_types, Iterable) else [component_types]
        kinds = frozenset(kind for kind in listed if isinstance(kind, cls.ComponentType))

        def noted(made: Class) -> Class:
            setattr(made, _NOTE, Registration(kinds, is_trainable, model_from))
            return made

        return noted


_NOTE = "_frontdesk_registration"
_Kind = DefaultV1Recipe.ComponentType
_PREPARING = frozenset((_Kind.MESSAGE_TOKENIZER, _Kind.MESSAGE_FEATURIZER))


@dataclass(frozen=True, slots=True)
class Registration:
    """What a class said of itself; without a decorator its methods tell."""

    kinds: frozenset[_Kind]
    is_trainable: bool
    model_from: str | None = None

    @classmethod
    def of(cls, made: type) -> Registration:
        """Return what a class was registered as."""
        # An inherited note speaks of the class above.
        noted = vars(made).get(_NOTE)
        if isinstance(noted, cls):
            return noted
        return cls(frozenset(), is_trainable=hasattr(made, "train"))

    @property
    def prepares_training_data(self) -> bool:
        """Whether the examples pass through it before the parts after it learn from them."""
        return not self.kinds or bool(self.kinds & _PREPARING)
