"""Story steps as a graph joined by checkpoints: order them, cut cycles.

A cycle is cut as in Rasa: the step that closes it ends in a sink, and the step it leads back to starts, in
a later phase, from the matching source. A cycle is thus gone round a few times and not for ever.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.training_data.stories import GENERATED, STORY_START, Checkpoint, StoryStep

_CYCLE = f"{GENERATED}CYCL_"


@dataclass(frozen=True, slots=True)
class Graph:
    """Steps in topological order; `sources` maps the sink of a cut cycle to where it goes on."""

    steps: tuple[StoryStep, ...]
    sources: dict[str, str]


def connect(steps: Sequence[StoryStep]) -> Graph:
    """Order steps so that each stands behind those that lead to it, cycles cut."""
    _, cyclic = _sort(steps)
    sources: dict[str, str] = {}
    cut = list(steps)
    overlapping: set[str] = set()
    for number, (start, end) in enumerate(cyclic):
        overlapping |= _cut(cut, start, end, number, sources)
    if cyclic:
        cut = _without_unused(cut, overlapping, sources)
    order, _ = _sort(cut)
    return Graph(tuple(cut[index] for index in order), sources)


def find_start_name(end: str, sources: Mapping[str, str]) -> str:
    """Return the checkpoint where a story that ended at `end` goes on."""
    return sources.get(end, end)


def is_generated(name: str) -> bool:
    """Tell whether a checkpoint was made for an `or` or a cycle."""
    return name.startswith(GENERATED)


def _sort(steps: Sequence[StoryStep]) -> tuple[list[int], list[tuple[int, int]]]:
    """Return indices in topological order, and the edges that would close a cycle."""
    waiting: dict[str, list[int]] = defaultdict(list)
    for index, step in enumerate(steps):
        for checkpoint in step.start:
            waiting[checkpoint.name].append(index)
    following = [
        sorted({other for checkpoint in step.end for other in waiting.get(checkpoint.name, ())})
        for step in steps
    ]
    finished: list[int] = []
    cyclic: set[tuple[int, int]] = set()
    open_or_done: dict[int, bool] = {}  # True once all that follows is done
    for root in reversed(range(len(steps))):
        if root not in open_or_done:
            _visit(root, following, open_or_done, finished, cyclic)
    return finished[::-1], sorted(cyclic)


def _visit(
    root: int,
    following: Sequence[Sequence[int]],
    open_or_done: dict[int, bool],
    finished: list[int],
    cyclic: set[tuple[int, int]],
) -> None:
    """Depth-first search with its own stack, since chains of checkpoints may be long."""
    open_or_done[root] = False
    stack = [(root, iter(following[root]))]
    while stack:
        node, rest = stack[-1]
        for other in rest:
            if other not in open_or_done:
                open_or_done[other] = False
                stack.append((other, iter(following[other])))
                break
            if not open_or_done[other]:
                cyclic.add((node, other))
        else:
            open_or_done[node] = True
            finished.append(node)
            stack.pop()


def _cut(steps: list[StoryStep], start: int, end: int, number: int, sources: dict[str, str]) -> set[str]:
    """Replace one closing edge by a sink and a source; return the checkpoints it went through."""
    sink, connector, source = (f"{_CYCLE}{part}_{number}" for part in ("SINK", "CONN", "SRC"))
    sources[sink] = source
    shared = {point.name for point in steps[start].end} & {point.name for point in steps[end].start}
    kept = tuple(point for point in steps[start].end if point.name not in shared)
    steps[start] = replace(steps[start], end=(*kept, Checkpoint(sink)))
    needs_connector = False
    for index, step in enumerate(steps):
        added: list[Checkpoint] = []
        for point in step.start:
            if point.name in shared:
                name = source if index == end else connector
                needs_connector = needs_connector or index != end
                new = Checkpoint(name, point.conditions)
                if new not in step.start:
                    added.append(new)
        if added:
            steps[index] = replace(step, start=(*step.start, *added))
    if needs_connector:
        steps[start] = replace(steps[start], end=(*steps[start].end, Checkpoint(connector)))
    return shared


def _without_unused(
    steps: Iterable[StoryStep], overlapping: set[str], sources: Mapping[str, str]
) -> list[StoryStep]:
    """Drop checkpoints that cutting left without a partner, and steps that had only such ones."""
    steps = list(steps)
    starts = {point.name for step in steps for point in step.start} | {STORY_START}
    ends = {sources.get(point.name, point.name) for step in steps for point in step.end} | {STORY_START}
    unused = starts ^ ends
    kept = []
    for step in steps:
        start = tuple(p for p in step.start if p.name not in unused & overlapping)
        end = tuple(p for p in step.end if not (p.name in unused and is_generated(p.name)))
        if (step.start and not start) or (step.end and not end):
            continue
        kept.append(replace(step, start=start, end=end))
    return kept
