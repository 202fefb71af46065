"""Scores of held-out sentences."""

from __future__ import annotations

import pytest

from bot.dialogue.messages import NLU_FALLBACK, Entity, Intent, ParseResult, Sentiment
from bot.nlu.evaluate import EntityScores, evaluate, split
from bot.training_data.nlu_examples import NluData, NluExample, SentimentExample


def scripted(text: str) -> ParseResult:
    """Answer as the text itself says: `intent>predicted`, with a fallback in front for a question mark."""
    predicted = text.partition(">")[2].rstrip("?") or "a"
    ranking = (Intent(predicted, 0.75),)
    if text.endswith("?"):
        ranking = (Intent(NLU_FALLBACK, 0.3), *ranking)
    places = (Entity("city", "x", 0, 1, role="old"), Entity("date", "x", 0, 1))
    entities = (*places, Entity("sentiment", "neutral"))
    mood = Sentiment("negative", 0.9) if "bad" in text else Sentiment("neutral", 0.4)
    selector = {"default": {"response": {"intent_response_key": "faq/x"}}}
    return ParseResult(text, ranking[0], entities, ranking, selector, sentiment=mood)


def test_scores() -> None:
    """Accuracy, F1, fallback, response keys, entities, calibration and confusions are counted by hand."""
    right_place, wrong_role = Entity("city", "x", 0, 1, role="old"), Entity("city", "x", 0, 1, role="new")
    held_out = NluData(
        examples=(
            NluExample("q>a", "a", (right_place,)),
            NluExample("q>a?", "a", (wrong_role,)),
            NluExample("q>a", "b"),
            NluExample("q>faq", "faq/x"),
        ),
        sentiment_examples=(
            SentimentExample("it is bad", "negative"),
            SentimentExample("it is fine", "positive"),
            SentimentExample("它坏了bad", "positive"),
        ),
    )
    scores = evaluate(scripted, held_out)
    assert scores.intents is not None
    assert scores.intents.accuracy == 0.75
    assert scores.intents.macro_f1 == pytest.approx((0.8 + 0 + 1) / 3)
    assert scores.intents.fallback_share == 0.25
    assert scores.intents.response_accuracy == 1.0
    assert scores.entities == EntityScores(2, 4, precision=0.25, recall=0.5, f1=pytest.approx(1 / 3))
    assert scores.entities_by_type == {"city": scores.entities}
    assert scores.sentiment is not None
    assert scores.sentiment.accuracy == pytest.approx(1 / 3)
    assert scores.sentiment.accuracy_when_sure == 0.5
    assert scores.sentiment.abstention_share == pytest.approx(1 / 3)
    assert set(scores.sentiment_by_language) == {"en", "zh"}
    assert scores.expected_calibration_error == pytest.approx(0.0)
    assert scores.confusions == (("b", "a", 1),)


def test_a_language_of_hardly_any_sentence_is_not_scored_apart() -> None:
    """One misread "ciao" among a hundred English sentences makes no Italian row."""
    rows = [NluExample(f"where is it {number}>a", "a") for number in range(110)]
    scores = evaluate(scripted, NluData((*rows, NluExample("ciao>a", "a"), NluExample("12>a", "a"))))
    assert {name: row.sentences for name, row in scores.intents_by_language.items()} == {"?": 2, "en": 110}


def test_split_keeps_proportions() -> None:
    """Each fold holds out a fifth of every intent and language; together they hold out everything once."""
    data = NluData(
        examples=tuple(
            NluExample(f"where is it {number}", intent) for intent in "ab" for number in range(10)
        ),
        sentiment_examples=tuple(SentimentExample(f"它很好{number}", "positive") for number in range(5)),
        synonyms={"x": "y"},
    )
    seen: list[NluExample] = []
    for fold in range(5):
        train, test = split(data, held_out=fold)
        assert [sum(row.intent == intent for row in test.examples) for intent in "ab"] == [2, 2]
        assert len(test.sentiment_examples) == 1
        assert not [row for row in train.examples if row in test.examples]
        assert train.synonyms == test.synonyms == {"x": "y"}
        seen.extend(test.examples)
    assert sorted(row.text for row in seen) == sorted(row.text for row in data.examples)
