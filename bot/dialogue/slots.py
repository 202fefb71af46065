"""Slots: typed memory of a conversation, and what policies see of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bot.dialogue.messages import JSON


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


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot as the domain defines it; its value lives in the tracker.

    `values` are the categories of a categorical slot, as lower-case text. `min_value` and `max_value` bound
    a float slot. `custom_type` is the Python path of a type that is not one of Rasa's.
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
