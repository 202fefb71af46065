"""A text as the heads see it: the encoder's dense vector and sparse n-grams, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from language.encoder import EncodedText
from language.ngrams import NgramVocabulary, SparseVector

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class BlockWeights:
    """How much each block of features counts; the lengths of the blocks before weighing are 1.

    The less of a text the backbone's vocabulary knows, the more its n-grams count and the less its dense
    vectors do: weights run linearly from `…_known` (all pieces known) to `…_unknown` (none).
    """

    last_known: float = 1.0
    last_unknown: float = 0.2
    middle_known: float = 0.8
    middle_unknown: float = 0.4
    ngrams_known: float = 0.7
    ngrams_unknown: float = 2.0


@dataclass(frozen=True, slots=True)
class Features:
    """One text: `dense` (2H,) holds the last and the middle layer, `ngrams` the sparse block."""

    dense: FloatArray
    ngrams: SparseVector


@dataclass(frozen=True, slots=True)
class FeatureSpace:
    """What turns an encoded text into features.

    `mean` (2H,) is the mean pooled vector of the training texts: without it all sentences of one company
    look alike.
    """

    vocabulary: NgramVocabulary
    mean: FloatArray
    weights: BlockWeights

    def features(self, grams: Mapping[str, int], encoded: EncodedText) -> Features:
        """Join the blocks of one text, its n-grams counted, weighed by what the backbone knows of it."""
        known, weights = encoded.known, self.weights
        centred, half = encoded.pooled - self.mean, len(self.mean) // 2
        last, middle = centred[:half], centred[half:]
        dense = np.concatenate(
            [
                _unit(last) * _between(weights.last_known, weights.last_unknown, known),
                _unit(middle) * _between(weights.middle_known, weights.middle_unknown, known),
            ]
        )
        scale = _between(weights.ngrams_known, weights.ngrams_unknown, known)
        sparse = self.vocabulary.vector(grams)
        return Features(dense, SparseVector(sparse.columns, tuple(scale * value for value in sparse.values)))


def _between(known_weight: float, unknown_weight: float, known: float) -> float:
    return unknown_weight + (known_weight - unknown_weight) * known


def _unit(vector: FloatArray) -> FloatArray:
    norm = float(np.sqrt(vector.dot(vector)))
    return vector / norm if norm > 0 else vector
