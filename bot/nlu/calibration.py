"""Honest confidence: held-out predictions of the training data, temperature, thresholds. Training only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize
from sklearn.linear_model import LogisticRegression

from bot.nlu.features import FloatArray
from bot.nlu.fitting import IntArray, fit_kernel
from bot.nlu.linear import softmax
from bot.nlu.out_of_scope import Scope, log_odds

FOLDS = 5
NEVER_HELD_OUT = -1
_REJECTED_IN_SCOPE = 0.03  # share of held-out messages of known intents that may fall back for distance alone
_ABSTENTIONS = 0.10  # share of held-out sentences on which sentiment may abstain
_FEWEST_LABELS = 5  # with fewer intents, held-out intents say nothing about foreign messages


def fold_numbers(targets: IntArray, *, seed: int, folds: int = FOLDS) -> IntArray:
    """Give each row a fold in [0, folds), each label spread as evenly as it can be: (N,)."""
    numbers = np.zeros(len(targets), np.int64)
    order = np.random.default_rng(seed).permutation(len(targets))
    for label in np.unique(targets):
        rows = order[targets[order] == label]
        numbers[rows] = (np.arange(len(rows)) + label) % folds
    return numbers


def in_fine_tuning(labels: Sequence[str], *, seed: int) -> list[bool]:
    """Tell which sentences fine-tuning may learn from: all but a tenth, which stays for calibration."""
    names = sorted(set(labels))
    targets = np.array([names.index(label) for label in labels], np.int64)
    return [bool(number) for number in fold_numbers(targets, seed=seed, folds=10)]


def cross_validated_scores(
    kernel: FloatArray,
    targets: IntArray,
    *,
    labels: int,
    strength: float,
    folds: IntArray,
    teaches: npt.NDArray[np.bool_] | None = None,
) -> FloatArray:
    """Return the scores (N, labels) of all rows, each by a head that has not seen it."""
    scores = np.zeros((len(targets), labels), np.float32)
    for rows, part in cross_validated(
        kernel, targets, labels=labels, strength=strength, folds=folds, teaches=teaches
    ):
        scores[rows] = part
    return scores


def cross_validated(
    kernel: FloatArray,
    targets: IntArray,
    *,
    labels: int,
    strength: float,
    folds: IntArray,
    teaches: npt.NDArray[np.bool_] | None = None,
) -> Iterator[tuple[IntArray, FloatArray]]:
    """Yield for each fold its rows and their scores (rows, labels) by a head that has not seen them.

    Rows of the negative fold `NEVER_HELD_OUT` teach every head; those that `teaches` leaves out teach none.
    """
    may_teach = np.ones(len(folds), bool) if teaches is None else teaches
    for fold in np.unique(folds[folds >= 0]):
        inside, outside = np.flatnonzero((folds != fold) & may_teach), np.flatnonzero(folds == fold)
        if len(inside):
            part = np.ascontiguousarray(kernel[np.ix_(inside, inside)])
            coefficients = fit_kernel(part, targets[inside], labels=labels, strength=strength)
            yield outside, kernel[np.ix_(outside, inside)] @ coefficients + coefficients.sum(axis=0)


def fit_temperature(scores: FloatArray, targets: IntArray) -> float:
    """Return the temperature at which held-out scores (N, L) are most likely: in [0.05, 10]."""

    def loss(log_temperature: float) -> float:
        chances = softmax(scores / np.float32(np.exp(log_temperature)))
        return float(-np.log(np.maximum(chances[np.arange(len(targets)), targets], 1e-9)).mean())

    found = optimize.minimize_scalar(loss, bounds=(np.log(0.05), np.log(10.0)), method="bounded")
    return float(np.exp(found.x))


def abstention_threshold(chances: FloatArray) -> float:
    """Return the confidence below which the least sure tenth of held-out sentences lies, at most 0.6."""
    return min(0.6, float(np.quantile(chances.max(axis=1), _ABSTENTIONS)))


@dataclass(frozen=True, slots=True)
class _Signals:
    confidence: npt.NDArray[np.float64]
    similarity: FloatArray
    in_scope: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What heads that have not seen them say of the training sentences, N of each.

    `kernel` (N, N) holds inner products, `scores` (N, labels) those of the head of the other folds, `folds`
    (N,) the fold of each, `judged` (N,) which ones count: in a fold, and unseen by fine-tuning.
    """

    kernel: FloatArray
    scores: FloatArray
    folds: IntArray
    judged: npt.NDArray[np.bool_]


def fit_scope(
    data: HeldOut, targets: IntArray, intent_of: IntArray, *, temperature: float, seed: int
) -> Scope | None:
    """Learn from held-out intents how much confidence and similarity tell of a foreign message.

    Every held-out sentence is judged twice: as it is, and as if a fifth of the intents, its own among them,
    had never been taught: their labels and their sentences are passed over. The threshold lets 3 % of the
    sentences fall when they are judged as they are. None when there are too few intents.

    Args:
        data: The held-out scores.
        targets: The label of each sentence (N,).
        intent_of: The intent of each label; labels of one retrieval intent share it.
        temperature: What the scores are divided by.
        seed: Decides which intents are held out together.
    """
    names = np.unique(intent_of)
    if len(names) < _FEWEST_LABELS:
        return None
    groups = np.random.default_rng(seed).permutation(len(names)) % FOLDS
    group_of = groups[np.searchsorted(names, intent_of)]  # (labels,)
    lengths = np.sqrt(np.maximum(np.diag(data.kernel), 1e-9)).astype(np.float32)
    rounds = []
    for fold in np.unique(data.folds[data.judged]):
        inside = np.flatnonzero(data.folds != fold)
        outside = np.flatnonzero((data.folds == fold) & data.judged)
        cosines: FloatArray = data.kernel[np.ix_(outside, inside)] / lengths[outside][:, None]
        cosines /= lengths[inside]
        scores: FloatArray = data.scores[outside] / np.float32(temperature)
        rounds.append(_signals(scores, cosines, intent_of, in_scope=True))
        for group in range(FOLDS):
            rows = group_of[targets[outside]] == group
            others, known = group_of != group, group_of[targets[inside]] != group
            if rows.any() and known.any():
                rounds.append(
                    _signals(
                        scores[rows][:, others], cosines[rows][:, known], intent_of[others], in_scope=False
                    )
                )
    return _scope_of(rounds)


def _signals(scores: FloatArray, cosines: FloatArray, intent_of: IntArray, *, in_scope: bool) -> _Signals:
    """Return the best intent's log odds (labels of one retrieval intent added up) and the best cosine."""
    chances = softmax(scores)
    totals = np.stack([chances[:, intent_of == name].sum(axis=1) for name in np.unique(intent_of)], axis=1)
    odds = np.array([log_odds(float(value)) for value in totals.max(axis=1)])
    return _Signals(odds, cosines.max(axis=1), np.full(len(odds), in_scope))


def _scope_of(rounds: list[_Signals]) -> Scope:
    confidence = np.concatenate([part.confidence for part in rounds])
    similarity = np.concatenate([part.similarity for part in rounds])
    in_scope = np.concatenate([part.in_scope for part in rounds])
    signals = np.stack([confidence, similarity], axis=1)
    fitted = LogisticRegression(class_weight="balanced").fit(signals, in_scope)
    weights, bias = fitted.coef_[0], float(fitted.intercept_[0])
    scores = signals @ weights + bias
    threshold = float(np.quantile(scores[in_scope], _REJECTED_IN_SCOPE))
    return Scope(float(weights[0]), float(weights[1]), bias, threshold)
