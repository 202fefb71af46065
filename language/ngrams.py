"""Sparse character and word n-grams of a text, for scripts with and without word boundaries."""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from language.tokens import UNSPACED, is_unspaced

_RUNS = re.compile(r"\w+|[^\w\s]")
_CHARACTER_LENGTHS = (2, 3, 4, 5)
_PARTS = re.compile(f"[{UNSPACED}]|[^{UNSPACED}]+")
_DIGITS = re.compile(r"\d")


def _units(text: str) -> list[str]:
    """Return words, characters of unspaced scripts, punctuation marks and emoji, in order."""
    units: list[str] = []
    for run in _RUNS.findall(text):
        units.extend(_PARTS.findall(run))
    return units


def ngrams(text: str) -> Counter[str]:
    """Count the n-grams of a text, lower-cased, digits folded to 0.

    Words and pairs of words stand with the prefix `w `, pieces of 2 to 5 characters within a padded word
    with `c `. A character of an unspaced script counts as a word (its pairs are the bigrams), and so does a
    punctuation mark or an emoji.
    """
    units = _units(_DIGITS.sub("0", text.lower()))
    found = [f"w {unit}" for unit in units]
    found += [f"w {left} {right}" for left, right in itertools.pairwise(units)]
    for unit in units:
        if unit[0].isalnum() and not is_unspaced(unit[0]):
            padded = f" {unit} "
            for length in _CHARACTER_LENGTHS:
                starts = range(max(1, len(padded) - length + 1))
                found += [f"c {padded[start : start + length]}" for start in starts]
    return Counter(found)


@dataclass(frozen=True, slots=True)
class SparseVector:
    """The non-zero entries of a vector: columns (ascending) and their values."""

    columns: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class NgramVocabulary:
    """The n-grams of the training texts, each with its column and its inverse document frequency.

    Word n-grams and character n-grams are two blocks, each scaled to length 1 (0 where a text has none).
    """

    columns: Mapping[str, int]
    weights: tuple[float, ...]

    @classmethod
    def fit(cls, texts: Sequence[str], *, max_size: int = 60_000) -> NgramVocabulary:
        """Learn the vocabulary; beyond `max_size` the n-grams of the fewest texts are left out."""
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(ngrams(text).keys())
        kept = sorted(counts, key=lambda gram: (-counts[gram], gram))[:max_size]
        weights = tuple(math.log((1 + len(texts)) / (1 + counts[gram])) + 1 for gram in kept)
        return cls({gram: column for column, gram in enumerate(kept)}, weights)

    def vector(self, grams: Mapping[str, int]) -> SparseVector:
        """Weigh counted n-grams by (1 + ln count) x inverse document frequency, length 1 per block."""
        blocks: dict[str, list[tuple[int, float]]] = {"w": [], "c": []}
        columns, weights = self.columns, self.weights
        for gram, count in grams.items():
            column = columns.get(gram)
            if column is not None:
                weight = weights[column]
                blocks[gram[0]].append((column, weight if count == 1 else (1 + math.log(count)) * weight))
        entries = sorted(_unit_length(blocks["w"]) + _unit_length(blocks["c"]))
        return SparseVector(tuple([column for column, _ in entries]), tuple([value for _, value in entries]))


def _unit_length(entries: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    norm = math.sqrt(sum([value * value for _, value in entries]))
    return [(column, value / norm) for column, value in entries] if norm else []
