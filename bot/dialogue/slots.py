"""Slots: typed memory of a conversation, and what policies see of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from bot.dialogue.messages import JSON

OTHER_CATEGORY = "__other__"


class MappingType(StrEnum):
    """Where a slot's value comes from."""

    FROM_ENTITY = "from_entity"
    FROM_TEXT = "from_text"
    FROM_INTENT = "from_intent"
    FROM_TRIGGER_INTENT = "from_trigger_intent"
    CUSTOM = "custom"


@dataclass(frozen=True, slots=True)
class MappingCondition:
    """A mapping applies only in this loop (None: only outside any), and for this requested slot if given.

    `has_active_loop` tells `active_loop: null` from an absent key.
    """

    active_loop: str | None = None
    requested_slot: str | None = None
    has_active_loop: bool = True


@dataclass(frozen=True, slots=True)
class SlotMapping:
    """One way to fill a slot. `source` is the mapping as written: Rasa's unique-entity rule compares it."""

    type: MappingType
    entity: str | None = None
    role: str | None = None
    group: str | None = None
    value: JSON = None
    action: str | None = None
    intent: tuple[str, ...] | None = None
    not_intent: tuple[str, ...] = ()
    conditions: tuple[MappingCondition, ...] = ()
    source: Mapping[str, JSON] = field(default_factory=dict)


class SlotType(StrEnum):
    """Rasa's slot types."""

    TEXT = "text"
    BOOL = "bool"
    FLOAT = "float"
    CATEGORICAL = "categorical"
    LIST = "list"
    ANY = "any"


class OwnSlotType(Protocol):
    """A slot type of the project's own, with `size` features."""

    @property
    def size(self) -> int:
        """How many features it has; 0 when policies do not see it."""
        ...

    def coerce(self, value: JSON) -> JSON:
        """Return the value as the slot keeps it."""
        ...

    def features(self, value: JSON) -> tuple[float, ...]:
        """Return what policies see of a value."""
        ...


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot as the domain defines it; its value lives in the tracker.

    `values` are the categories of a categorical slot, as lower-case text. `min_value` and `max_value` bound
    a float slot. `custom_type` is the Python path of a type that is not one of Rasa's, `own` that type once
    it was imported.
    """

    name: str
    type: SlotType
    mappings: tuple[SlotMapping, ...] = ()
    initial_value: JSON = None
    influence_conversation: bool = True
    values: tuple[str, ...] = ()
    min_value: float = 0.0
    max_value: float = 1.0
    custom_type: str | None = None
    own: OwnSlotType | None = field(default=None, compare=False, repr=False)

    @property
    def is_featurized(self) -> bool:
        """Whether policies see this slot at all."""
        if self.own:
            return self.own.size > 0
        return self.influence_conversation and self.type is not SlotType.ANY

    def coerce(self, value: JSON) -> JSON:
        """Return the value as the slot stores it: a list slot wraps a single item."""
        if self.own:
            return self.own.coerce(value)
        if self.type is SlotType.LIST and value and not isinstance(value, list):
            return [value]
        return value

    def features(self, value: JSON) -> tuple[float, ...]:
        """Return what policies see of a value: never the text itself, all zero when it is unset.

        One number for text and list, two for bool and float (is it set, value), one per category and one
        for any other category for categorical; empty for a slot that has no features.
        """
        if not self.is_featurized:
            return ()
        if self.own:
            return self.own.features(value)
        match self.type:
            case SlotType.TEXT:
                return (float(value is not None),)
            case SlotType.LIST:
                return (float(_has_items(value)),)
            case SlotType.BOOL:
                flag = _as_bool(value)
                return (0.0, 0.0) if flag is None else (1.0, float(flag))
            case SlotType.FLOAT:
                return self._float_features(value)
            case _:
                return self._category_features(value)

    def _float_features(self, value: JSON) -> tuple[float, ...]:
        try:
            clipped = max(self.min_value, min(self.max_value, float(value)))
        except (TypeError, ValueError, OverflowError):
            return (0.0, 0.0)
        return (1.0, (clipped - self.min_value) / ((self.max_value - self.min_value) or 1.0))

    def _category_features(self, value: JSON) -> tuple[float, ...]:
        categories = (*(name for name in self.values if name != OTHER_CATEGORY), OTHER_CATEGORY)
        if value is None:
            return (0.0,) * len(categories)
        found = str(value).lower()
        chosen = found if found in categories else OTHER_CATEGORY
        return tuple(float(name == chosen) for name in categories)


def _has_items(value: JSON) -> bool:
    try:
        return value is not None and len(value) > 0
    except TypeError:
        return False


def _as_bool(value: JSON) -> bool | None:
    """Read true and false as people write them; None when it is neither."""
    if isinstance(value, bool | int | float):
        return bool(value == 1)
    if not isinstance(value, str):
        return None
    if value.isdecimal():  # unlike 四 and ½, which are numeric as well, float reads these
        return float(value) == 1.0
    return {"true": True, "false": False}.get(value.strip().lower())
