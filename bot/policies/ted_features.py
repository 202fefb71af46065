"""States to rows of numbers, for policies that learn from examples.

Every column has a name that says what sets it: `intent greet`, `action utter_greet`, `slot city 0`. What a
model was not trained on has no column and leaves no trace.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bot.dialogue.messages import JSON
from bot.policies.states import State
from bot.policies.turns import RuleOnly
from language.ngrams import NgramVocabulary, ngrams

FloatArray = NDArray[np.float32]

_MAX_NGRAMS = 4000
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_a-zA-Z]+")


def marks(state: State, hidden: RuleOnly) -> Iterator[tuple[str, float]]:
    """Name what is there to see in a state, with its strength, the customer's wording left out.

    Words of a name are marks of their own: an intent that few stories have takes after its namesakes.
    """
    if state.user is not None:
        if state.user.intent:
            yield f"intent {state.user.intent}", 1.0
            yield from _shared(f"intent {word}" for word in name_words(state.user.intent))
        for label in state.user.entities:
            yield f"entity {label}", 1.0
    action = state.prev_action
    if action is not None:
        yield f"action {action.name or action.text}", 1.0
        if action.name:
            yield from _shared(f"action {word}" for word in name_words(action.name))
    if state.active_loop and state.active_loop not in hidden.loops:
        yield f"loop {state.active_loop}", 1.0
    for name, features in state.slots:
        if name not in hidden.slots and not isinstance(features, str):
            yield from ((f"slot {name} {place}", value) for place, value in enumerate(features) if value)


def _shared(names: Iterable[str]) -> Iterator[tuple[str, float]]:
    found = [f"word {name}" for name in names]
    yield from ((name, len(found) ** -0.5) for name in found)


def name_words(name: str) -> list[str]:
    """Split a name into words: `utter_askName` has `utter`, `ask` and `name`."""
    return [word.lower() for word in _WORDS.findall(name)]


@dataclass(frozen=True)
class FeatureSpace:
    """The columns of a trained model; `texts` are the wordings that end-to-end stories taught it."""

    columns: Mapping[str, int]
    texts: tuple[str, ...] = ()
    hidden: RuleOnly = field(default_factory=RuleOnly)

    @classmethod
    def fit(cls, states: Iterable[State], hidden: RuleOnly) -> FeatureSpace:
        """Give every mark of the states a column."""
        found: dict[str, int] = {}
        texts: dict[str, None] = {}
        for state in states:
            for name, _ in marks(state, hidden):
                found.setdefault(name, len(found))
            if state.user is not None and state.user.text:
                texts[state.user.text] = None
        return cls(found, tuple(texts), hidden)

    @property
    def width(self) -> int:
        """Number of columns, those of wordings included."""
        return len(self.columns) + len(self._vocabulary.columns)

    def rows(self, states: Sequence[State]) -> FloatArray:
        """Return one row a state: (states, width)."""
        rows = np.zeros((len(states), self.width), np.float32)
        for row, state in zip(rows, states, strict=True):
            for name, value in marks(state, self.hidden):
                column = self.columns.get(name)
                if column is not None:
                    row[column] = value
            if state.user is not None and state.user.text:
                vector = self._vocabulary.vector(ngrams(state.user.text))
                row[len(self.columns) + np.asarray(vector.columns, np.intp)] = vector.values
        return rows

    def closeness(self, text: str) -> float:
        """Return how near a text is to the nearest wording of the stories, in [0, 1]."""
        vector = self._vocabulary.vector(ngrams(text))
        if not vector.columns:
            return 0.0
        near = self._learnt[:, list(vector.columns)] @ np.asarray(vector.values, np.float32)
        # Words and pieces of words are two blocks of length 1 each.
        return min(1.0, float(near.max()) / 2) if self._covers(text) else 0.0

    def as_json(self) -> JSON:
        """Return the columns in order, and the wordings."""
        return {"columns": list(self.columns), "texts": list(self.texts)}

    @classmethod
    def from_json(cls, data: Mapping[str, JSON], hidden: RuleOnly) -> FeatureSpace:
        """Read the columns back."""
        return cls({name: column for column, name in enumerate(data["columns"])}, tuple(data["texts"]), hidden)

    @cached_property
    def _vocabulary(self) -> NgramVocabulary:
        return NgramVocabulary.fit(self.texts, max_size=_MAX_NGRAMS)
