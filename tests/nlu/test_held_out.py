"""Held-out predictions are counted: right ones, honest ones, and those of each language."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.nlu.held_out import (
    Bin,
    PartScores,
    expected_calibration_error,
    held_out_scores,
    macro_f1,
    reliability,
)


def test_calibration_error_is_the_gap() -> None:
    """Ten answers at 0.9 of which half are right miss by 0.4."""
    assert expected_calibration_error(np.full(10, 0.9), np.arange(10) % 2 == 0) == pytest.approx(0.4)


def test_bins_hold_the_answers_of_like_confidence() -> None:
    """Answers go into bins by their confidence, a sure one into the last, and empty bins are left out."""
    rows = reliability(np.array([0.05, 0.07, 1.0]), np.array([True, False, True]), bins=10)
    assert rows == (Bin(pytest.approx(0.06), 0.5, 2), Bin(1.0, 1.0, 1))


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60))
def test_no_answer_is_lost_among_the_bins(answers: list[tuple[float, bool]]) -> None:
    """The bins together hold every answer once, and their means are those of all answers."""
    sure, right = np.array([row[0] for row in answers]), np.array([row[1] for row in answers])
    rows = reliability(sure, right)
    assert sum(row.sentences for row in rows) == len(answers)
    assert sum(row.sentences * row.accuracy for row in rows) == pytest.approx(right.sum())
    assert sum(row.sentences * row.confidence for row in rows) == pytest.approx(sure.sum(), abs=1e-6)


def test_macro_f1_counts_each_expected_label_alike() -> None:
    """Three right of four a, one of them taken for b; b is never expected."""
    pairs = [("a", "a")] * 3 + [("a", "b"), ("c", "c")]
    assert macro_f1(pairs) == pytest.approx((6 / 7 + 1) / 2)


def test_scores_stand_for_each_language() -> None:
    """Sentences are counted under the language they show, those that show none under a question mark."""
    texts = ["where is my parcel", "i want my money", "我的包裹呢", "42"]
    chances = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.7], [0.6, 0.4]], np.float32)
    scores = held_out_scores(texts, np.array([0, 0, 1, 0]), chances, temperature=1.5)
    assert scores.by_language == {
        "?": PartScores(1, 1.0, 1.0),
        "en": PartScores(2, 0.5, pytest.approx(2 / 3)),
        "zh": PartScores(1, 1.0, 1.0),
    }
    assert (scores.sentences, scores.accuracy, scores.temperature) == (4, 0.75, 1.5)
    assert scores.expected_calibration_error == pytest.approx((0.1 + 0.8 + 0.3 + 0.4) / 4)


def test_a_language_that_hardly_anybody_writes_is_none() -> None:
    """One short sentence of two hundred that looks Spanish does not make the bot speak Spanish."""
    texts = ["where is my parcel"] * 200 + ["no me la"]
    chances = np.tile(np.array([[0.9, 0.1]], np.float32), (len(texts), 1))
    scores = held_out_scores(texts, np.zeros(len(texts), np.int64), chances, temperature=1.0)
    assert {name: row.sentences for name, row in scores.by_language.items()} == {"en": 200, "?": 1}
