"""Pairs of intents that are taken for each other, with the sentences that cause it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from bot.dialogue.messages import JSON
from bot.nlu.cross_validation import JudgedExample


@dataclass(frozen=True, slots=True)
class ConfusedPair:
    """Two intents, in the order of the alphabet, with the sentences of each that were taken for the other.

    `share` is the part of both intents' sentences that was mistaken so.
    """

    intents: tuple[str, str]
    sentences: tuple[JudgedExample, ...]
    share: float

    def as_dict(self) -> dict[str, JSON]:
        """The JSON form."""
        return {
            "intents": list(self.intents),
            "mistaken": len(self.sentences),
            "share": self.share,
            "sentences": [_row(row) for row in self.sentences],
        }


def _row(row: JudgedExample) -> dict[str, JSON]:
    cause = row.cause
    return {
        "text": row.example.text,
        "place": str(row.example.location) if row.example.location else None,
        "intent": row.expected,
        "taken_for": row.predicted,
        "confidence": row.chances.get(str(row.predicted), 0.0),
        "because_of": cause and cause.sentence.text,
        "because_of_place": cause and cause.sentence.place,
        "similarity": cause and cause.similarity,
    }


def confused_pairs(judged: Sequence[JudgedExample]) -> tuple[ConfusedPair, ...]:
    """Return the pairs with a mistaken sentence, most mistakes first; of a pair the surest mistake first."""
    counts = Counter(row.expected for row in judged)
    mistaken: dict[tuple[str, str], list[JudgedExample]] = defaultdict(list)
    for row in judged:
        if row.predicted and row.predicted != row.expected:
            first, second = sorted((row.expected, row.predicted))
            mistaken[first, second].append(row)
    pairs = [
        ConfusedPair(
            pair,
            tuple(sorted(rows, key=lambda row: -row.chances.get(str(row.predicted), 0.0))),
            len(rows) / sum(counts[intent] for intent in pair),
        )
        for pair, rows in mistaken.items()
    ]
    return tuple(sorted(pairs, key=lambda pair: (-len(pair.sentences), pair.intents)))
