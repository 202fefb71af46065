"""A linear head over dense and sparse features, as it serves: numpy alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bot.nlu.features import Features, FloatArray


@dataclass(frozen=True, slots=True)
class LinearHead:
    """Softmax regression with calibrated probabilities.

    `dense` (2H, L) and `ngrams` (V, L) are the weights of the two blocks, `bias` (L,); scores are divided by
    `temperature` before the softmax (Guo et al. 2017, On Calibration of Modern Neural Networks).
    """

    labels: tuple[str, ...]
    dense: FloatArray
    ngrams: FloatArray
    bias: FloatArray
    temperature: float = 1.0

    def scores(self, features: Features) -> FloatArray:
        """Return the score of each label: (L,)."""
        scores: FloatArray = features.dense @ self.dense + self.bias  # (L,)
        if features.ngrams.columns:
            values = np.asarray(features.ngrams.values, np.float32)
            scores = scores + values @ self.ngrams[list(features.ngrams.columns)]
        return scores

    def probabilities(self, features: Features) -> FloatArray:
        """Return the calibrated probability of each label: (L,)."""
        return self.calibrated(self.scores(features))

    def calibrated(self, scores: FloatArray) -> FloatArray:
        """Turn scores (L,) into calibrated probabilities."""
        return softmax(scores / self.temperature)


def softmax(scores: FloatArray) -> FloatArray:
    """Return probabilities over the last axis."""
    shifted = np.exp(scores - scores.max(axis=-1, keepdims=True))
    total: FloatArray = shifted / shifted.sum(axis=-1, keepdims=True)
    return total
