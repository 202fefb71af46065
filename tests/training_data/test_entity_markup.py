"""Entity annotations: what they mean, and that rendering is the inverse of parsing."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.dialogue.messages import Entity
from bot.training_data.entity_markup import MarkupError, parse, render


@pytest.mark.parametrize(
    ("annotated", "text", "entities"),
    [
        ("no markup", "no markup", []),
        ("to [Rome](city)!", "to Rome!", [Entity("city", "Rome", 3, 7)]),
        ("a [lamp](category:lamps)", "a lamp", [Entity("category", "lamps", 2, 6)]),
        (
            'from [Rome]{"entity": "city", "role": "from", "group": "1"} now',
            "from Rome now",
            [Entity("city", "Rome", 5, 9, role="from", group="1")],
        ),
        ('[NYC]{"entity": "city", "value": "New York"}', "NYC", [Entity("city", "New York", 0, 3)]),
        ('[two]{"entity": "count", "value": 2}', "two", [Entity("count", 2, 0, 3)]),
        (
            '[LA][{"entity": "city"}, {"entity": "state", "value": "CA"}] ok',
            "LA ok",
            [Entity("city", "LA", 0, 2), Entity("state", "CA", 0, 2)],
        ),
        (
            "[a](x) and [b](y)",
            "a and b",
            [Entity("x", "a", 0, 1), Entity("y", "b", 6, 7)],
        ),
        ("我要[耳机](category)和[台灯](category)", "我要耳机和台灯",
         [Entity("category", "耳机", 2, 4), Entity("category", "台灯", 5, 7)]),
        ("array[0] (see below)", "array[0] (see below)", []),
    ],
)  # fmt: skip
def test_parse(annotated: str, text: str, entities: list[Entity]) -> None:
    """Markup is stripped and offsets point into the stripped text."""
    assert parse(annotated) == (text, tuple(entities))


@pytest.mark.parametrize("annotated", ["[a]{entity: x}", '[a]{"role": "x"}', '[a]{"entity": 5}'])
def test_unreadable_annotation_is_an_error(annotated: str) -> None:
    """Braces that are not a JSON entity are refused, never dropped."""
    with pytest.raises(MarkupError):
        parse(annotated)


TEXT = st.text(st.characters(exclude_characters="[]", exclude_categories=["Cs"]), min_size=1, max_size=30)
NAME = st.text(st.characters(categories=["L", "N", "P", "Zs"]), min_size=1, max_size=8)


@st.composite
def annotated_texts(draw: st.DrawFn) -> tuple[str, tuple[Entity, ...]]:
    """Texts with entities on spans that do not overlap, several of them on one span at times."""
    text = draw(TEXT)
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=6)))
    entities = []
    for start, end in list(itertools.pairwise(cuts))[::2]:
        value = draw(st.one_of(st.just(text[start:end]), st.text(max_size=8), st.integers()))
        for name in draw(st.lists(NAME, min_size=1, max_size=2)):
            role, group = draw(st.none() | NAME), draw(st.none() | NAME)
            entities.append(Entity(name, value, start, end, role=role, group=group))
    return text, tuple(entities)


@settings(deadline=None)
@given(annotated_texts())
def test_parse_is_the_inverse_of_render(case: tuple[str, tuple[Entity, ...]]) -> None:
    """Whatever can be annotated comes back the same, whatever stands in names and values."""
    text, entities = case
    assert parse(render(text, entities)) == (text, entities)


def test_render_leaves_out_what_cannot_be_annotated() -> None:
    """Whole-message entities, overlaps and spans with a bracket have no markup."""
    entities = [
        Entity("sentiment", "negative"),
        Entity("a", "x]y", 0, 3),
        Entity("b", "yz", 2, 4),
        Entity("c", "z", 3, 4),
    ]
    assert render("x]yz", entities) == "x][yz](b)"
