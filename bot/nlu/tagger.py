"""The entity head: one tag a word, from its dense vector and from marks of the words around it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from bot.dialogue.messages import Entity
from bot.nlu.entity_lookup import PatternMatch
from bot.nlu.features import FloatArray
from bot.nlu.linear import softmax
from bot.nlu.tags import OUTSIDE, Tag, best_path, decode_tags, transitions
from language.tokens import Span

_AROUND = (-2, -1, 0, 1, 2)
_RUNS = re.compile(r"(.)\1+")


def word_marks(text: str, words: Sequence[Span], matches: Sequence[PatternMatch]) -> list[list[str]]:
    """Return the marks of each word: itself, its neighbours, its shape, and the patterns that touch it."""
    forms = [text[start:end].lower() for start, end in words]
    patterns = [
        sorted({match.name for match in matches if match.start < end and match.end > start})
        for start, end in words
    ]
    return [_marks(row, text[start:end], forms, patterns) for row, (start, end) in enumerate(words)]


def _marks(row: int, word: str, forms: Sequence[str], patterns: Sequence[Sequence[str]]) -> list[str]:
    marks = [f"shape {_shape(word)}", f"start {word[:3].lower()}", f"end {word[-3:].lower()}"]
    for offset in _AROUND:
        place = row + offset
        is_inside = 0 <= place < len(forms)
        marks.append(f"{offset} {forms[place] if is_inside else ''}")
        if is_inside:
            marks.extend(f"{offset} in {name}" for name in patterns[place])
    for first in (row - 1, row):
        pair = " ".join(forms[place] if 0 <= place < len(forms) else "" for place in (first, first + 1))
        marks.append(f"{first - row} pair {pair}")
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
    """A trained entity head.

    `dense` (2H, L), `marks` (M, L) and `bias` (L,) score the tags of a word; the path of tags through a
    sentence is the best one that no tag contradicts.
    """

    tags: tuple[Tag, ...]
    vocabulary: MarkVocabulary
    dense: FloatArray
    marks: FloatArray
    bias: FloatArray
    moves: FloatArray = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "moves", transitions(self.tags))  # the one way to set a derived field

    def entities(
        self,
        text: str,
        words: Sequence[Span],
        vectors: FloatArray,
        matches: Sequence[PatternMatch],
        *,
        extractor: str,
    ) -> list[Entity]:
        """Find the learnt entities; `vectors` is (words, 2H), `matches` are the project's patterns."""
        if not words:
            return []
        scores = normalised(vectors) @ self.dense + self.bias  # (words, L)
        for row, marks in enumerate(word_marks(text, words, matches)):
            columns = self.vocabulary.known(marks)
            if columns:
                scores[row] += self.marks[columns].sum(axis=0)
        path = best_path(scores, self.moves, self.tags.index(OUTSIDE))
        chances = softmax(scores)
        found = []
        for span in decode_tags([self.tags[index] for index in path]):
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
