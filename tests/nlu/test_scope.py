"""Messages in scope are told from foreign ones by three signals, all of which the training data gives."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from scipy.special import logsumexp

from bot.nlu.calibration import cross_validated_scores, fold_numbers
from bot.nlu.features import Features
from bot.nlu.fitting import FeatureMatrix, fit_kernel, head_of
from bot.nlu.model import NluModel
from bot.nlu.out_of_scope import Landmarks, Neighbours, Scope, Signals, Spread, energy, last_layer
from bot.nlu.plan import PipelinePlan
from bot.nlu.scope_training import HeldOut, fit_landmarks, fit_scope, fit_spread
from language.ngrams import SparseVector

WIDTH, VOCABULARY = 12, 30


def sentences(labels: int, each: int, *, seed: int = 0) -> tuple[FeatureMatrix, np.ndarray]:
    """Draw sentences around one centre for each label, with n-grams at random; labels stand in disorder."""
    random = np.random.default_rng(seed)
    centres = 2 * random.normal(size=(labels, 2 * WIDTH))
    targets = random.permutation(np.repeat(np.arange(labels), each))
    dense = centres[targets] + random.normal(size=(len(targets), 2 * WIDTH))
    grams = random.random((len(targets), VOCABULARY)) * (random.random((len(targets), VOCABULARY)) < 0.2)
    return FeatureMatrix(dense.astype(np.float32), sparse.csr_array(grams.astype(np.float32))), targets


def row_of(matrix: FeatureMatrix, row: int) -> Features:
    """Return one row as serving sees it."""
    line = matrix.ngrams[[row]].tocoo()
    order = np.argsort(line.col)
    return Features(
        matrix.dense[row],
        SparseVector(tuple(line.col[order].tolist()), tuple(line.data[order].tolist())),
    )


def landmarks_of(matrix: FeatureMatrix, targets: np.ndarray, labels: int) -> Landmarks:
    """Keep the sentences as landmarks."""
    return fit_landmarks(matrix, last_layer(matrix.dense), targets, labels=labels)


def held_out(matrix: FeatureMatrix, targets: np.ndarray, labels: int) -> HeldOut:
    """Score every sentence by heads that have not seen it."""
    kernel, folds = matrix.kernel(), fold_numbers(targets, seed=1)
    scores = cross_validated_scores(kernel, targets, labels=labels, strength=1.0, folds=folds)
    return HeldOut(kernel, last_layer(matrix.dense), scores, folds, np.ones(len(targets), bool))


def test_closeness_is_the_mean_cosine_to_the_five_closest_of_the_label() -> None:
    """Serving's sums over n-grams by row give what the kernel of all sentences gives."""
    matrix, targets = sentences(4, 9)
    landmarks, kernel = landmarks_of(matrix, targets, 4), matrix.kernel()
    lengths = np.sqrt(np.diag(kernel))
    for row, label in ((0, 0), (5, 1), (17, 3)):
        cosines = kernel[row] / lengths[row] / lengths
        expected = np.sort(cosines[targets == label])[-5:].mean()
        found = landmarks.neighbours.closeness(row_of(matrix, row), label, vocabulary=VOCABULARY)
        assert found == pytest.approx(expected, abs=1e-5)


def test_a_label_of_two_sentences_is_as_close_as_both() -> None:
    """Where a label has fewer than five sentences all of them count, and one without any is not close."""
    matrix, targets = sentences(3, 2)
    landmarks, kernel = landmarks_of(matrix, targets, 4), matrix.kernel()
    lengths = np.sqrt(np.diag(kernel))
    cosines = (kernel[0] / lengths[0] / lengths)[targets == 1]
    neighbours, first = landmarks.neighbours, row_of(matrix, 0)
    assert neighbours.closeness(first, 1, vocabulary=VOCABULARY) == pytest.approx(cosines.mean(), abs=1e-5)
    assert neighbours.closeness(first, 3, vocabulary=VOCABULARY) == 0.0


def test_a_text_without_known_ngrams_is_compared_by_its_vector() -> None:
    """Its cosine has no n-grams in the numerator, those of the sentence in the denominator."""
    matrix, targets = sentences(2, 6)
    neighbours = landmarks_of(matrix, targets, 2).neighbours
    text = Features(matrix.dense[3], SparseVector((), ()))
    lengths = np.sqrt(np.diag(matrix.kernel()))
    cosines = matrix.dense @ text.dense / lengths / np.linalg.norm(text.dense)
    expected = np.sort(cosines[targets == 1])[-5:].mean()
    assert neighbours.closeness(text, 1, vocabulary=VOCABULARY) == pytest.approx(expected, abs=1e-5)


def test_density_is_the_difference_of_two_mahalanobis_distances() -> None:
    """The form that serves computes distance to the mean of all less distance to the nearest label's mean."""
    matrix, targets = sentences(5, 40)
    vectors = last_layer(matrix.dense).astype(np.float64)
    spread = fit_spread(last_layer(matrix.dense), targets, labels=5)
    means = np.stack([vectors[targets == label].mean(axis=0) for label in range(5)])
    within, whole = vectors - means[targets], vectors - vectors.mean(axis=0)

    def distances(rows: np.ndarray, freedom: int, centres: np.ndarray) -> np.ndarray:
        covariance = rows.T @ rows / freedom
        share = WIDTH / (WIDTH + freedom)
        shrunk = (1 - share) * covariance + share * np.trace(covariance) / WIDTH * np.eye(WIDTH)
        apart = vectors[:, None] - centres[None]
        squared: np.ndarray = np.einsum("nlh,hk,nlk->nl", apart, np.linalg.inv(shrunk), apart)
        return squared

    expected = distances(whole, 199, vectors.mean(axis=0)[None])[:, 0] - distances(within, 195, means).min(1)
    np.testing.assert_allclose(spread.density(last_layer(matrix.dense)), expected, rtol=1e-3, atol=1e-2)


def test_one_sentence_a_label_has_a_density() -> None:
    """Without any spread within labels distances stay finite, and a label without a vector is never near."""
    matrix, targets = sentences(6, 1)
    density = fit_spread(last_layer(matrix.dense), targets, labels=7).density(last_layer(matrix.dense))
    assert np.isfinite(density).all()


def test_energy_is_the_log_of_the_summed_exponentials() -> None:
    """It stays finite for scores whose exponentials are not."""
    scores = np.array([[1.0, 2.0, 3.0], [500.0, 499.0, -500.0]], np.float32)
    np.testing.assert_allclose(energy(scores), logsumexp(scores, axis=1), rtol=1e-6)


def test_scope_keeps_its_rate_and_refuses_what_no_label_knows() -> None:
    """Of what was taught three in a hundred fall at most, of points around no centre nine in ten at least."""
    matrix, targets = sentences(8, 50)
    data = held_out(matrix, targets, 8)
    scope = fit_scope(data, targets, [None] * len(targets))
    assert scope is not None
    landmarks = landmarks_of(matrix, targets, 8)
    coefficients = fit_kernel(data.kernel, targets, labels=8, strength=1.0)
    head = head_of(coefficients, matrix, "abcdefgh", temperature=1.0)

    def is_known(text: Features) -> bool:
        return scope.contains(landmarks.signals(head, text, head.scores(text)))

    known = [is_known(row_of(matrix, row)) for row in range(len(targets))]
    assert np.mean(known) >= 0.97
    random = np.random.default_rng(3)
    foreign = [
        Features((2.2 * random.normal(size=2 * WIDTH)).astype(np.float32), SparseVector((), ()))
        for _ in range(100)
    ]
    assert np.mean([is_known(text) for text in foreign]) <= 0.1


def test_the_threshold_lets_two_in_a_hundred_held_out_sentences_fall() -> None:
    """Judged by folds that have not seen them, 9 of 400 sentences score below the threshold, 0 on average."""
    matrix, targets = sentences(8, 50)
    data = held_out(matrix, targets, 8)
    scope = fit_scope(data, targets, [None] * len(targets))
    assert scope is not None
    scores = []
    for fold in range(5):
        inside, outside = np.flatnonzero(data.folds != fold), np.flatnonzero(data.folds == fold)
        part = FeatureMatrix(matrix.dense[inside], matrix.ngrams[inside])
        landmarks = landmarks_of(part, targets[inside], 8)
        for row in outside:
            label, text = int(data.scores[row].argmax()), row_of(matrix, int(row))
            signals = Signals(
                float(energy(data.scores[row])),
                landmarks.neighbours.closeness(text, label, vocabulary=VOCABULARY),
                float(landmarks.spread.density(last_layer(text.dense))),
            )
            scores.append(scope.score(signals))
    assert np.sum(np.array(scores) < scope.threshold) == pytest.approx(9, abs=1)
    assert np.mean(scores) == pytest.approx(0.0, abs=1e-3)


def test_every_language_keeps_its_rate_when_it_has_sentences_enough() -> None:
    """Where a language is harder its threshold is lower; one with few sentences shares the common one."""
    matrix, targets = sentences(8, 60)
    data = held_out(matrix, targets, 8)
    languages = ["zh" if row % 2 else "en" for row in range(480)]
    languages[:20] = ["fr"] * 20
    data.scores[1::2] *= 0.3
    scope = fit_scope(data, targets, languages)
    assert scope is not None
    assert set(scope.thresholds) == {"en", "zh"}
    assert scope.thresholds["zh"] < scope.threshold < scope.thresholds["en"]


def test_what_shows_no_language_keeps_its_rate_beside_two_that_do() -> None:
    """Enough sentences of unknown or rare languages share a threshold that the others do not move."""
    matrix, targets = sentences(8, 90)
    data = held_out(matrix, targets, 8)
    languages = [("en", "zh", None)[row % 3] for row in range(720)]
    data.scores[2::3] *= 0.3
    scope = fit_scope(data, targets, languages)
    assert scope is not None
    assert scope.threshold < min(scope.thresholds.values())


def test_one_language_has_the_common_threshold() -> None:
    """Sentences that do not show their language are judged like the others of a bot of one language."""
    matrix, targets = sentences(8, 60)
    scope = fit_scope(
        held_out(matrix, targets, 8), targets, ["en" if row % 2 else None for row in range(480)]
    )
    assert scope is not None
    assert scope.thresholds == {}


def test_few_labels_have_no_scope() -> None:
    """Four labels say too little of what else people write."""
    matrix, targets = sentences(4, 6)
    assert fit_scope(held_out(matrix, targets, 4), targets, [None] * 24) is None


def test_the_score_is_a_mean_of_deviations() -> None:
    """A signal one deviation below its mean takes a third off; the language's threshold comes first."""
    scope = Scope(Signals(10.0, 0.5, 40.0), Signals(2.0, 0.1, 20.0), -0.4, {"zh": -0.2})
    signals = Signals(8.0, 0.5, 40.0)
    assert scope.score(signals) == pytest.approx(-1 / 3)
    assert scope.contains(signals, "en")
    assert scope.contains(signals)
    assert not scope.contains(signals, "zh")


def test_landmarks_and_thresholds_are_read_as_they_were_written(tmp_path: Path) -> None:
    """A model's files hold all that decides, the thresholds of languages included."""
    matrix, targets = sentences(3, 4)
    landmarks = landmarks_of(matrix, targets, 3)
    scope = Scope(Signals(1.0, 0.5, 2.0), Signals(0.5, 0.1, 4.0), -1.5, {"en": -1.25})
    NluModel(plan=PipelinePlan(), language="en", landmarks=landmarks, scope=scope).save(tmp_path)
    read = NluModel.load(tmp_path)
    assert read.scope == scope
    assert read.landmarks is not None
    for part, name in ((Neighbours, "neighbours"), (Spread, "spread")):
        for row in fields(part):
            written, found = (getattr(getattr(of, name), row.name) for of in (landmarks, read.landmarks))
            assert written.dtype == found.dtype
            np.testing.assert_array_equal(found, written)
