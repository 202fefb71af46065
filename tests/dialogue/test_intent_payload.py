"""Messages that name their intent."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.dialogue.domain import Domain, EntityProperties, IntentProperties
from bot.dialogue.intent_payload import parse_intent_payload

DOMAIN = Domain(intents={"a": IntentProperties(("n",))}, entities={"n": EntityProperties()})


def test_a_full_payload() -> None:
    """Confidence, a list as several entities, unknown entities dropped, offsets of the JSON part."""
    parsed = parse_intent_payload('/a@0.5{"n": [1, 2], "zz": 3}', DOMAIN)
    assert parsed
    assert (parsed.intent.name, parsed.intent.confidence) == ("a", 0.5)
    assert parsed.intent_ranking == (parsed.intent,)
    assert [(e.entity, e.value, e.start, e.end) for e in parsed.entities] == [
        ("n", 1, 6, 28),
        ("n", 2, 6, 28),
    ]


@pytest.mark.parametrize("text", ["/nope", "a", "/", "", "/a b", "hello /a"], ids=repr)
def test_ordinary_text_stays_text(text: str) -> None:
    """A slash alone, an unknown intent or no slash is no payload."""
    assert parse_intent_payload(text, DOMAIN) is None


@pytest.mark.parametrize(
    ("text", "confidence"), [("/a", 1.0), ("/a@7", 1.0), ("/a@1.2.3", 0.0), ("  /a ", 1.0)], ids=repr
)
def test_confidence_is_bounded(text: str, confidence: float) -> None:
    """It is 1 unless given, cut to [0, 1], and 0 when it is no number."""
    parsed = parse_intent_payload(text, DOMAIN)
    assert parsed
    assert parsed.intent.confidence == confidence


def test_broken_json_gives_no_entities() -> None:
    """The intent still counts."""
    parsed = parse_intent_payload("/a{n: 1}", DOMAIN)
    assert parsed
    assert parsed.entities == ()


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"])))
def test_any_value_survives(value: str) -> None:
    """What a button puts into its payload comes out again."""
    parsed = parse_intent_payload("/a" + json.dumps({"n": value}), DOMAIN)
    assert parsed
    assert [entity.value for entity in parsed.entities] == [value]
