"""Entities as one tag a word: B begins, I continues, O is outside; role and group belong to the label."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bot.dialogue.messages import Entity
from bot.nlu.features import FloatArray
from language.tokens import Span


@dataclass(frozen=True, slots=True)
class Tag:
    """What a word is to an entity: `prefix` is O, B or I; the rest is empty for O.

    Tags are sorted by entity, role and group, where one without a role stands before those that have one.
    """

    prefix: str
    entity: str = ""
    role: str | None = None
    group: str | None = None

    def __lt__(self, other: Tag) -> bool:
        """Tell whether this tag is sorted before another."""
        return self._place < other._place

    @property
    def _place(self) -> tuple[str, str, str, str]:
        return (self.entity, self.role or "", self.group or "", self.prefix)

    def may_follow(self, previous: Tag) -> bool:
        """Tell whether this tag can stand after another: only an I needs its own B or I before it."""
        if self.prefix != "I":
            return True
        return previous.prefix != "O" and self.label == previous.label

    @property
    def label(self) -> tuple[str, str | None, str | None]:
        """Entity, role and group."""
        return (self.entity, self.role, self.group)


OUTSIDE = Tag("O")


def encode_tags(words: Sequence[Span], entities: Sequence[Entity]) -> list[Tag]:
    """Give each word its tag; of entities that share a word the longer one counts.

    A word belongs to an entity when they overlap, so an entity that cuts a word takes all of it.
    """
    tags = [OUTSIDE] * len(words)
    placed = [
        (entity, entity.start, entity.end)
        for entity in entities
        if entity.start is not None and entity.end is not None
    ]
    for entity, start, end in sorted(placed, key=lambda row: row[1] - row[2]):
        inside = [row for row, (first, last) in enumerate(words) if first < end and last > start]
        if all(tags[row] == OUTSIDE for row in inside):
            for place, row in enumerate(inside):
                tags[row] = Tag("I" if place else "B", entity.entity, entity.role, entity.group)
    return tags


@dataclass(frozen=True, slots=True)
class TaggedSpan:
    """An entity as tags tell it: words `first` to `last` (half-open) with one label."""

    first: int
    last: int
    tag: Tag


def decode_tags(tags: Sequence[Tag]) -> list[TaggedSpan]:
    """Join tags to spans; an I without its B begins a span of its own."""
    spans: list[TaggedSpan] = []
    for row, tag in enumerate(tags):
        if tag.prefix == "O":
            continue
        last = spans[-1] if spans else None
        if tag.prefix == "I" and last and last.last == row and last.tag.label == tag.label:
            spans[-1] = TaggedSpan(last.first, row + 1, last.tag)
        else:
            spans.append(TaggedSpan(row, row + 1, tag))
    return spans


def transitions(tags: Sequence[Tag]) -> FloatArray:
    """Return (L, L): 0 where the column's tag may follow the row's, minus infinity elsewhere."""
    allowed = [[0.0 if after.may_follow(before) else -np.inf for after in tags] for before in tags]
    return np.array(allowed, np.float32)
