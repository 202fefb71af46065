"""What policies see of a slot's value."""

from __future__ import annotations

import pytest

from bot.dialogue.domain import Domain, IntentProperties
from bot.dialogue.messages import JSON, Entity
from bot.dialogue.slots import Slot, SlotType

TEXT = Slot("te", SlotType.TEXT)
BOOL = Slot("bo", SlotType.BOOL)
FLOAT = Slot("fl", SlotType.FLOAT, min_value=0, max_value=10)
CATEGORY = Slot("ca", SlotType.CATEGORICAL, values=("a", "b"))
LIST = Slot("li", SlotType.LIST)


@pytest.mark.parametrize(
    ("slot", "value", "features"),
    [
        (TEXT, "", (1.0,)),
        (TEXT, None, (0.0,)),
        (BOOL, False, (1.0, 0.0)),
        (BOOL, True, (1.0, 1.0)),
        (BOOL, "TRUE", (1.0, 1.0)),
        (BOOL, "1", (1.0, 1.0)),
        (BOOL, 2, (1.0, 0.0)),
        (BOOL, "maybe", (0.0, 0.0)),
        (BOOL, [], (0.0, 0.0)),
        (BOOL, "四", (0.0, 0.0)),
        (BOOL, "½", (0.0, 0.0)),
        (BOOL, None, (0.0, 0.0)),
        (FLOAT, 5, (1.0, 0.5)),
        (FLOAT, 99, (1.0, 1.0)),
        (FLOAT, -1, (1.0, 0.0)),
        (FLOAT, "x", (0.0, 0.0)),
        (FLOAT, 10**400, (0.0, 0.0)),
        (FLOAT, None, (0.0, 0.0)),
        (CATEGORY, "A", (1.0, 0.0, 0.0)),
        (CATEGORY, "zz", (0.0, 0.0, 1.0)),
        (CATEGORY, None, (0.0, 0.0, 0.0)),
        (LIST, ["x"], (1.0,)),
        (LIST, [], (0.0,)),
        (LIST, 3, (0.0,)),
        (Slot("an", SlotType.ANY), "x", ()),
        (Slot("no", SlotType.TEXT, influence_conversation=False), "x", ()),
    ],
)
def test_features_of_a_value(slot: Slot, value: JSON, features: tuple[float, ...]) -> None:
    """Each type says whether it is set and, where it can, what it holds."""
    assert slot.features(value) == features


def test_the_other_category_may_stand_in_the_values() -> None:
    """A domain that lists `__other__` already has the same features."""
    listed = Slot("ca", SlotType.CATEGORICAL, values=("a", "b", "__other__"))
    assert listed.features("b") == CATEGORY.features("b") == (0.0, 1.0, 0.0)


def test_a_domain_leaves_out_slots_without_features() -> None:
    """Only slots with a feature that is not zero are part of a state."""
    domain = Domain(slots={slot.name: slot for slot in (TEXT, BOOL, CATEGORY)})
    assert domain.slot_features({"te": "x", "bo": None, "ca": "b", "unknown": 1}) == {
        "te": (1.0,),
        "ca": (0.0, 1.0, 0.0),
    }


def test_entity_labels_are_those_the_intent_lets_in() -> None:
    """Roles and groups are labels of their own; an unknown intent lets everything in."""
    domain = Domain(intents={"go": IntentProperties(("city", "city#to"))})
    entities = [Entity("city", "Rome", role="to", group="1"), Entity("date", "now")]
    assert domain.entity_labels(entities, "go") == ("city", "city#to")
    assert domain.entity_labels(entities, None) == ("city", "city#1", "city#to", "date")


def test_action_places_and_kinds() -> None:
    """An action is found by its place; retrieval actions and overrides are known as such."""
    domain = Domain(
        intents={"faq": IntentProperties((), is_retrieval_intent=True)},
        action_names=("action_listen", "action_x", "utter_faq"),
        user_actions=("action_x",),
    )
    assert (domain.index_of("utter_faq"), domain.index_of("nope")) == (2, None)
    assert domain.is_retrieval_action("utter_faq")
    assert not domain.is_retrieval_action("utter_other")
    assert domain.overrides("action_x")
