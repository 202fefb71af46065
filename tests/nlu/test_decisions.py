"""Heads are fitted, calibrated, and decide when to fall back."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from bot.dialogue.messages import NLU_FALLBACK, Intent
from bot.nlu.calibration import (
    NEVER_HELD_OUT,
    abstention_threshold,
    cross_validated,
    fit_temperature,
    fold_numbers,
    held_out_folds,
    in_fine_tuning,
)
from bot.nlu.chain_training import TaggedWords, fit_chain
from bot.nlu.features import Features
from bot.nlu.fitting import FeatureMatrix, fit_kernel, head_of
from bot.nlu.linear import softmax
from bot.nlu.model import SentenceHead, SentimentHead
from bot.nlu.out_of_scope import with_fallback
from bot.nlu.plan import FallbackOptions
from bot.nlu.response_selector import intent_ranking, select_responses
from language.ngrams import SparseVector


def blobs(labels: int, each: int, *, width: int = 8, seed: int = 0) -> tuple[FeatureMatrix, np.ndarray]:
    """Draw points around one centre for each label."""
    random = np.random.default_rng(seed)
    centres = 3 * random.normal(size=(labels, width))
    targets = np.repeat(np.arange(labels), each)
    dense = (centres[targets] + random.normal(size=(len(targets), width))).astype(np.float32)
    marks = sparse.csr_array(np.eye(labels, dtype=np.float32)[targets])
    return FeatureMatrix(dense, marks), targets


@pytest.mark.parametrize("each", [1, 700])
def test_kernel_holds_all_inner_products(each: int) -> None:
    """Whatever way they are computed in parts, each pair of texts has its own."""
    matrix, _ = blobs(3, each)
    rows = np.hstack([matrix.dense, matrix.ngrams.toarray()])
    np.testing.assert_allclose(matrix.kernel(), rows @ rows.T, rtol=1e-4, atol=1e-4)


def test_kernel_form_finds_the_weights_of_the_plain_form() -> None:
    """A chain of one word is softmax regression as well, so both ways agree on the probabilities."""
    matrix, targets = blobs(3, 20)
    coefficients = fit_kernel(matrix.kernel(), targets, labels=3, strength=1.0)
    head = head_of(coefficients, matrix, "abc", temperature=1.0)
    words = TaggedWords(matrix.dense, matrix.ngrams, targets, [1] * len(targets))
    weights = fit_chain(words, np.zeros((3, 3), np.float32), outside=0, strength=1.0)
    biases = weights.bias + weights.moves[0]
    plain = softmax(matrix.dense @ weights.dense[1] + matrix.ngrams @ weights.marks + biases)
    kernel = softmax(matrix.dense @ head.dense + matrix.ngrams @ head.ngrams + head.bias)
    # The bias of the kernel form is regularised like a weight, and both stop a little before the minimum.
    np.testing.assert_allclose(kernel, plain, atol=0.02)


def test_head_serves_what_was_fitted() -> None:
    """Scoring one sparse and dense text equals the product of the matrices."""
    matrix, targets = blobs(3, 5)
    coefficients = fit_kernel(matrix.kernel(), targets, labels=3, strength=1.0)
    head = head_of(coefficients, matrix, "abc", temperature=2.0)
    text = Features(matrix.dense[7], SparseVector((int(targets[7]),), (1.0,)))
    expected = softmax((matrix.kernel()[7] @ coefficients + coefficients.sum(axis=0)) / 2)
    np.testing.assert_allclose(head.probabilities(text), expected, rtol=1e-4)


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=60), st.integers(0, 9))
def test_folds_are_even(labels: list[int], seed: int) -> None:
    """Each label is spread over the folds with at most one sentence of difference."""
    targets = np.array(labels)
    folds = fold_numbers(targets, seed=seed)
    for label in set(labels):
        counts = Counter(folds[targets == label].tolist())
        assert max(counts.values()) - min(counts.get(fold, 0) for fold in range(5)) <= 1


@pytest.mark.parametrize(
    ("rows", "held_out"),
    [(12, 12), (5000, 4000), (9000, 5400), (15_000, 6000), (40_000, 16_000)],
)
def test_many_sentences_are_held_out_in_part(rows: int, held_out: int) -> None:
    """Folds are left out once 4,000 sentences are held out in two or more; the others teach each time."""
    folds = held_out_folds(np.arange(rows) % 4, seed=2)
    assert (folds != NEVER_HELD_OUT).sum() == held_out
    np.testing.assert_array_equal(folds[folds >= 0], fold_numbers(np.arange(rows) % 4, seed=2)[folds >= 0])


def test_fine_tuning_keeps_a_tenth_back() -> None:
    """One sentence in ten stays unseen, of every label."""
    kept = in_fine_tuning(["a"] * 50 + ["b"] * 50, seed=1)
    assert (sum(kept[:50]), sum(kept[50:])) == (45, 45)


def test_temperature_softens_boasting_scores() -> None:
    """Scores that are right 8 times in 10 get the temperature at which they say 0.8."""
    targets = np.array([0] * 80_000 + [1] * 20_000)
    scores = np.tile(np.array([[10.0, 0.0]], np.float32), (100_000, 1))
    temperature = fit_temperature(scores, targets)
    assert softmax(scores / np.float32(temperature))[0, 0] == pytest.approx(0.8, abs=0.005)


@pytest.mark.parametrize("sentences", [50, 100, 1000])
def test_few_sentences_leave_doubt(sentences: int) -> None:
    """The confidence is the lowest whose log-likelihood is within 2 of the best, where 8 in 10 are right."""
    wrong = sentences // 5
    targets = np.array([0] * (sentences - wrong) + [1] * wrong)
    scores = np.tile(np.array([[3.0, 0.0]], np.float32), (sentences, 1))
    sure = float(softmax(scores / np.float32(fit_temperature(scores, targets)))[0, 0])

    def likelihood(chance: float) -> float:
        return sentences * (0.8 * math.log(chance) + 0.2 * math.log(1 - chance))

    assert sure < 0.8
    assert likelihood(0.8) - likelihood(sure) == pytest.approx(2.0, abs=0.01)


def test_scores_that_are_always_right_still_leave_doubt() -> None:
    """Fifty right answers do not prove that the next is: confidence stays below certainty."""
    scores = np.tile(np.array([[5.0, 0.0, 0.0]], np.float32), (50, 1))
    sure = softmax(scores / np.float32(fit_temperature(scores, np.zeros(50, np.int64))))[0, 0]
    assert sure == pytest.approx(np.exp(-2 / 50), abs=1e-3)


def test_threshold_lets_a_tenth_abstain() -> None:
    """The least sure tenth of the held-out sentences lies below the threshold."""
    sure = np.linspace(0.34, 0.59, 101)
    threshold = abstention_threshold(np.stack([sure, 1 - sure], axis=1).astype(np.float32))
    assert np.mean(np.maximum(sure, 1 - sure) < threshold) == pytest.approx(0.1, abs=0.02)


def test_names_teach_every_fold() -> None:
    """Rows outside all folds are learnt from each time, and are never judged."""
    matrix, targets = blobs(3, 5)
    folds = fold_numbers(targets, seed=1)
    folds[0] = NEVER_HELD_OUT
    parts = list(cross_validated(matrix.kernel(), targets, labels=3, strength=1.0, folds=folds))
    assert sorted(row for rows, _ in parts for row in rows) == list(range(1, 15))


@pytest.mark.parametrize(
    ("first", "second", "in_scope", "falls_back"),
    [
        (0.9, 0.05, True, False),
        (0.39, 0.1, True, True),
        (0.4, 0.3, True, False),
        (0.45, 0.36, True, True),
        (0.9, 0.05, False, True),
    ],
    ids=["sure", "below-threshold", "at-the-limits", "ambiguous", "foreign"],
)
def test_fallback(first: float, second: float, in_scope: bool, falls_back: bool) -> None:
    """Fallback needs low confidence, a near tie, or a foreign message; the true top follows it."""
    ranking = (Intent("a", first), Intent("b", second))
    found = with_fallback(ranking, FallbackOptions(0.4, 0.1), in_scope=in_scope)
    assert found == ((Intent(NLU_FALLBACK, 0.4), *ranking) if falls_back else ranking)


def test_one_intent_is_never_ambiguous() -> None:
    """Without a second intent only the threshold counts, and without any nothing falls back."""
    alone = (Intent("a", 1.0),)
    assert with_fallback(alone, FallbackOptions(0.4, 0.1), in_scope=True) == alone
    assert with_fallback((), FallbackOptions(), in_scope=True) == ()


def test_retrieval_keys_add_up() -> None:
    """The keys of a retrieval intent share its place in the ranking."""
    chances = {"greet": 0.4, "faq/a": 0.25, "faq/b": 0.35}
    assert intent_ranking(chances) == [("faq", pytest.approx(0.6)), ("greet", 0.4)]


def test_selectors_are_apart() -> None:
    """Each retrieval intent has its own selector; a key without examples is left out."""
    chances = {"greet": 0.1, "faq/a": 0.6, "faq/b": 0.2, "chat/c": 0.1}
    selected = select_responses(chances, ("faq", "chat", "other"), {"faq/a": ("Yes.",)})
    assert list(selected) == ["all_retrieval_intents", "faq", "chat"]
    assert selected["all_retrieval_intents"] == ["chat", "faq"]
    assert selected["faq"]["response"] == {
        "responses": [{"text": "Yes."}],
        "confidence": pytest.approx(0.75),
        "intent_response_key": "faq/a",
        "utter_action": "utter_faq/a",
    }
    assert [row["intent_response_key"] for row in selected["faq"]["ranking"]] == ["faq/a", "faq/b"]
    assert selected["chat"]["response"]["confidence"] == pytest.approx(1.0)
    assert select_responses({"greet": 1.0}, ("default",), {}) == {}


@pytest.mark.parametrize(
    ("scores", "value", "confidence"),
    [([3.0, 0.0, 0.0], "negative", 0.909), ([0.2, 0.1, 0.0], "neutral", 0.332)],
    ids=["sure", "abstains"],
)
def test_sentiment_abstains(scores: list[float], value: str, confidence: float) -> None:
    """An unsure sentiment is neutral with the low confidence of neutral."""
    matrix, _ = blobs(3, 2)
    head = head_of(np.zeros((6, 3), np.float32), matrix, ("negative", "neutral", "positive"), temperature=1.0)
    head = type(head)(head.labels, head.dense, head.ngrams, np.array(scores, np.float32))
    sentiment = SentimentHead(SentenceHead(None, head), 0.5)  # type: ignore[arg-type]
    found = sentiment.sentiment(Features(matrix.dense[0], SparseVector((), ())))
    assert (found.value, found.confidence) == (value, pytest.approx(confidence, abs=0.001))
