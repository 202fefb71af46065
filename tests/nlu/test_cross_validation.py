"""Held-out sentences are judged by models that never saw them, and what was confused says why."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.dialogue.messages import NLU_FALLBACK, Intent, ParseResult, Sentiment
from bot.errors import Location
from bot.nlu.confusions import confused_pairs
from bot.nlu.cross_validation import Judged, JudgedExample, JudgedMood, Lesson, held_out_parts
from bot.nlu.label_errors import suspected_label_errors
from bot.nlu.learning_curve import DRAWS, learning_curve
from bot.nlu.training_sentences import KnownSentence, NearSentence
from bot.training_data.config_file import ComponentConfig
from bot.training_data.nlu_examples import NluExample, SentimentExample
from tests.nlu.conftest import DATA, DOMAIN


@pytest.fixture(scope="module")
def lesson(pipeline: tuple[ComponentConfig, ...], cache: Path) -> Lesson:
    """Teach the handful of sentences of this room."""
    return Lesson(DATA, pipeline, DOMAIN, "en", cache)


@pytest.fixture(scope="module")
def halves(lesson: Lesson) -> tuple[Judged, list[tuple[str, float]]]:
    """Hold out each half once: what was judged, and what progress was told."""
    told: list[tuple[str, float]] = []
    judged = Judged()
    for part in held_out_parts(lesson, folds=2, parts=2, progress=lambda *row: told.append(row)):
        judged = judged.joined(part)
    return judged, told


def test_every_sentence_is_held_out_once(halves: tuple[Judged, list[tuple[str, float]]]) -> None:
    """Each sentence of intents and of sentiment is judged once, however many parts there are."""
    judged, _ = halves
    assert sorted(row.example.text for row in judged.examples) == sorted(row.text for row in DATA.examples)
    assert sorted(row.example.text for row in judged.moods) == sorted(
        row.text for row in DATA.sentiment_examples
    )


def test_progress_goes_on_over_all_parts(halves: tuple[Judged, list[tuple[str, float]]]) -> None:
    """The share done never falls back when the next part begins, and the stage names the part."""
    shares = [share for _, share in halves[1]]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)
    assert any("(2 of 2)" in stage for stage, _ in halves[1])


def test_a_mistake_names_the_sentence_that_caused_it(
    halves: tuple[Judged, list[tuple[str, float]]],
) -> None:
    """The cause teaches what the sentence was taken for, and is none of the held-out sentences."""
    wrong = [row for row in halves[0].examples if row.predicted != row.expected]
    assert wrong, "two thirds of so few sentences cannot all be understood"
    for row in wrong:
        assert row.cause is not None
        assert row.cause.sentence.label.partition("/")[0] == row.predicted
        assert row.cause.sentence.text != row.example.text
    assert all(row.cause is None for row in halves[0].examples if row.predicted == row.expected)


def test_chances_of_a_mood_are_those_of_all_values(halves: tuple[Judged, list[tuple[str, float]]]) -> None:
    """Every value has its chance, and together they are one."""
    for row in halves[0].moods:
        assert set(row.chances) == {"positive", "negative", "neutral"}
        assert sum(row.chances.values()) == pytest.approx(1, abs=1e-4)


def _judged(text: str, intent: str, cause: NearSentence | None = None, **chances: float) -> JudgedExample:
    ranking = tuple(Intent(name, chance) for name, chance in sorted(chances.items(), key=lambda row: -row[1]))
    result = ParseResult(text, ranking[0], intent_ranking=(Intent(NLU_FALLBACK, 0.3), *ranking))
    return JudgedExample(NluExample(text, intent, location=Location("nlu.yml", len(text))), result, cause)


def test_confusions_of_both_directions_are_one_pair() -> None:
    """`a` taken for `b` and `b` for `a` count together; the surest mistake comes first."""
    cause = NearSentence(KnownSentence("like it", "b", "nlu.yml:9"), 0.7)
    rows = [
        _judged("one", "a", a=0.9, b=0.1),
        _judged("three", "a", cause, b=0.6, a=0.4),
        _judged("seven", "b", a=0.8, b=0.2),
        _judged("eleven", "c", c=0.5, a=0.4),
        _judged("twelve", "faq/x", faq=0.9, a=0.1),
    ]
    (pair,) = confused_pairs(rows)
    assert pair.intents == ("a", "b")
    assert [row.example.text for row in pair.sentences] == ["seven", "three"]
    assert pair.share == pytest.approx(2 / 3)
    assert pair.as_dict()["sentences"][1] == {
        "text": "three", "place": "nlu.yml:5", "intent": "a", "taken_for": "b", "confidence": 0.6,
        "because_of": "like it", "because_of_place": "nlu.yml:9", "similarity": 0.7,
    }  # fmt: skip


def test_planted_label_errors_are_found_and_nothing_else() -> None:
    """Beside sure and hesitant sentences two carry another label: exactly these are named, surest first."""
    rows = [
        *(_judged(f"a{number}", "a", a=0.9, b=0.1) for number in range(10)),
        *(_judged(f"b{number}", "b", b=0.8, a=0.2) for number in range(10)),
        *(_judged(f"hard {number}", "a", b=0.55, a=0.45) for number in range(10)),
        _judged("wrong", "a", b=0.97, a=0.03),
        _judged("very wrong", "b", a=0.99, b=0.01),
    ]
    suspects = suspected_label_errors(rows)
    assert [(row.text, row.label, row.better) for row in suspects] == [
        ("very wrong", "b", "a"),
        ("wrong", "a", "b"),
    ]
    assert suspects[1].as_dict() == {
        "text": "wrong", "label": "a", "label_confidence": 0.03, "better_label": "b",
        "better_label_confidence": 0.97, "place": "nlu.yml:5",
    }  # fmt: skip


def test_a_label_that_nobody_carries_is_not_suggested() -> None:
    """A model may name a label that no judged sentence has: nothing says how sure it is of it."""
    assert suspected_label_errors([_judged("x", "a", zero=0.9, a=0.1)]) == ()


def test_moods_are_doubted_by_the_same_rule() -> None:
    """A sentence of the sentiment data is suspect when its model means another value as surely as usual."""
    result = ParseResult("x", sentiment=Sentiment("neutral", 0.4))
    rows = [
        *(
            JudgedMood(SentimentExample(f"{value}{number}", value), result, {value: 0.8, other: 0.2})
            for value, other in (("positive", "negative"), ("negative", "positive"))
            for number in range(3)
        ),
        JudgedMood(SentimentExample("awful", "positive"), result, {"negative": 0.95, "positive": 0.05}),
    ]
    (suspect,) = suspected_label_errors(rows)
    assert (suspect.text, suspect.better, suspect.better_chance) == ("awful", "negative", 0.95)


def test_a_curve_goes_up_to_all_examples(lesson: Lesson) -> None:
    """Each size is drawn several times, the last one has everything; progress reaches the end."""
    told: list[float] = []
    points = learning_curve(lesson, folds=5, seed=1, progress=lambda _, share: told.append(share))
    assert [point.examples_per_intent for point in points] == [2, 5, 6]
    assert points[0].examples < points[-1].examples < len(DATA.examples)
    assert all(point.lowest <= point.accuracy <= point.highest for point in points)
    assert points[-1].lowest == points[-1].highest
    assert told[-1] == pytest.approx(1.0)
    assert DRAWS == 3
