"""From story steps to training trackers: checkpoints joined, duplicates removed, stories glued together.

Follows Rasa 3.6.21 (`shared/core/generator.py`): one phase is one walk over all steps in topological
order; phases go on until no new checkpoint is reached. Augmentation then glues random pairs, seeded, so that
learnt policies see stories in the middle of a conversation.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice

from bot.dialogue.domain import ACTION_LISTEN, Domain
from bot.dialogue.events import (
    ActionExecuted,
    ActionReverted,
    ActiveLoop,
    Event,
    Restarted,
    SlotSet,
    UserUtteranceReverted,
    UserUttered,
)
from bot.dialogue.messages import JSON, Entity
from bot.dialogue.slots import MappingType, SlotType
from bot.errors import Location
from bot.training_data.checkpoints import connect, find_start_name, is_generated
from bot.training_data.findings import Findings
from bot.training_data.stories import STORY_START, StoryStep
from bot.training_data.story_branch import SHOULD_NOT_BE_SET, Branch, Steps

DEFAULT_AUGMENTATION = 50
_AUGMENTATION_PHASES = 3
_TRACKERS_PER_FACTOR = 10
_SEED = 42


@dataclass(frozen=True, slots=True)
class TrainingTracker:
    """One complete story or rule, `action_listen` and automatic slots included.

    `name` joins the names of its parts with ` > `. In a rule a slot value or loop `should_not_be_set` stands
    for the null that was written. `event_locations` has a place for each event, None for those added here.
    `is_augmented` marks stories that were glued together: memoization and rules pass over them.
    """

    name: str
    events: tuple[Event, ...]
    is_rule: bool = False
    is_augmented: bool = False
    location: Location | None = None
    event_locations: tuple[Location | None, ...] = ()


def generate_trackers(
    steps: Sequence[StoryStep],
    domain: Domain,
    *,
    augmentation_factor: int = DEFAULT_AUGMENTATION,
    remove_duplicates: bool = True,
    findings: Findings | None = None,
) -> list[TrainingTracker]:
    """Make the training trackers of all stories, then those of all rules.

    Args:
        steps: Stories and rules in file order.
        domain: Tells which slots entities fill and which of two trackers look the same to policies.
        augmentation_factor: Ten times as many glued stories are kept at most; 0 glues none.
        remove_duplicates: Keep one of several trackers that policies cannot tell apart.
        findings: Collects checkpoints that lead nowhere.
    """
    graph = connect(steps)
    generator = _Generator(domain, augmentation_factor, remove_duplicates)
    trackers: list[TrainingTracker] = []
    for is_rule in (False, True):
        part = [step for step in graph.steps if step.is_rule is is_rule]
        finished, unreached = generator.run(part, graph.sources, is_rule=is_rule)
        trackers += [_tracker(branch, is_rule) for branch in finished]
        if findings is not None:
            _note_unreached(part, unreached, findings)
    return trackers


def explicit_events(step: StoryStep, domain: Domain) -> list[tuple[Event, Location | None]]:
    """Return a step's events with what authors leave out: `action_listen` and slots that entities fill."""
    events: list[tuple[Event, Location | None]] = []
    for event, place in zip(step.events, step.event_locations, strict=True):
        if isinstance(event, UserUttered):
            _add_listen(events)
            events.append((event, place))
            events += [(slot, None) for slot in slots_for_entities(event.entities, domain)]
        else:
            events.append((_in_rule(event) if step.is_rule else event, place))
    if not step.end:
        _add_listen(events)
    return events


def slots_for_entities(entities: Sequence[Entity], domain: Domain) -> list[SlotSet]:
    """Return the slots that entities of a story's user turn fill.

    Only `from_entity` mappings whose first condition names no loop count; their intents are not looked at.
    A list slot takes all values, any other the last one.
    """
    events = []
    for slot in domain.slots.values():
        values: list[JSON] = []
        for mapping in slot.mappings:
            in_loop = mapping.conditions and mapping.conditions[0].active_loop is not None
            if mapping.type is MappingType.FROM_ENTITY and not in_loop:
                wanted = (mapping.entity, mapping.role, mapping.group)
                values += [e.value for e in entities if (e.entity, e.role, e.group) == wanted]
        if values:
            value = values if slot.type is SlotType.LIST else values[-1]
            events.append(SlotSet(name=slot.name, value=value, timestamp=0.0))
    return events


def _add_listen(events: list[tuple[Event, Location | None]]) -> None:
    last = events[-1][0] if events else None
    if not (isinstance(last, ActionExecuted) and last.name == ACTION_LISTEN):
        events.append((ActionExecuted(name=ACTION_LISTEN, timestamp=0.0), None))


def _in_rule(event: Event) -> Event:
    """In rules null means "must not be set", which is not the same as unset."""
    if isinstance(event, ActiveLoop) and event.name is None:
        return ActiveLoop(name=SHOULD_NOT_BE_SET, timestamp=0.0)
    if isinstance(event, SlotSet) and event.value is None:
        return SlotSet(name=event.name, value=SHOULD_NOT_BE_SET, timestamp=0.0)
    return event


def _tracker(branch: Branch, is_rule: bool) -> TrainingTracker:
    pairs = branch.events()
    return TrainingTracker(
        name=branch.name,
        events=tuple(event for event, _ in pairs),
        is_rule=is_rule,
        is_augmented=branch.is_augmented,
        location=branch.location,
        event_locations=tuple(place for _, place in pairs),
    )


def _note_unreached(steps: Iterable[StoryStep], names: set[str], findings: Findings) -> None:
    if STORY_START in names:
        message = "every story starts with a checkpoint; one of them must start without"
        findings.warn("checkpoint-unused", message)
    noted: set[tuple[str, str]] = set()
    for step in steps:
        ends = [(checkpoint.name, "no story starts with it") for checkpoint in step.end]
        starts = [(checkpoint.name, "no story ends with it") for checkpoint in step.start]
        for name, problem in starts + ends:
            if (
                name in names
                and not is_generated(name)
                and name != STORY_START
                and (name, step.name) not in noted
            ):
                noted.add((name, step.name))
                message = f"checkpoint '{name}' in '{step.name}' leads nowhere: {problem}"
                findings.warn("checkpoint-unused", message, step.location)


@dataclass
class _Phase:
    """What one run over the steps has reached so far."""

    active: dict[str, list[Branch]]
    finished: list[Branch] = field(default_factory=list)
    ended: list[Branch] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    unused: set[str] = field(default_factory=set)
    previous_unused: set[str] = field(default_factory=set)
    is_augmenting: bool = False


class _Generator:
    def __init__(self, domain: Domain, augmentation_factor: int, remove_duplicates: bool) -> None:
        self._domain = domain
        self._factor = augmentation_factor
        self._remove_duplicates = remove_duplicates
        self._random = random.Random(_SEED)  # noqa: S311 - the same stories must come out of every training
        self._seen: set[int] = set()

    def run(
        self, steps: Sequence[StoryStep], sources: dict[str, str], *, is_rule: bool
    ) -> tuple[list[Branch], set[str]]:
        """Return all finished branches and the checkpoints that nothing leads to or from."""
        if not steps:
            return [], set()
        expanded = [(step, explicit_events(step, self._domain)) for step in steps]
        phase = _Phase(defaultdict(list, {STORY_START: [Branch.start(self._domain)]}))
        wanted = 0 if is_rule or self._factor <= 0 else _AUGMENTATION_PHASES
        number = 0
        while not phase.is_augmenting or number < wanted:
            if not any(phase.active.values()):
                break
            phase.unused = set()
            for step, events in expanded:
                self._walk(step, events, phase, sources, is_rule=is_rule)
            number += 1
            if not phase.is_augmenting:
                self._prepare_next(phase)
                number = 0 if phase.is_augmenting else number
            if phase.is_augmenting:
                phase.used = set()
                phase.active = self._glue(phase.ended)
        phase.finished += phase.ended
        return self._limit_augmented(phase.finished), phase.previous_unused

    def _walk(
        self,
        step: StoryStep,
        events: Steps,
        phase: _Phase,
        sources: dict[str, str],
        *,
        is_rule: bool,
    ) -> None:
        incoming = self._incoming(step, phase)
        if not incoming:
            return
        if phase.is_augmenting:
            incoming = self._sample(incoming, self._factor * _TRACKERS_PER_FACTOR)
        elif self._remove_duplicates:
            incoming = _unique(incoming)
        branches = [branch.enter(step) for branch in incoming]
        if phase.is_augmenting:
            for branch in branches:
                branch.later(events)
        else:
            phase.finished += _apply(branches, events)
        for checkpoint in step.end:
            name = find_start_name(checkpoint.name, sources)
            phase.active[name] += branches
            if name in phase.used:
                phase.unused.add(name)
        if not step.end:
            keeps_all = phase.is_augmenting or not self._remove_duplicates
            phase.ended += branches if keeps_all else self._unseen(branches, is_rule)

    def _incoming(self, step: StoryStep, phase: _Phase) -> list[Branch]:
        incoming: list[Branch] = []
        for start in step.start:
            waiting = phase.active[start.name]
            if waiting:
                conditions = start.conditions
                incoming += (
                    [branch for branch in waiting if branch.holds(conditions)] if conditions else waiting
                )
                phase.used.add(start.name)
            elif start.name not in phase.used:
                phase.unused.add(start.name)
        return incoming

    def _prepare_next(self, phase: _Phase) -> None:
        """Keep what waits at checkpoints not passed yet; without news everything reachable is reached."""
        unused = phase.unused | {name for name in phase.active if name not in phase.used}
        phase.active = defaultdict(
            list, {name: phase.active.get(name, []) for name in unused if name != STORY_START}
        )
        phase.is_augmenting = unused == phase.previous_unused or not any(phase.active.values())
        phase.previous_unused = unused
        if phase.is_augmenting:
            phase.previous_unused = unused - phase.used
            for name in sorted(phase.previous_unused):
                phase.finished += phase.active[name]

    def _glue(self, ended: list[Branch]) -> dict[str, list[Branch]]:
        """Start the next round with complete stories, their last `action_listen` taken back."""
        chosen = self._sample(ended, self._factor)
        return defaultdict(list, {STORY_START: [branch.before_listen() for branch in chosen]})

    def _sample(self, branches: list[Branch], limit: int) -> list[Branch]:
        """Draw some at random; the order of the others stays that of the files."""
        return self._random.sample(branches, min(limit, len(branches)))

    def _unseen(self, branches: Iterable[Branch], is_rule: bool) -> list[Branch]:
        found = []
        for branch in branches:
            key = hash((branch.fingerprint(), is_rule))
            if key not in self._seen:
                self._seen.add(key)
                found.append(branch)
        return found

    def _limit_augmented(self, finished: list[Branch]) -> list[Branch]:
        if self._factor <= 0:
            return finished
        glued = [branch for branch in finished if branch.is_augmented]
        augmented = self._sample(glued, len(glued))
        unseen = (branch for candidate in augmented for branch in self._unseen([candidate], is_rule=False))
        kept = islice(unseen, self._factor * _TRACKERS_PER_FACTOR)
        return [*(branch for branch in finished if not branch.is_augmented), *kept]


def _apply(branches: Sequence[Branch], events: Steps) -> list[Branch]:
    """Apply a step's events to all branches; return what they were before each event that reverts others."""
    before: list[Branch] = []
    for event, place in events:
        if isinstance(event, ActionReverted | UserUtteranceReverted | Restarted):
            before += [branch.copy() for branch in branches]
        for branch in branches:
            branch.apply(event, place)
    return before


def _unique(branches: Iterable[Branch]) -> list[Branch]:
    found: dict[int, Branch] = {}
    for branch in branches:
        found.setdefault(branch.fingerprint(), branch)
    return list(found.values())
