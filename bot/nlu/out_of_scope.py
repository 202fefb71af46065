"""Whether a message belongs to what the assistant was trained for, and what to answer when it does not."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from bot.dialogue.messages import NLU_FALLBACK, Intent
from bot.nlu.features import Features, FloatArray
from bot.nlu.linear import LinearHead
from bot.nlu.plan import FallbackOptions

CLOSEST = 5  # sentences of an intent that a message is compared with


@dataclass(frozen=True, slots=True)
class Signals:
    """What speaks for a message being in scope; the larger, the more.

    `energy` is the logarithm of the sum of the head's exponentiated scores (Liu et al. 2020, Energy-based
    Out-of-distribution Detection): unlike a confidence it falls when no label is likely. `closeness` is the
    mean cosine to the most similar sentences of the best label. `density` says by how much nearer the
    message is to the mean of a label than to that of all sentences (Ren et al. 2021, A Simple Fix to
    Mahalanobis Distance).
    """

    energy: float
    closeness: float
    density: float


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The training sentences, label by label.

    Those of label l stand in the rows `edges[l]:edges[l + 1]`, by similarity to one of which a message is
    judged. `dense` (N, 2H) has their vectors; the n-grams of row n are `columns[starts[n]:starts[n + 1]]`
    with `values`. `norms` (N,) are the lengths of the joined vectors.
    """

    edges: npt.NDArray[np.int64]
    dense: FloatArray
    starts: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int32]
    values: FloatArray
    norms: FloatArray

    def closeness(self, features: Features, label: int, *, vocabulary: int) -> float:
        """Return the mean cosine to the closest sentences of a label; there are `vocabulary` n-grams."""
        first, last = int(self.edges[label]), int(self.edges[label + 1])
        if first == last:
            return 0.0
        similar = self.dense[first:last] @ features.dense
        length = float(features.dense @ features.dense)
        if features.ngrams.columns:
            asked = np.zeros(vocabulary, np.float32)
            asked[list(features.ngrams.columns)] = features.ngrams.values
            length += float(asked @ asked)
            starts = self.starts[first : last + 1]
            part = slice(int(starts[0]), int(starts[-1]))
            sums = np.concatenate([[0.0], np.cumsum(self.values[part] * asked[self.columns[part]])])
            similar = similar + np.diff(sums[starts - starts[0]])
        cosines = similar / (self.norms[first:last] * math.sqrt(length) + 1e-9)
        return float(np.sort(cosines)[-CLOSEST:].mean())


@dataclass(frozen=True, slots=True)
class Spread:
    """How the vectors of the last layer (H) lie around the means of the L labels.

    The density of a vector v, `mean` (H,) taken away, is v'`form`v + max(v'`pulls` - `offsets`): its squared
    Mahalanobis distance from the mean of all less that from the nearest mean of a label.
    """

    mean: FloatArray
    form: FloatArray
    pulls: FloatArray
    offsets: FloatArray

    def density(self, vectors: FloatArray) -> FloatArray:
        """Return how much denser known labels lie around vectors (..., H) than everything does: (...)."""
        centred = vectors - self.mean
        whole: FloatArray = ((centred @ self.form) * centred).sum(axis=-1)
        nearest: FloatArray = (centred @ self.pulls - self.offsets).max(axis=-1)
        return whole + nearest


@dataclass(frozen=True, slots=True)
class Landmarks:
    """What a message is compared with."""

    neighbours: Neighbours
    spread: Spread

    def signals(self, head: LinearHead, features: Features, scores: FloatArray) -> Signals:
        """Compare one message; `scores` (L,) are those that the head gives it."""
        return Signals(
            energy=float(energy(scores)),
            closeness=self.neighbours.closeness(features, int(scores.argmax()), vocabulary=len(head.ngrams)),
            density=float(self.spread.density(last_layer(features.dense))),
        )


def energy(scores: FloatArray) -> FloatArray:
    """Return log sum exp over the last axis."""
    highest = scores.max(axis=-1)
    total: FloatArray = highest + np.log(np.exp(scores - highest[..., None]).sum(axis=-1))
    return total


def last_layer(dense: FloatArray) -> FloatArray:
    """Return the half of dense vectors (..., 2H) that comes from the encoder's last layer."""
    return dense[..., : dense.shape[-1] // 2]


@dataclass(frozen=True, slots=True)
class Scope:
    """The signals joined to one score, and what is refused.

    The score is the mean of the signals in standard deviations of messages in scope: 0 for a usual one. A
    message is out of scope when its score is below that of its language in `thresholds`, or below
    `threshold` where its language has none or does not show.
    """

    means: Signals
    deviations: Signals
    threshold: float
    thresholds: Mapping[str, float] = field(default_factory=dict)

    def score(self, signals: Signals) -> float:
        """Return how much like messages in scope the signals are."""
        means, deviations = self.means, self.deviations
        energy = (signals.energy - means.energy) / deviations.energy
        closeness = (signals.closeness - means.closeness) / deviations.closeness
        density = (signals.density - means.density) / deviations.density
        return (energy + closeness + density) / 3

    def contains(self, signals: Signals, language: str | None = None) -> bool:
        """Tell whether a message with these signals belongs to the training data's subjects."""
        return self.score(signals) >= self.thresholds.get(language or "", self.threshold)


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
