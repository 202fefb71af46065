"""Slot types of a project's own: what they inherit from, and how policies see their values."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from bot.dialogue.domain import Domain
from bot.dialogue.messages import JSON
from bot.dialogue.slots import Slot as DomainSlot
from bot.dialogue.slots import SlotType
from bot.errors import Finding, Severity
from bot.written_for_rasa.imports import AbsentCode, NoOwnClass, own_class

logger = logging.getLogger(__name__)


class Slot:
    """A value with its features; a subclass says how many there are, and what they are."""

    type_name: str = "any"

    def __init__(
        self,
        name: str,
        mappings: list[dict[str, JSON]],
        initial_value: Any = None,
        value_reset_delay: int | None = None,
        influence_conversation: bool = True,
    ) -> None:
        self.name = name
        self.mappings = mappings
        self._value = initial_value
        self.initial_value = initial_value
        self._value_reset_delay = value_reset_delay
        self.influence_conversation = influence_conversation
        self._has_been_set = False

    def feature_dimensionality(self) -> int:
        """Return how many features there are."""
        return self._feature_dimensionality() if self.influence_conversation else 0

    def _feature_dimensionality(self) -> int:
        return 1

    def has_features(self) -> bool:
        """Whether policies see the slot."""
        return self.feature_dimensionality() != 0

    def as_feature(self) -> list[float]:
        """Return the features of the present value."""
        return self._as_feature() if self.influence_conversation else []

    def _as_feature(self) -> list[float]:
        raise NotImplementedError(f"{type(self).__name__} has no method '_as_feature'")

    def reset(self) -> None:
        """Go back to the initial value."""
        self.value = self.initial_value
        self._has_been_set = False

    @property
    def value(self) -> Any:
        """The present value."""
        return self._value

    @value.setter
    def value(self, value: Any) -> None:
        self._value = value
        self._has_been_set = True

    @property
    def has_been_set(self) -> bool:
        """Whether the value was set."""
        return self._has_been_set


class _Known(Slot):
    """A slot of one of the usual types."""

    kind: ClassVar[SlotType]

    def _as_domains(self) -> DomainSlot:
        return DomainSlot(self.name, self.kind)

    def _feature_dimensionality(self) -> int:
        return len(self._as_feature())

    def _as_feature(self) -> list[float]:
        return list(self._as_domains().features(self.value))


class TextSlot(_Known):
    """Whether there is a text."""

    type_name = kind = SlotType.TEXT


class BooleanSlot(_Known):
    """True, false or unset."""

    type_name = kind = SlotType.BOOL


class ListSlot(_Known):
    """Whether there are items; a single one is wrapped."""

    type_name = kind = SlotType.LIST

    @property
    def value(self) -> Any:
        """The present items."""
        return self._value

    @value.setter
    def value(self, value: Any) -> None:
        self._value = self._as_domains().coerce(value)
        self._has_been_set = True


class AnySlot(_Known):
    """A value that policies do not see."""

    type_name = kind = SlotType.ANY

    def __init__(
        self,
        name: str,
        mappings: list[dict[str, JSON]],
        initial_value: Any = None,
        value_reset_delay: int | None = None,
        influence_conversation: bool = False,
    ) -> None:
        super().__init__(name, mappings, initial_value, value_reset_delay, influence_conversation)


class FloatSlot(_Known):
    """A number between two others."""

    type_name = kind = SlotType.FLOAT

    def __init__(  # noqa: PLR0913 - Rasa's signature
        self,
        name: str,
        mappings: list[dict[str, JSON]],
        initial_value: float | None = None,
        value_reset_delay: int | None = None,
        max_value: float = 1.0,
        min_value: float = 0.0,
        influence_conversation: bool = True,
    ) -> None:
        super().__init__(name, mappings, initial_value, value_reset_delay, influence_conversation)
        self.max_value, self.min_value = max_value, min_value

    def _as_domains(self) -> DomainSlot:
        return DomainSlot(self.name, self.kind, min_value=self.min_value, max_value=self.max_value)


class CategoricalSlot(_Known):
    """One of some values."""

    type_name = kind = SlotType.CATEGORICAL

    def __init__(
        self,
        name: str,
        mappings: list[dict[str, JSON]],
        values: list[Any] | None = None,
        initial_value: Any = None,
        value_reset_delay: int | None = None,
        influence_conversation: bool = True,
    ) -> None:
        super().__init__(name, mappings, initial_value, value_reset_delay, influence_conversation)
        self.values = [str(value).lower() for value in values or ()]

    def add_default_value(self) -> None:
        """Rasa adds its `__other__` by hand; here it is always there."""

    def _as_domains(self) -> DomainSlot:
        return DomainSlot(self.name, self.kind, values=tuple(self.values))


@dataclass(frozen=True, slots=True)
class OwnSlot:
    """A slot type of the project's own, asked on a copy each time: turns run side by side."""

    made: Any
    size: int

    def coerce(self, value: JSON) -> JSON:
        """Return the value as the slot keeps it."""
        return self.with_value(value).value

    def features(self, value: JSON) -> tuple[float, ...]:
        """Return its features; all zero, and a line in the log, when the own code fails."""
        # A rim: own code fails in every way there is.
        try:
            features = tuple(float(number) for number in self.with_value(value).as_feature())
            if len(features) == self.size:
                return features
            logger.error("slot %r has %d features, not %d", self.made.name, len(features), self.size)
        except Exception:
            logger.exception("slot %r has no features for %r", self.made.name, value)
        return (0.0,) * self.size

    def with_value(self, value: JSON) -> Any:
        """Return a slot of one's own that holds a value."""
        slot = copy.copy(self.made)
        slot.value = value
        return slot


def with_own_slots(domain: Domain) -> Domain:
    """Return the domain with the types of its own slots; those whose code is not here have no features.

    Raises:
        NoOwnClass: One of them cannot be made.
    """
    own = {name: _make(slot, domain) for name, slot in domain.slots.items() if slot.custom_type}
    if not any(own.values()):
        return domain
    slots = {name: replace(slot, own=own.get(name)) for name, slot in domain.slots.items()}
    return replace(domain, slots=slots)


def check_own_slots(domain: Domain) -> Iterator[Finding]:
    """Yield what is wrong with them, and which will have no features."""
    for name, slot in domain.slots.items():
        place = domain.locations.get(f"slots/{name}")
        try:
            if slot.custom_type:
                own_class(slot.custom_type)
                _make(slot, domain)
        except AbsentCode as error:
            message = f"slot '{name}': {error}; policies will not see its value"
            yield Finding("own-slot", message, place, Severity.WARNING)
        except NoOwnClass as error:
            yield Finding("own-slot", f"slot '{name}': {error}", place)


def _make(slot: DomainSlot, domain: Domain) -> OwnSlot | None:
    path = str(slot.custom_type)
    written = dict((domain.source.get("slots") or {}).get(slot.name) or {})
    written.pop("type", None)
    written.setdefault("mappings", [])
    # A rim, as above.
    try:
        made = own_class(path)(slot.name, **written)
        size = int(made.feature_dimensionality()) if made.has_features() else 0
    except AbsentCode:
        return None
    except NoOwnClass:
        raise
    except Exception as error:
        raise NoOwnClass(f"'{path}' cannot be made: {type(error).__name__}: {error}") from error
    return OwnSlot(made, size)
