"""What held-out predictions say of a head: how often it is right, and how honest it is, by language."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from bot.nlu.features import FloatArray
from language.detect import detect_language

UNKNOWN_LANGUAGE = "?"
_BINS = 15
_LEAST_SHARE = 0.01  # of the sentences; a language with fewer is more likely a misread one


@dataclass(frozen=True, slots=True)
class PartScores:
    """Scores of the sentences of one language; all in [0, 1] but the count."""

    sentences: int
    accuracy: float
    macro_f1: float


@dataclass(frozen=True, slots=True)
class Bin:
    """The answers of like confidence: its mean, the share that was right, and how many they were."""

    confidence: float
    accuracy: float
    sentences: int


@dataclass(frozen=True, slots=True)
class HeldOutScores:
    """What five-fold cross-validation on the training data says of one head.

    `temperature` is what its scores are divided by. `by_language` has `?` for sentences that do not show
    their language, or seem to be in one that less than a hundredth is in. `reliability` has the bins that
    hold an answer, the least sure first.
    """

    sentences: int
    accuracy: float
    macro_f1: float
    expected_calibration_error: float
    temperature: float
    by_language: Mapping[str, PartScores] = field(default_factory=dict)
    reliability: tuple[Bin, ...] = ()


def held_out_scores(
    texts: Sequence[str], targets: npt.NDArray[np.int64], chances: FloatArray, *, temperature: float
) -> HeldOutScores:
    """Judge the held-out chances (N, L) of N texts whose labels are `targets` (N,)."""
    found = chances.argmax(axis=1)
    sure, right = chances.max(axis=1), found == targets
    rows_of: dict[str, list[int]] = {}
    for row, language in enumerate(languages_of(texts)):
        rows_of.setdefault(language, []).append(row)
    whole = _part(targets, found)
    return HeldOutScores(
        sentences=whole.sentences,
        accuracy=whole.accuracy,
        macro_f1=whole.macro_f1,
        expected_calibration_error=expected_calibration_error(sure, right),
        temperature=temperature,
        by_language={name: _part(targets[rows], found[rows]) for name, rows in sorted(rows_of.items())},
        reliability=reliability(sure, right),
    )


def languages_of(texts: Sequence[str]) -> list[str]:
    """Return the language of each text; `?` where it does not show, or less than a hundredth share it."""
    found = [detect_language(text) or UNKNOWN_LANGUAGE for text in texts]
    counts = Counter(found)
    least = _LEAST_SHARE * len(texts)
    return [language if counts[language] >= least else UNKNOWN_LANGUAGE for language in found]


def _part(targets: npt.NDArray[np.int64], found: npt.NDArray[np.int64]) -> PartScores:
    pairs = list(zip(targets.tolist(), found.tolist(), strict=True))
    return PartScores(len(pairs), float((targets == found).mean()), macro_f1(pairs))


def macro_f1(pairs: Sequence[tuple[Hashable, Hashable]]) -> float:
    """Return the mean F1 over the labels that are expected; a pair is what was expected and predicted."""
    right = Counter(expected for expected, predicted in pairs if expected == predicted)
    expected_counts = Counter(expected for expected, _ in pairs)
    predicted_counts = Counter(predicted for _, predicted in pairs)
    return sum(
        2 * right[name] / (count + predicted_counts[name]) for name, count in expected_counts.items()
    ) / len(expected_counts)


def reliability(
    sure: npt.NDArray[np.floating[Any]], right: npt.NDArray[np.bool_], *, bins: int = _BINS
) -> tuple[Bin, ...]:
    """Sort answers into bins of equal width by their confidence (N,); empty bins are left out."""
    places = np.minimum((sure * bins).astype(int), bins - 1)
    return tuple(
        Bin(float(sure[places == place].mean()), float(right[places == place].mean()), int(count))
        for place, count in zip(*np.unique(places, return_counts=True), strict=True)
    )


def expected_calibration_error(
    sure: npt.NDArray[np.floating[Any]], right: npt.NDArray[np.bool_], *, bins: int = _BINS
) -> float:
    """Return the mean gap between confidence and accuracy over the bins (Guo et al. 2017)."""
    rows = reliability(sure, right, bins=bins)
    return sum(row.sentences * abs(row.confidence - row.accuracy) for row in rows) / max(1, len(sure))
