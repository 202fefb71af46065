"""Which entity stays where two extractors found something at the same place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.dialogue.messages import Entity


def settle_overlaps(ranked: Sequence[Sequence[Entity]]) -> list[Entity]:
    """Keep at most one entity at each place, in the order of the text.

    `ranked` holds the findings of each extractor, the most exact one first: patterns of the project, built-in
    patterns, learnt entities. Of the same entity type the more exact extractor wins, and takes the role and
    group of the learnt one over; of different types the longer span wins, and of equally long ones the more
    exact. Entities without a place always stay.
    """
    rank = {id(entity): place for place, entities in enumerate(ranked) for entity in entities}
    candidates = _without_learnt_doubles([entity for entities in ranked for entity in entities], rank)
    kept: list[Entity] = []
    for entity in sorted(candidates, key=lambda row: (-_length(row[0]), row[1])):
        if not any(_overlap(entity[0], other) for other in kept):
            kept.append(entity[0])
    return sorted(kept, key=lambda found: (found.start is None, found.start or 0))


def _without_learnt_doubles(entities: Sequence[Entity], rank: dict[int, int]) -> list[tuple[Entity, int]]:
    """Drop what a more exact extractor found as well, after its role and group have moved there."""
    remaining: list[tuple[Entity, int]] = []
    for entity in sorted(entities, key=lambda found: rank[id(found)]):
        twin = next(
            (
                place
                for place, (other, other_rank) in enumerate(remaining)
                if other.entity == entity.entity and other_rank < rank[id(entity)] and _overlap(other, entity)
            ),
            None,
        )
        if twin is None:
            remaining.append((entity, rank[id(entity)]))
            continue
        other, other_rank = remaining[twin]
        roles = replace(other, role=other.role or entity.role, group=other.group or entity.group)
        remaining[twin] = (roles, other_rank)
    return remaining


def _length(entity: Entity) -> int:
    return (entity.end or 0) - (entity.start or 0)


def _overlap(left: Entity, right: Entity) -> bool:
    if left.start is None or left.end is None or right.start is None or right.end is None:
        return False
    return left.start < right.end and right.start < left.end
