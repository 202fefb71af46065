"""Entities become tags and come back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.dialogue.messages import Entity
from bot.nlu.tags import OUTSIDE, Tag, TaggedSpan, decode_tags, encode_tags

WORDS = [(0, 2), (3, 5), (6, 8), (9, 11)]
B, I = Tag("B", "city", "old"), Tag("I", "city", "old")  # noqa: E741 - the names of the tags


def test_role_and_group_belong_to_the_tag() -> None:
    """The words of an entity carry its role and group, the first one begins it."""
    entity = Entity("city", "x", 3, 8, role="old", group="1")
    tags = encode_tags(WORDS, [entity])
    assert tags == [OUTSIDE, Tag("B", "city", "old", "1"), Tag("I", "city", "old", "1"), OUTSIDE]


def test_longer_entity_wins_a_shared_word() -> None:
    """Of entities that overlap the longer one is learnt, and one without a place is passed over."""
    entities = [Entity("a", "x", 3, 5), Entity("b", "x", 3, 8), Entity("c", "x")]
    assert [tag.entity for tag in encode_tags(WORDS, entities)] == ["", "b", "b", ""]


labels = st.tuples(st.sampled_from("ab"), st.sampled_from([None, "old", "new"]), st.sampled_from([None, "1"]))


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(1, 3), labels), max_size=6))
def test_decoding_inverts_encoding(parts: list[tuple[int, int, tuple[str, str | None, str | None]]]) -> None:
    """Entities on whole words survive the way to tags and back."""
    spans, place = [], 0
    for gap, length, label in parts:
        spans.append(TaggedSpan(place + gap, place + gap + length, Tag("B", *label)))
        place += gap + length
    words = [(row, row + 1) for row in range(place + 1)]
    entities = [
        Entity(span.tag.entity, "", span.first, span.last, span.tag.role, span.tag.group) for span in spans
    ]
    assert decode_tags(encode_tags(words, entities)) == spans


def test_tags_without_role_or_group_come_first() -> None:
    """An entity that has a role or group in some sentences only can be sorted, which training needs."""
    plain, role, both = Tag("B", "city"), Tag("B", "city", "old"), Tag("B", "city", "old", "1")
    assert sorted([both, role, plain, OUTSIDE]) == [OUTSIDE, plain, role, both]


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ([I, I], [TaggedSpan(0, 2, I)]),
        ([B, B], [TaggedSpan(0, 1, B), TaggedSpan(1, 2, B)]),
        ([B, Tag("I", "city", "new")], [TaggedSpan(0, 1, B), TaggedSpan(1, 2, Tag("I", "city", "new"))]),
        ([OUTSIDE], []),
    ],
    ids=["inside-first", "two-neighbours", "role-changes", "nothing"],
)
def test_spans(tags: list[Tag], expected: list[TaggedSpan]) -> None:
    """A change of label or a new beginning starts a new span."""
    assert decode_tags(tags) == expected
