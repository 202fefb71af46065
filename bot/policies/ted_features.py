"""States to rows of numbers, for policies that learn from examples.

Every column has a name that says what sets it: `intent greet`, `action utter_greet`, `slot city 0`. What
is new to a model has no column of its own; a `flag` or a word of its name still tells that it is there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate
from math import log, sqrt

import numpy as np
from numpy.typing import NDArray

from bot.dialogue.domain import Domain
from bot.dialogue.messages import JSON
from bot.policies.states import Action, State, User
from language.ngrams import NgramVocabulary, ngrams

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

SAID = ("intent", "word", "entity")
KINDS = (*SAID, "action", "loop", "slot", "flag", "text")
"""First word of every column's name, and the order in which columns stand."""

_KIND_ORDER = {kind: place for place, kind in enumerate(KINDS)}
_MAX_NGRAMS = 4000
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_a-zA-Z]+")
_PREFIXES = {"utter", "action"}


@lru_cache(4096)
def name_words(name: str) -> tuple[str, ...]:
    """Split a name into words, each once: `utter_askName` has `utter`, `ask` and `name`."""
    return tuple(dict.fromkeys(word.lower() for word in _WORDS.findall(name)))


def marks(state: State, loops: Set[str]) -> Iterator[tuple[str, float]]:
    """Name what is there to see in a state, with its strength; the customer's wording stands apart.

    `loops` are the names of all loops: one that has run and is not active has come to its end.
    """
    if state.user is not None:
        yield from _said(state.user)
    where = _where(state, loops)
    yield f"flag {where}", 1.0
    if state.loop:
        yield f"loop {state.loop}", 1.0
    if state.prev_action is None:
        yield "flag begins", 1.0
    else:
        yield ("flag listened" if state.is_after_listen else "flag acted"), 1.0
        yield f"action {_name(state.prev_action)}", 1.0
        yield f"action {_name(state.prev_action)} {where}", 1.0
    for name, features in state.slots:
        if not isinstance(features, str):
            yield from ((f"slot {name} {place}", value) for place, value in enumerate(features) if value)


def _where(state: State, loops: Set[str]) -> str:
    ran = state.prev_action.name if state.prev_action is not None else None
    if state.loop:
        return "in loop" if ran == state.loop else "beside loop"
    return "after loop" if ran in loops else "free"


def _said(user: User) -> Iterator[tuple[str, float]]:
    yield "flag said", 1.0
    if user.intent:
        yield f"intent {user.intent}", 1.0
        words = name_words(user.intent)
        yield from ((f"word {word}", 1 / sqrt(len(words))) for word in words)
    yield from ((f"entity {label}", 1.0) for label in user.entities)


def _name(action: Action) -> str:
    return action.name or action.text or ""


@dataclass(frozen=True)
class FeatureSpace:
    """The columns of a trained model; `texts` are the wordings that end-to-end stories taught it."""

    columns: Mapping[str, int]
    texts: tuple[str, ...] = ()

    @classmethod
    def fit(cls, states: Iterable[State], domain: Domain) -> FeatureSpace:
        """Give every mark of the states a column, and every word of the domain's intents."""
        seen = list(states)
        names: dict[str, None] = {}
        texts: dict[str, None] = {}
        loops = {state.loop for state in seen if state.loop}
        for state in seen:
            names.update((name, None) for name, _ in marks(state, loops))
            if state.user is not None and state.user.text:
                texts[state.user.text] = None
        names.update((f"word {word}", None) for intent in domain.intents for word in name_words(intent))
        by_kind = sorted(names, key=lambda name: _KIND_ORDER[name.split(" ", 1)[0]])
        return cls({name: column for column, name in enumerate(by_kind)}, tuple(texts))

    @property
    def width(self) -> int:
        """Number of columns, those of wordings included."""
        return len(self.columns) + len(self._vocabulary.columns)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of all columns in order, those of wordings included."""
        return (*self.columns, *(f"text {gram}" for gram in self._vocabulary.columns))

    @cached_property
    def spans(self) -> tuple[slice, ...]:
        """The columns of each kind, in the order of `KINDS`."""
        counts = Counter(name.split(" ", 1)[0] for name in self.columns)
        counts["text"] = self.width - len(self.columns)
        ends = list(accumulate(counts[kind] for kind in KINDS))
        return tuple(slice(end - counts[kind], end) for kind, end in zip(KINDS, ends, strict=True))

    def rows(self, states: Sequence[State]) -> FloatArray:
        """Return one row a state: (states, width)."""
        rows = np.zeros((len(states), self.width), np.float32)
        for row, state in zip(rows, states, strict=True):
            for name, value in marks(state, self._loops):
                column = self.columns.get(name)
                if column is not None:
                    row[column] = value
            if self.texts and state.user is not None and state.user.text:
                vector = self._vocabulary.vector(ngrams(state.user.text))
                row[len(self.columns) + np.asarray(vector.columns, np.intp)] = vector.values
        return rows

    def kinship(self, labels: Sequence[str]) -> FloatArray:
        """Tell which labels are named like a column: (2, width, labels).

        First by words: `intent ask_price` and `utter_price` share one, which counts the more the rarer it is.
        Then loops with themselves: what goes on is the likeliest to go on.
        """
        kin = np.zeros((2, self.width, len(labels)), np.float32)
        words = [set(name_words(label)) - _PREFIXES for label in labels]
        frequency = Counter(word for own in words for word in own)
        for place, (label, own) in enumerate(zip(labels, words, strict=True)):
            weights = {word: log((1 + len(labels)) / frequency[word]) for word in sorted(own)}
            length = sqrt(sum(weight**2 for weight in weights.values())) or 1.0
            for word, weight in weights.items():
                column = self.columns.get(f"word {word}")
                if column is not None:
                    kin[0, column, place] = weight / length
            column = self.columns.get(f"loop {label}")
            if column is not None:
                kin[1, column, place] = 1.0
        return kin

    def closeness(self, text: str) -> float:
        """Return how near a text is to the nearest wording of the stories, in [0, 1], by shared n-grams."""
        grams = ngrams(text).keys()
        near = (
            len(grams & known) / sqrt(len(grams) * len(known)) for known in self._learnt if grams and known
        )
        return max(near, default=0.0)

    def as_json(self) -> JSON:
        """Return the columns in order, and the wordings."""
        return {"columns": list(self.columns), "texts": list(self.texts)}

    @classmethod
    def from_json(cls, data: Mapping[str, JSON]) -> FeatureSpace:
        """Read the columns back."""
        return cls({name: column for column, name in enumerate(data["columns"])}, tuple(data["texts"]))

    @cached_property
    def _loops(self) -> frozenset[str]:
        return frozenset(name.removeprefix("loop ") for name in self.columns if name.startswith("loop "))

    @cached_property
    def _vocabulary(self) -> NgramVocabulary:
        return NgramVocabulary.fit(self.texts, max_size=_MAX_NGRAMS)

    @cached_property
    def _learnt(self) -> list[frozenset[str]]:
        return [frozenset(ngrams(text)) for text in self.texts]
