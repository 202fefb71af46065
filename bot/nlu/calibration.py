"""Honest confidence: held-out predictions of the training data, temperature, thresholds. Training only."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from scipy import optimize

from bot.nlu.features import FloatArray
from bot.nlu.fitting import IntArray, fit_kernel
from bot.nlu.linear import softmax

FOLDS = 5
NEVER_HELD_OUT = -1
_ENOUGH_HELD_OUT, _FEWEST_FOLDS = 4000, 2
_DOUBT = 2.0  # of log-likelihood
_ABSTENTIONS = 0.10  # share of held-out sentences on which sentiment may abstain


def fold_numbers(targets: IntArray, *, seed: int, folds: int = FOLDS) -> IntArray:
    """Give each row a fold in [0, folds), each label spread as evenly as it can be: (N,)."""
    numbers = np.zeros(len(targets), np.int64)
    order = np.random.default_rng(seed).permutation(len(targets))
    for label in np.unique(targets):
        rows = order[targets[order] == label]
        numbers[rows] = (np.arange(len(rows)) + label) % folds
    return numbers


def held_out_folds(targets: IntArray, *, seed: int) -> IntArray:
    """Give each row (N,) a fold as `fold_numbers` does, and `NEVER_HELD_OUT` once the folds hold 4,000 rows.

    Confidence is known well enough from so many, and each further fold of many sentences takes seconds.
    """
    numbers = fold_numbers(targets, seed=seed)
    needed = max(_FEWEST_FOLDS, math.ceil(FOLDS * _ENOUGH_HELD_OUT / max(1, len(targets))))
    return np.where(numbers < needed, numbers, NEVER_HELD_OUT)


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
    """Return the scores (N, labels) of rows by heads that have not seen them; 0 of rows never held out."""
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
    """Return the highest temperature that held-out scores (N, L) do not speak against: in [0.05, 10].

    It is at most two standard errors above the likeliest one: its log-likelihood is less by 2. The head that
    serves has learnt from more sentences than those that were held out from it and is surer of itself, and
    the fewer the sentences, the less is known of its errors.
    """

    def loss(log_temperature: float) -> float:
        chances = softmax(scores / np.float32(np.exp(log_temperature)))
        likelihoods = np.maximum(chances[np.arange(len(targets)), targets], 1e-9)
        return float(-np.log(likelihoods).sum(dtype=np.float64))

    lowest, highest = np.log(0.05), np.log(10.0)
    found = optimize.minimize_scalar(loss, bounds=(lowest, highest), method="bounded")
    allowed = float(found.fun) + _DOUBT
    if loss(highest) <= allowed:
        return float(np.exp(highest))
    return float(np.exp(optimize.brentq(lambda value: loss(value) - allowed, found.x, highest, xtol=1e-4)))


def luck_of_the_draw(scores: FloatArray, targets: IntArray, judged: npt.NDArray[np.bool_]) -> float:
    """Return how much higher the temperature of all held-out scores (N, L) is than of the judged rows alone.

    Few rows may be harder or easier than the rest, for a tuned encoder as for the untuned one, whose scores
    of all rows are known: what is fitted on the few is corrected by this.
    """
    return fit_temperature(scores, targets) / fit_temperature(scores[judged], targets[judged])


def abstention_threshold(chances: FloatArray) -> float:
    """Return the confidence below which the least sure tenth of held-out sentences lies, at most 0.6."""
    return min(0.6, float(np.quantile(chances.max(axis=1), _ABSTENTIONS)))
