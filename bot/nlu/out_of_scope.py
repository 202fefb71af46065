"""Whether a message belongs to what the assistant was trained for, and what to answer when it does not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bot.dialogue.messages import NLU_FALLBACK, Intent
from bot.nlu.features import Features, FloatArray
from bot.nlu.plan import FallbackOptions


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The training sentences, searchable by similarity.

    `dense` (N, 2H) in rows; the n-grams stand by column: column v has the sentences
    `rows[starts[v]:starts[v + 1]]` with `values`. `norms` (N,) are the lengths of the joined vectors.
    """

    dense: FloatArray
    starts: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int32]
    values: FloatArray
    norms: FloatArray

    def nearest(self, features: Features) -> tuple[int, float]:
        """Return the row and the cosine of the most similar training sentence."""
        similar = self.dense @ features.dense  # (N,)
        length = float(features.dense @ features.dense)
        length += sum(value * value for value in features.ngrams.values)
        if features.ngrams.columns:
            columns = np.array(features.ngrams.columns)
            ranges = zip(self.starts[columns].tolist(), self.starts[columns + 1].tolist(), strict=True)
            parts = [slice(start, end) for start, end in ranges]
            rows = np.concatenate([self.rows[part] for part in parts])
            scaled = [
                value * self.values[part] for value, part in zip(features.ngrams.values, parts, strict=True)
            ]
            similar = similar + np.bincount(rows, np.concatenate(scaled), minlength=len(similar))
        cosines = similar / (self.norms * math.sqrt(length) + 1e-9)
        row = int(cosines.argmax())
        return row, float(cosines[row])


@dataclass(frozen=True, slots=True)
class Scope:
    """Confidence and similarity joined to one score, learnt on held-out intents of the training data.

    A message is out of scope when its score (a log odd) is below `threshold`.
    """

    confidence_weight: float
    similarity_weight: float
    bias: float
    threshold: float

    def score(self, confidence: float, similarity: float) -> float:
        """Return the log odds of being in scope, up to the rarity of other messages."""
        return self.confidence_weight * log_odds(confidence) + self.similarity_weight * similarity + self.bias

    def contains(self, confidence: float, similarity: float) -> bool:
        """Tell whether a message with these signals belongs to the training data's subjects."""
        return self.score(confidence, similarity) >= self.threshold


def log_odds(probability: float) -> float:
    """Return the logit, kept finite."""
    inside = min(max(probability, 1e-4), 1 - 1e-4)
    return math.log(inside / (1 - inside))


def with_fallback(
    ranking: Sequence[Intent], options: FallbackOptions, *, in_scope: bool
) -> tuple[Intent, ...]:
    """Put `nlu_fallback` first when the top intent is not sure enough, not alone enough, or out of scope.

    Its confidence is the threshold, and the true top follows it, as in Rasa's FallbackClassifier.
    """
    ranking = tuple(ranking)
    if not ranking:
        return ranking
    first = ranking[0].confidence
    second = ranking[1].confidence if len(ranking) > 1 else 0.0
    is_unsure = first < options.threshold or (
        len(ranking) > 1 and first - second < options.ambiguity_threshold
    )
    if is_unsure or not in_scope:
        return (Intent(NLU_FALLBACK, options.threshold), *ranking)
    return ranking
