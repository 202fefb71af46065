"""Reports count words under Rasa's labels."""

from __future__ import annotations

import pytest

from bot.dialogue.messages import Entity
from bot.server.reports import label_of


@pytest.mark.parametrize(
    ("role", "group", "label"),
    [(None, None, "city"), ("from", None, "city.from"), (None, "1", "city.1"), ("from", "1", "city.1.from")],
    ids=["plain", "role", "group", "both"],
)
def test_group_stands_before_role(role: str | None, group: str | None, label: str) -> None:
    """An entity's label is its type, group and role, in this order, as in Rasa's reports."""
    assert label_of((5, 9), [Entity("city", "Oslo", 5, 9, role=role, group=group)]) == label


def test_words_outside_belong_to_no_entity() -> None:
    """A word that an entity covers in part is none of its words."""
    assert label_of((4, 9), [Entity("city", "Oslo", 5, 9)]) == "no_entity"
