"""Altered copies of training sentences: typing mistakes, other case, other words, words left out.

A copy teaches what its sentence teaches. Whoever holds a sentence out must hold its copies out with it.
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from bot.dialogue.messages import Entity
from bot.nlu.plan import Augmentation, UnderstandingOptions
from bot.training_data.nlu_examples import NluData, NluExample
from language.tokens import is_unspaced
from language.word_rules import Span

_LETTERS_PER_TYPO = 15
_FEWEST_WORDS, _FEWEST_CHARACTERS = 4, 6  # of a text that still says the same with one left out
_TRIES = 4
_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_WORD = re.compile(r"\S+")
# What Chinese writers type in either width; letters have their case.
_WIDTHS = str.maketrans("，。？！：；（）,.?!:;()", ",.?!:;()，。？！：；（）")
# Leaving a word out, or naming another thing, may turn a mood round.
_HARMLESS = (Augmentation.TYPOS, Augmentation.CASE)


@dataclass(frozen=True, slots=True)
class Copies:
    """Altered sentences and, for each, the row of the sentence that it was made of."""

    examples: tuple[NluExample, ...] = ()
    sources: tuple[int, ...] = ()


@dataclass(frozen=True)
class Augmenter:
    """Alters sentences in the ways that are asked for; the same seed gives the same copies.

    `synonyms` has for a phrase, in lower case, the others that mean the same, of the same entity where one
    is named.
    """

    kinds: Sequence[Augmentation]
    synonyms: Mapping[str, Sequence[str]]
    random: np.random.Generator
    _known: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, kinds: Sequence[Augmentation], data: NluData, *, seed: int) -> Augmenter:
        """Prepare with the synonyms and lookup tables of a project."""
        known = {row.text for row in data.examples} | {row.text for row in data.sentiment_examples}
        return cls(kinds, _synonyms(data), np.random.default_rng(seed), known)

    def copies(self, examples: Sequence[NluExample], *, each: int, at_most: int) -> Copies:
        """Return so many copies of each example, fewer where no alteration gives a new sentence."""
        made: list[NluExample] = []
        sources: list[int] = []
        for _, (row, example) in itertools.product(range(each), enumerate(examples)):
            copy = self._altered(example, self.kinds)
            if copy and len(made) < at_most:
                made.append(copy)
                sources.append(row)
        return Copies(tuple(made), tuple(sources))

    def moods(self, texts: Sequence[str], *, each: int, at_most: int) -> Copies:
        """Return copies of sentences whose mood counts, altered so that it stays."""
        harmless = replace(self, kinds=[kind for kind in self.kinds if kind in _HARMLESS])
        return harmless.copies([NluExample(text, "") for text in texts], each=each, at_most=at_most)

    def _altered(self, example: NluExample, kinds: Sequence[Augmentation]) -> NluExample | None:
        for _ in range(_TRIES if kinds else 0):
            kind = kinds[int(self.random.integers(len(kinds)))]
            copy = _ALTERATIONS[kind](self, example)
            if copy and copy.text.strip() and copy.text != example.text and copy.text not in self._known:
                self._known.add(copy.text)
                return copy
        return None

    def typos(self, example: NluExample) -> NluExample | None:
        """Swap, drop, double or mistype a letter or two, never inside an entity."""
        for _ in range(max(1, len(example.text) // _LETTERS_PER_TYPO)):
            free = [place for place in _free(example) if example.text[place].isalpha()]
            if len(free) < 2:
                return None
            place = free[int(self.random.integers(len(free)))]
            letter, after = example.text[place], example.text[place + 1 : place + 2]
            kind = int(self.random.integers(4))
            if kind == 0 and place + 1 in free:
                example = _replaced(example, (place, place + 2), after + letter)
            elif kind == 1:
                example = _replaced(example, (place, place + 1), "")
            elif kind == 2:
                example = _replaced(example, (place, place + 1), letter * 2)
            else:
                example = _replaced(example, (place, place + 1), self._beside(letter))
        return example

    def _beside(self, letter: str) -> str:
        """Return a letter whose key lies beside; the letter itself where no such key is known."""
        for row in _KEYS:
            place = row.find(letter.lower())
            if place >= 0:
                aside = -1 if place and self.random.random() < 0.5 else 1
                other = row[(place + aside) % len(row)]
                return other.upper() if letter.isupper() else other
        return letter

    def case(self, example: NluExample) -> NluExample | None:
        """Write in capitals, small letters or with a capital in front; Chinese signs in their other width."""
        if any(is_unspaced(character) for character in example.text):
            return replace(example, text=example.text.translate(_WIDTHS))
        ways: tuple[Callable[[str], str], ...] = (str.lower, str.upper, str.capitalize)
        text = ways[int(self.random.integers(len(ways)))](example.text)
        # Some letters become two in capitals, and every place behind them would move.
        return replace(example, text=text) if len(text) == len(example.text) else None

    def exchanged(self, example: NluExample) -> NluExample | None:
        """Put another phrase of the same meaning in the place of one, entities first."""
        places = _spans(example)
        places += [match.span() for match in _WORD.finditer(example.text) if _is_free(example, match.span())]
        for place in self.random.permutation(len(places)).tolist():
            start, end = places[place]
            others = self.synonyms.get(example.text[start:end].lower(), ())
            if others:
                return _replaced(example, (start, end), others[int(self.random.integers(len(others)))])
        return None

    def shortened(self, example: NluExample) -> NluExample | None:
        """Leave a word out, or a character of a script without spaces; never one of an entity."""
        spaced = not any(is_unspaced(character) for character in example.text)
        units = [match.span() for match in re.finditer(r"\S+" if spaced else r"\S", example.text)]
        free = [unit for unit in units if _is_free(example, unit)]
        if len(units) < (_FEWEST_WORDS if spaced else _FEWEST_CHARACTERS) or not free:
            return None
        start, end = free[int(self.random.integers(len(free)))]
        behind = end + 1 if example.text[end : end + 1] == " " else end
        return _replaced(example, (start, behind), "")


_ALTERATIONS: Mapping[Augmentation, Callable[[Augmenter, NluExample], NluExample | None]] = {
    Augmentation.TYPOS: Augmenter.typos,
    Augmentation.CASE: Augmenter.case,
    Augmentation.SYNONYMS: Augmenter.exchanged,
    Augmentation.WORD_DROP: Augmenter.shortened,
}


def augmented(
    data: NluData, examples: Sequence[NluExample], options: UnderstandingOptions, *, at_most: int
) -> tuple[Copies, Copies]:
    """Return the copies that the options ask for, of examples and of the sentiment sentences.

    Sentences and copies together are never more than `at_most`.
    """
    augmenter = Augmenter.of(options.augment, data, seed=options.random_seed)
    each = options.augment_copies if options.augment else 0
    moods = [row.text for row in data.sentiment_examples]
    return (
        augmenter.copies(examples, each=each, at_most=at_most - len(examples)),
        augmenter.moods(moods, each=each, at_most=at_most - len(moods)),
    )


def _synonyms(data: NluData) -> Mapping[str, Sequence[str]]:
    """Return for each phrase, in lower case, the others of its canonical value and of its lookup table."""
    groups: dict[str, list[str]] = defaultdict(list)
    for surface, value in data.synonyms.items():
        groups[f"synonym {value}"].append(surface)
    for value in set(data.synonyms.values()):
        groups[f"synonym {value}"].append(value)
    for name, phrases in data.lookups.items():
        groups[f"lookup {name}"] += phrases
    others: dict[str, dict[str, None]] = defaultdict(dict)
    for group in groups.values():
        for phrase in group:
            rest = [row for row in group if row.lower() != phrase.lower()]
            others[phrase.lower()].update(dict.fromkeys(rest))
    return {phrase: tuple(found) for phrase, found in others.items()}


def _free(example: NluExample) -> Iterator[int]:
    return (place for place in range(len(example.text)) if _is_free(example, (place, place + 1)))


def _is_free(example: NluExample, place: Span) -> bool:
    """Whether no entity touches a place."""
    return not any(start < place[1] and place[0] < end for start, end in _spans(example))


def _spans(example: NluExample) -> list[Span]:
    return [
        (entity.start, entity.end)
        for entity in example.entities
        if entity.start is not None and entity.end is not None
    ]


def _replaced(example: NluExample, place: Span, text: str) -> NluExample:
    """Write another text at a place and move what stands behind it; an entity there takes the text over."""
    start, end = place
    grown = len(text) - (end - start)

    def moved(entity: Entity) -> Entity:
        if entity.start is None or entity.end is None or entity.end <= start:
            return entity
        if (entity.start, entity.end) == place:
            return replace(entity, end=entity.end + grown, value=text)
        return replace(entity, start=entity.start + grown, end=entity.end + grown)

    written = example.text[:start] + text + example.text[end:]
    return replace(example, text=written, entities=tuple(map(moved, example.entities)))
