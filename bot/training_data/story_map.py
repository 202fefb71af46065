"""Stories and rules as one graph, a place for every node: what customers say and what the bot does then."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from bot.dialogue.domain import ACTION_LISTEN, RULE_SNIPPET
from bot.dialogue.events import ActionExecuted, ActiveLoop, SlotSet, UserUttered
from bot.errors import Location
from bot.training_data.story_graph import TrainingTracker

_SWEEPS = 6
_UNTOLD = (ACTION_LISTEN, RULE_SNIPPET, "action_session_start")


class NodeKind(StrEnum):
    """What a node stands for."""

    START = "start"
    INTENT = "intent"
    ACTION = "action"
    LOOP = "loop"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a story as the map shows it; `detail` are entities, slots or the end of a loop."""

    kind: NodeKind
    label: str
    detail: str = ""


@dataclass
class Node:
    """A step with its place: `column` counts from the start, `row` is a real number from 0 down.

    `stories` are indices of the stories that pass it, `ends` of those that end there.
    """

    step: Step
    column: int = 0
    row: float = 0.0
    stories: set[int] = field(default_factory=set)
    ends: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class StoryMap:
    """Nodes, edges between their indices with the stories that take them, all stories by name and place."""

    nodes: tuple[Node, ...]
    edges: dict[tuple[int, int], set[int]]
    stories: tuple[tuple[str, Location | None], ...]


def draw_map(trackers: Sequence[TrainingTracker], *, max_history: int = 2) -> StoryMap:
    """Join stories where they are the same: moments with the same last `max_history` steps are one node."""
    nodes: dict[tuple[Step, ...], Node] = {}
    edges: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
    numbers: dict[tuple[Step, ...], int] = {}
    for story, tracker in enumerate(trackers):
        start = Step(NodeKind.START, "rule" if tracker.is_rule else "story")
        path: list[Step] = [start]
        before: int | None = None
        for step in [start, *steps_of(tracker)]:
            path = [start] if step is start else [*path, step]
            key = tuple(path[-max_history:])
            number = numbers.setdefault(key, len(numbers))
            node = nodes.setdefault(key, Node(step))
            node.stories.add(story)
            if before is not None:
                edges[before, number].add(story)
            before = number
        list(nodes.values())[before or 0].ends.add(story)
    placed = list(nodes.values())
    _place(placed, edges)
    return StoryMap(tuple(placed), dict(edges), tuple((item.name, item.location) for item in trackers))


def steps_of(tracker: TrainingTracker) -> Iterator[Step]:
    """Walk over what a story tells: messages, actions, ends of loops; slots go with what is before."""
    told: Step | None = None
    for event in tracker.events:
        step: Step | None = None
        match event:
            case UserUttered():
                entities = ", ".join(dict.fromkeys(entity.entity for entity in event.entities))
                step = Step(NodeKind.INTENT, event.intent_name or event.text or "?", entities)
            case ActionExecuted() if event.name not in _UNTOLD:
                step = Step(NodeKind.ACTION, event.name or event.action_text or "?")
            case ActiveLoop(name=None):
                step = Step(NodeKind.LOOP, "loop ends")
            case ActiveLoop() if told and told.label == event.name:
                told = Step(NodeKind.LOOP, told.label)
            case SlotSet() if told and event.name not in told.detail:
                slots = ", ".join(filter(None, (told.detail, event.name)))
                told = Step(told.kind, told.label, slots)
        if step:
            if told:
                yield told
            told = step
    if told:
        yield told


def _place(nodes: Sequence[Node], edges: Iterable[tuple[int, int]]) -> None:
    """Give every node a column by its longest way from a start, and a row near its neighbours."""
    following: defaultdict[int, list[int]] = defaultdict(list)
    for source, target in edges:
        if source != target:
            following[source].append(target)
    forward = _without_cycles(len(nodes), following)
    order = _in_order(len(nodes), forward)
    for source in order:
        for target in forward[source]:
            nodes[target].column = max(nodes[target].column, nodes[source].column + 1)
    _arrange(nodes, order, forward)


def _arrange(nodes: Sequence[Node], order: Sequence[int], forward: dict[int, list[int]]) -> None:
    """Give rows: first as they come, then nearer to what leads to a node and to what follows it, in turn."""
    columns: defaultdict[int, list[int]] = defaultdict(list)
    leading: defaultdict[int, list[int]] = defaultdict(list)
    for number in order:
        column = columns[nodes[number].column]
        nodes[number].row = float(len(column))
        column.append(number)
        for target in forward[number]:
            leading[target].append(number)
    for sweep in range(_SWEEPS):
        is_forward = sweep % 2 == 0
        neighbours = leading if is_forward else forward
        for place in sorted(columns, reverse=not is_forward):
            _settle(nodes, columns[place], neighbours)
    lowest = min((node.row for node in nodes), default=0.0)
    for node in nodes:
        node.row -= lowest


def _settle(nodes: Sequence[Node], column: list[int], neighbours: dict[int, list[int]]) -> None:
    """Move the nodes of a column towards their neighbours, at least one row apart, their middle kept."""

    def wished(number: int) -> float:
        rows = [nodes[other].row for other in neighbours.get(number, ())]
        return sum(rows) / len(rows) if rows else nodes[number].row

    wishes = {number: wished(number) for number in column}
    column.sort(key=lambda number: wishes[number])
    rows: list[float] = []
    for number in column:
        rows.append(max(wishes[number], rows[-1] + 1 if rows else wishes[number]))
    shift = sum(wishes[number] - row for number, row in zip(column, rows, strict=True)) / len(column)
    for number, row in zip(column, rows, strict=True):
        nodes[number].row = row + shift


def _without_cycles(count: int, following: dict[int, list[int]]) -> dict[int, list[int]]:
    """Leave out the edges that lead back, found by walking depth first."""
    kept: dict[int, list[int]] = {number: [] for number in range(count)}
    done: set[int] = set()
    for root in range(count):
        if root in done:
            continue
        path = {root}
        stack = [(root, iter(following.get(root, ())))]
        while stack:
            number, targets = stack[-1]
            target = next(targets, None)
            if target is None:
                stack.pop()
                path.discard(number)
                done.add(number)
            elif target not in path:
                kept[number].append(target)
                if target not in done:
                    path.add(target)
                    stack.append((target, iter(following.get(target, ()))))
    return kept


def _in_order(count: int, following: dict[int, list[int]]) -> list[int]:
    """Sort so that every edge leads onwards."""
    waiting = [0] * count
    for targets in following.values():
        for target in targets:
            waiting[target] += 1
    ready = [number for number in range(count) if not waiting[number]]
    order: list[int] = []
    while ready:
        number = ready.pop(0)
        order.append(number)
        for target in following[number]:
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    return order
