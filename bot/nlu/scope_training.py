"""What of the training data decides whether a message is in scope. Training only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from bot.nlu.features import FloatArray
from bot.nlu.fitting import FeatureMatrix, IntArray
from bot.nlu.out_of_scope import CLOSEST, Landmarks, Neighbours, Scope, Signals, Spread, energy

# Share of held-out messages of known intents that may fall back for scope alone. Up to a third more of new
# messages do, and others for low confidence: together they stay below 4 %.
_REJECTED_IN_SCOPE = 0.0225
_FEWEST_LABELS = 5  # fewer say too little of what else people write
_SENTENCES_OF_A_LANGUAGE = 200  # held out, before it gets a threshold of its own
_FEW_DEVIATIONS = 1e-6


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What heads that have not seen them say of the training sentences, N of each.

    `kernel` (N, N) holds inner products, `last` (N, H) the vectors of the last layer, `scores` (N, labels)
    those of the head of the other folds, `folds` (N,) the fold of each, `judged` (N,) which ones count: in a
    fold, and unseen by fine-tuning.
    """

    kernel: FloatArray
    last: FloatArray
    scores: FloatArray
    folds: IntArray
    judged: npt.NDArray[np.bool_]


def fit_landmarks(matrix: FeatureMatrix, last: FloatArray, targets: IntArray, *, labels: int) -> Landmarks:
    """Keep the training sentences (N, and their last layer (N, H)) as serving compares with them."""
    order = np.argsort(targets, kind="stable")
    dense, ngrams = matrix.dense[order], matrix.ngrams[order]
    squares = (dense**2).sum(axis=1) + np.asarray(ngrams.multiply(ngrams).sum(axis=1)).ravel()
    neighbours = Neighbours(
        edges=np.searchsorted(targets[order], np.arange(labels + 1)).astype(np.int64),
        dense=dense,
        starts=ngrams.indptr.astype(np.int64),
        columns=ngrams.indices.astype(np.int32),
        values=ngrams.data.astype(np.float32),
        norms=np.sqrt(squares).astype(np.float32),
    )
    return Landmarks(neighbours, fit_spread(last, targets, labels=labels))


def fit_spread(vectors: FloatArray, targets: IntArray, *, labels: int) -> Spread:
    """Fit one normal distribution for each label, all of one covariance, and one for all vectors (N, H).

    The fewer the vectors for their length, the more the covariances are drawn towards a multiple of the
    identity. Labels without a vector are far from everything.
    """
    mean: FloatArray = vectors.mean(axis=0)
    centred = (vectors - mean).astype(np.float64)
    counts = np.bincount(targets, minlength=labels)
    centres = np.zeros((labels, centred.shape[1]))
    np.add.at(centres, targets, centred)
    centres /= np.maximum(counts, 1)[:, None]
    within = _precision(centred - centres[targets], len(vectors) - int((counts > 0).sum()))
    whole = _precision(centred, len(vectors) - 1)
    pulled = within @ centres.T  # (H, labels)
    offsets = np.where(counts > 0, (centres.T * pulled).sum(axis=0), np.inf)
    return Spread(
        mean=mean,
        form=(whole - within).astype(np.float32),
        pulls=(2 * pulled).astype(np.float32),
        offsets=offsets.astype(np.float32),
    )


def _precision(rows: npt.NDArray[np.float64], freedom: int) -> npt.NDArray[np.float64]:
    """Return the inverse of the shrunk covariance of centred rows (N, H) with so many degrees of freedom."""
    width = rows.shape[1]
    covariance = rows.T @ rows / max(1, freedom)
    variance = max(float(np.trace(covariance)) / width, _FEW_DEVIATIONS)
    shrunk = width / (width + freedom)
    inverse: npt.NDArray[np.float64] = np.linalg.inv(
        (1 - shrunk) * covariance + shrunk * variance * np.eye(width)
    )
    return inverse


def fit_scope(data: HeldOut, targets: IntArray, languages: Sequence[str | None]) -> Scope | None:
    """Learn what signals messages in scope have, from sentences that taught nothing of it.

    The threshold lets a share of the held-out sentences fall: of each language with sentences enough and of
    the others together, or of all where only one language has enough. None when there are too few labels.

    Args:
        data: The held-out scores.
        targets: The label of each sentence (N,).
        languages: The language that each sentence shows (N).
    """
    labels = data.scores.shape[1]
    if labels < _FEWEST_LABELS or not data.judged.any():
        return None
    signals = np.zeros((len(targets), len(fields(Signals))))
    for fold in np.unique(data.folds[data.judged]):
        inside = np.flatnonzero(data.folds != fold)
        outside = np.flatnonzero((data.folds == fold) & data.judged)
        best = data.scores[outside].argmax(axis=1)
        spread = fit_spread(data.last[inside], targets[inside], labels=labels)
        signals[outside, 0] = energy(data.scores[outside])
        signals[outside, 1] = _closeness(data.kernel, best, outside, inside, targets)
        signals[outside, 2] = spread.density(data.last[outside])
    signals = signals[data.judged]
    means, deviations = signals.mean(axis=0), signals.std(axis=0) + _FEW_DEVIATIONS
    scores = ((signals - means) / deviations).mean(axis=1)
    shown = [language for language, counts in zip(languages, data.judged.tolist(), strict=True) if counts]
    threshold, thresholds = _thresholds(scores, shown)
    return Scope(Signals(*means.tolist()), Signals(*deviations.tolist()), threshold, thresholds)


def _closeness(
    kernel: FloatArray, best: IntArray, outside: IntArray, inside: IntArray, targets: IntArray
) -> FloatArray:
    """Return the mean cosine of each outside row to the closest inside rows of its best label."""
    lengths = np.sqrt(np.maximum(np.diag(kernel), _FEW_DEVIATIONS))
    found = np.zeros(len(outside), np.float32)
    for label in np.unique(best):
        rows, columns = outside[best == label], inside[targets[inside] == label]
        if len(columns):
            cosines = kernel[np.ix_(rows, columns)] / lengths[rows][:, None] / lengths[columns]
            found[best == label] = np.sort(cosines, axis=1)[:, -CLOSEST:].mean(axis=1)
    return found


def _thresholds(
    scores: npt.NDArray[np.float64], languages: Sequence[str | None]
) -> tuple[float, Mapping[str, float]]:
    """Return the threshold of all languages without one of their own, and those of the others."""
    rows: dict[str, list[int]] = {}
    for row, language in enumerate(languages):
        rows.setdefault(language or "", []).append(row)
    rest = rows.pop("", [])
    for language in [name for name, own in rows.items() if len(own) < _SENTENCES_OF_A_LANGUAGE]:
        rest += rows.pop(language)
    if len(rows) < 2:
        return _quantile(scores), {}
    common = scores[rest] if len(rest) >= _SENTENCES_OF_A_LANGUAGE else scores
    return _quantile(common), {name: _quantile(scores[own]) for name, own in sorted(rows.items())}


def _quantile(scores: npt.NDArray[np.float64]) -> float:
    return float(np.quantile(scores, _REJECTED_IN_SCOPE))
