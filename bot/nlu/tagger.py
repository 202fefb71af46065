"""The entity head: one tag a word, from its dense vector and from marks of the words around it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bot.dialogue.messages import Entity
from bot.nlu.chain import best_path, marginals
from bot.nlu.entity_lookup import PatternMatch
from bot.nlu.features import FloatArray
from bot.nlu.tags import OUTSIDE, Tag, decode_tags
from language.tokens import Span

NEIGHBOURS = (-1, 0, 1)  # words whose vectors score the tag of a word
_AROUND = (-3, -2, -1, 0, 1, 2, 3)
_PAIRS = (-2, -1, 0, 1)
_RUNS = re.compile(r"(.)\1+")
_DIGIT = re.compile(r"\d")


def word_marks(text: str, words: Sequence[Span], matches: Sequence[PatternMatch]) -> list[list[str]]:
    """Return the marks of each word: itself, its neighbours, its shape, and the patterns that touch it."""
    forms = [_DIGIT.sub("0", text[start:end].lower()) for start, end in words]
    patterns = [
        sorted({match.name for match in matches if match.start < end and match.end > start})
        for start, end in words
    ]
    return [_marks(row, text[start:end], forms, patterns) for row, (start, end) in enumerate(words)]


def _marks(row: int, word: str, forms: Sequence[str], patterns: Sequence[Sequence[str]]) -> list[str]:
    marks = [f"shape {_shape(word)}", f"start {forms[row][:3]}", f"end {forms[row][-3:]}"]
    for offset in _AROUND:
        place = row + offset
        is_inside = 0 <= place < len(forms)
        marks.append(f"{offset} {forms[place] if is_inside else ''}")
        if is_inside:
            marks.extend(f"{offset} in {name}" for name in patterns[place])
    for offset in _PAIRS:
        pair = " ".join(
            forms[place] if 0 <= place < len(forms) else "" for place in (row + offset, row + offset + 1)
        )
        marks.append(f"{offset} pair {pair}")
    return marks


def _shape(word: str) -> str:
    """Return `Xx9`-like form, runs shortened: `LC104233` is `X9`, `LC-HP-210` is `X-X-9`."""
    kinds = ["9" if c.isdigit() else "X" if c.isupper() else "x" if c.isalpha() else c for c in word[:40]]
    return _RUNS.sub(r"\1", "".join(kinds))


@dataclass(frozen=True, slots=True)
class MarkVocabulary:
    """The marks seen in training, each with its column."""

    columns: Mapping[str, int]

    @classmethod
    def fit(cls, rows: Sequence[Sequence[str]], *, at_least: int = 2) -> MarkVocabulary:
        """Keep the marks that at least so many words have."""
        counts = Counter(mark for row in rows for mark in row)
        kept = sorted(mark for mark, count in counts.items() if count >= at_least)
        return cls({mark: column for column, mark in enumerate(kept)})

    def known(self, marks: Sequence[str]) -> list[int]:
        """Return the columns of the known marks, ascending, each once."""
        return sorted({self.columns[mark] for mark in marks if mark in self.columns})


def normalised(vectors: FloatArray) -> FloatArray:
    """Scale both halves of each word vector (words, 2H) to length 1; zeros stay."""
    halves = np.split(vectors, 2, axis=1)
    scaled = [half / np.maximum(np.linalg.norm(half, axis=1, keepdims=True), 1e-9) for half in halves]
    return np.concatenate(scaled, axis=1)


@dataclass(frozen=True, slots=True)
class Tagger:
    """A trained entity head: a linear-chain conditional random field (Lafferty et al. 2001).

    `dense` (3, 2H, L) scores the tags of a word by the vectors of the word before, of its own and of the
    word after, `marks` (M, L) by its marks; `bias` is (L,). `moves` (L, L) is what a tag (column) gains
    after another (row), minus infinity where it may not follow.
    """

    tags: tuple[Tag, ...]
    vocabulary: MarkVocabulary
    dense: FloatArray
    marks: FloatArray
    bias: FloatArray
    moves: FloatArray

    def scores(
        self, text: str, words: Sequence[Span], vectors: FloatArray, matches: Sequence[PatternMatch]
    ) -> FloatArray:
        """Score the tags of each word by itself: (words, L); `vectors` is (words, 2H)."""
        own = normalised(vectors)
        scores: FloatArray = own @ self.dense[1] + self.bias  # (words, L)
        scores[1:] += own[:-1] @ self.dense[0]
        scores[:-1] += own[1:] @ self.dense[2]
        for row, marks in enumerate(word_marks(text, words, matches)):
            columns = self.vocabulary.known(marks)
            if columns:
                scores[row] += self.marks[columns].sum(axis=0)
        return scores

    def entities(
        self,
        text: str,
        words: Sequence[Span],
        vectors: FloatArray,
        matches: Sequence[PatternMatch],
        *,
        extractor: str,
    ) -> list[Entity]:
        """Find the learnt entities; `vectors` is (words, 2H), `matches` are the project's patterns.

        An entity is as sure as the least sure of its tags.
        """
        if not words:
            return []
        scores, outside = self.scores(text, words, vectors, matches), self.tags.index(OUTSIDE)
        path = best_path(scores, self.moves, outside)
        spans = decode_tags([self.tags[index] for index in path])
        if not spans:
            return []
        chances = marginals(scores, self.moves, outside)
        found = []
        for span in spans:
            start, end = words[span.first][0], words[span.last - 1][1]
            sure = min(float(chances[row, path[row]]) for row in range(span.first, span.last))
            found.append(
                Entity(
                    span.tag.entity,
                    text[start:end],
                    start,
                    end,
                    role=span.tag.role,
                    group=span.tag.group,
                    confidence_entity=sure,
                    extractor=extractor,
                )
            )
        return found
