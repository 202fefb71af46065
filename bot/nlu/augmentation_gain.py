"""What altered copies of the training sentences bought, measured on sentences that were held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bot.nlu.calibration import NEVER_HELD_OUT, cross_validated_scores
from bot.nlu.features import FloatArray
from bot.nlu.fitting import IntArray


@dataclass(frozen=True, slots=True)
class Gain:
    """Held-out accuracies without and with copies, of the sentences as they are and of altered ones."""

    copies: int
    plain_without: float
    plain_with: float
    altered_without: float
    altered_with: float

    def __str__(self) -> str:
        return (
            f"{self.copies:,} altered copies; held-out accuracy {self.plain_without:.3f} without them, "
            f"{self.plain_with:.3f} with them, of altered sentences {self.altered_without:.3f}, "
            f"{self.altered_with:.3f}"
        )


@dataclass(frozen=True, slots=True)
class HeldOutCopies:
    """Rows in folds, a sentence with its copies in one; `judged` (N,) are the sentences that count."""

    kernel: FloatArray
    targets: IntArray
    folds: IntArray
    judged: npt.NDArray[np.bool_]
    is_copy: npt.NDArray[np.bool_]

    def gain(self, scores: FloatArray, *, strength: float) -> Gain | None:
        """Compare held-out scores (N, labels) with those of heads without copies; None if there is none."""
        if not self.is_copy.any():
            return None
        without = cross_validated_scores(
            self.kernel,
            self.targets,
            labels=scores.shape[1],
            strength=strength,
            folds=self.folds,
            teaches=~self.is_copy,
        )
        plain, altered = self.judged, self.is_copy & (self.folds != NEVER_HELD_OUT)
        return Gain(
            int(self.is_copy.sum()),
            *(self._accuracy(found, plain) for found in (without, scores)),
            *(self._accuracy(found, altered) for found in (without, scores)),
        )

    def _accuracy(self, scores: FloatArray, rows: npt.NDArray[np.bool_]) -> float:
        return float((scores[rows].argmax(axis=1) == self.targets[rows]).mean())


def with_copies(folds: IntArray, sources: Sequence[int]) -> IntArray:
    """Put the folds of copies behind those of their sentences: what is held out is held out in every form."""
    return np.concatenate([folds, folds[list(sources)]]) if sources else folds


def told(**gains: Gain | None) -> tuple[str, ...]:
    """Say for each task what was bought."""
    return tuple(f"augmentation of {task}: {gain}" for task, gain in gains.items() if gain)
