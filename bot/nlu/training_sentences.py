"""The training sentences that a model keeps, so that it can show which of them a message resembles.

Axes: N sentences, H hidden size of the encoder.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from bot.errors import Location, ModelError
from bot.nlu.features import Features, FeatureSpace, FloatArray
from language.encoder import EncodedText
from language.ngrams import ngrams

INTENT_SENTENCES, SENTIMENT_SENTENCES = "intent_sentences", "sentiment_sentences"
_LAYERS = 2
_STEPS = 127  # of a signed byte, to each side


class Sentence(Protocol):
    """A training sentence of whatever kind."""

    @property
    def text(self) -> str: ...  # noqa: D102 (named by the class)
    @property
    def location(self) -> Location | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class KnownSentence:
    """A sentence, what it teaches, and where it stands in the project (`data/nlu/orders.yml:12`)."""

    text: str
    label: str
    place: str | None = None


@dataclass(frozen=True, slots=True)
class NearSentence:
    """A sentence with its cosine to a message, in the features that the head sees."""

    sentence: KnownSentence
    similarity: float


@dataclass(frozen=True)
class TrainingSentences:
    """The sentences of one task.

    `vectors` (N, 2, H) are the pooled layers in signed bytes, `scales` (N, 2) the size of a step: cosines
    stay within 0.002 of those of the full vectors, in a quarter of their space. `known` (N,) is the share of
    pieces that the backbone knows.
    """

    sentences: tuple[KnownSentence, ...]
    vectors: npt.NDArray[np.int8]
    scales: FloatArray
    known: FloatArray

    @classmethod
    def of(
        cls, rows: Sequence[Sentence], labels: Sequence[str], encoded: Sequence[EncodedText]
    ) -> TrainingSentences:
        """Keep the sentences with their labels and vectors, all in the same order."""
        kept = tuple(
            KnownSentence(row.text, label, str(row.location) if row.location else None)
            for row, label in zip(rows, labels, strict=True)
        )
        if not kept:
            empty = np.zeros((0, _LAYERS), np.float32)
            return cls((), np.zeros((0, _LAYERS, 0), np.int8), empty, empty[:, 0])
        layers = np.stack([text.pooled for text in encoded]).reshape(len(kept), _LAYERS, -1)  # (N, 2, H)
        scales = np.maximum(np.abs(layers).max(axis=2), 1e-9) / _STEPS  # (N, 2)
        return cls(
            kept,
            np.round(layers / scales[:, :, None]).astype(np.int8),
            scales.astype(np.float32),
            np.array([text.known for text in encoded], np.float32),
        )

    def save(self, folder: Path, name: str) -> None:
        """Write `name.json` and `name.safetensors`."""
        rows = [[row.text, row.label, row.place] for row in self.sentences]
        (folder / f"{name}.json").write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
        tensors = {"vectors": self.vectors, "scales": self.scales, "known": self.known}
        whole = {key: np.ascontiguousarray(tensor) for key, tensor in tensors.items()}
        save_file(whole, folder / f"{name}.safetensors")

    @classmethod
    def load(cls, folder: Path, name: str) -> TrainingSentences:
        """Read what `save` wrote.

        Raises:
            ModelError: A file is missing or broken.
        """
        try:
            rows = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
            tensors = load_file(folder / f"{name}.safetensors")
            sentences = tuple(KnownSentence(*row) for row in rows)
            kept = cls(sentences, tensors["vectors"], tensors["scales"], tensors["known"])
            if not len(sentences) == len(kept.vectors) == len(kept.scales) == len(kept.known):
                raise ValueError("sentences and vectors differ in number")
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            raise ModelError(
                f"{folder}: the training sentences cannot be read ({error}); train again"
            ) from error
        return kept

    def search(self, space: FeatureSpace) -> SentenceSearch:
        """Prepare the search in the features of a head: 0.2 ms a sentence."""
        pooled = (self.vectors * self.scales[:, :, None]).reshape(len(self.sentences), -1)  # (N, 2H)
        features = []
        for row, sentence in enumerate(self.sentences):
            encoded = EncodedText(pooled[row : row + 1], (), pooled[row], float(self.known[row]))
            features.append(space.features(ngrams(sentence.text), encoded))
        return SentenceSearch.of(self.sentences, features, columns=len(space.vocabulary.columns))


@dataclass(frozen=True, slots=True)
class SentenceSearch:
    """Sentences with their features, searchable by similarity.

    `dense` (N, 2H) stands in rows, the n-grams by column: column v is in the sentences
    `rows[starts[v]:starts[v + 1]]` with `values`. `lengths` (N,) are those of the joined vectors.
    """

    sentences: tuple[KnownSentence, ...]
    dense: FloatArray
    starts: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int64]
    values: FloatArray
    lengths: FloatArray

    @classmethod
    def of(
        cls, sentences: tuple[KnownSentence, ...], features: Sequence[Features], *, columns: int
    ) -> SentenceSearch:
        """Sort the features of the sentences, both in the same order."""
        dense = np.stack([row.dense for row in features]) if features else np.zeros((0, 0), np.float32)
        counts = [len(row.ngrams.columns) for row in features]
        rows = np.repeat(np.arange(len(features)), counts)
        places = np.array([column for row in features for column in row.ngrams.columns], np.int64)
        values = np.array([value for row in features for value in row.ngrams.values], np.float32)
        order = np.argsort(places, kind="stable")
        squares = (dense**2).sum(axis=1) + np.bincount(rows, values**2, minlength=len(features))
        return cls(
            sentences,
            dense,
            np.searchsorted(places[order], np.arange(columns + 1)),
            rows[order],
            values[order],
            np.sqrt(squares).astype(np.float32),
        )

    def nearest(self, features: Features) -> list[NearSentence]:
        """Return all sentences, the most similar first."""
        if not self.sentences:
            return []
        inner = self.dense @ features.dense  # (N,)
        square = float(features.dense @ features.dense)
        for column, value in zip(features.ngrams.columns, features.ngrams.values, strict=True):
            part = slice(self.starts[column], self.starts[column + 1])
            inner[self.rows[part]] += value * self.values[part]
            square += value * value
        cosines = inner / np.maximum(self.lengths * math.sqrt(square), 1e-9)
        return [
            NearSentence(self.sentences[row], float(cosines[row]))
            for row in np.argsort(-cosines, kind="stable")
        ]
