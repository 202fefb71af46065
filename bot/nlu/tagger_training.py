"""Fitting of the entity head on annotated sentences. Training only."""

from __future__ import annotations

from collections.abc import Sequence, Set

import numpy as np
from scipy import sparse

from bot.nlu.chain_training import TaggedWords, fit_chain
from bot.nlu.entity_lookup import Patterns
from bot.nlu.features import FloatArray
from bot.nlu.tagger import MarkVocabulary, Tagger, normalised, word_marks
from bot.nlu.tags import OUTSIDE, Tag, encode_tags, transitions
from bot.training_data.nlu_examples import NluExample
from language.encoder import EncodedText, word_vectors
from language.tokens import word_spans

STRENGTH = 3.0


def train_tagger(
    examples: Sequence[NluExample], vectors: Sequence[EncodedText], patterns: Patterns, *, language: str
) -> Tagger | None:
    """Fit the entity head; None when no example is annotated."""
    rows = _chosen(examples)
    if not rows:
        return None
    dense: list[FloatArray] = []
    marks: list[list[str]] = []
    tags: list[Tag] = []
    for example, encoded in ((examples[row], vectors[row]) for row in rows):
        words = word_spans(example.text, language)
        dense.append(normalised(word_vectors(encoded, words)))
        marks.extend(word_marks(example.text, words, patterns.find(example.text)))
        tags.extend(encode_tags(words, example.entities))
    known = _with_every_inside({OUTSIDE, *tags})
    vocabulary = MarkVocabulary.fit(marks)
    columns, places = (
        [vocabulary.known(row) for row in marks],
        {tag: place for place, tag in enumerate(known)},
    )
    weights = fit_chain(
        TaggedWords(
            np.concatenate(dense),
            _matrix(columns, len(vocabulary.columns)),
            np.array([places[tag] for tag in tags]),
            [len(rows) for rows in dense],
        ),
        transitions(known),
        outside=known.index(OUTSIDE),
        strength=STRENGTH,
    )
    return Tagger(tuple(known), vocabulary, weights.dense, weights.marks, weights.bias, weights.moves)


def _chosen(examples: Sequence[NluExample]) -> list[int]:
    """Return the rows to learn from: all annotated sentences, and an even draw of the others.

    Others only teach what is outside; beyond twice the annotated ones they cost time and change nothing.
    """
    annotated = [row for row, example in enumerate(examples) if example.entities]
    others = [row for row, example in enumerate(examples) if not example.entities]
    step = max(1, len(others) // max(1, 2 * len(annotated))) if annotated else 1
    return sorted([*annotated, *others[::step]]) if annotated else []


def _with_every_inside(tags: Set[Tag]) -> list[Tag]:
    """Add the I of each B, which short examples may not show, so that longer entities stay whole."""
    inside = {Tag("I", tag.entity, tag.role, tag.group) for tag in tags if tag.prefix == "B"}
    return sorted(tags | inside)


def _matrix(columns: Sequence[Sequence[int]], size: int) -> sparse.csr_array:
    pointers = np.cumsum([0, *(len(row) for row in columns)])
    flat = np.array([column for row in columns for column in row], np.int32)
    return sparse.csr_array((np.ones(len(flat), np.float32), flat, pointers), shape=(len(columns), size))
