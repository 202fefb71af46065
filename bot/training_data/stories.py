"""Stories, rules and test stories: YAML steps in, connected `StoryStep`s with their events out.

As in Rasa 3.6.21 (`yaml_story_reader.py`) an `or` splits a story into alternatives that meet again at a
generated checkpoint; the part behind it is a step of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from bot.dialogue.domain import RULE_SNIPPET, Domain
from bot.dialogue.events import ActionExecuted, Event
from bot.dialogue.messages import JSON
from bot.errors import Location, nearest
from bot.training_data.findings import Findings
from bot.training_data.story_events import StepReader
from bot.training_data.yaml_files import version_is_readable
from bot.training_data.yaml_values import YamlList, YamlMap, kind

STORY_START = "STORY_START"
GENERATED = "GENR_"
TEST_PREFIX = "test_"
STORY_KEYS = ("stories", "rules")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A place where stories join; `conditions` are slot values, looked at only where a story starts."""

    name: str
    conditions: Mapping[str, JSON] = field(default_factory=dict)
    location: Location | None = field(default=None, compare=False, repr=False)

    @property
    def is_written(self) -> bool:
        """Whether an author wrote it, rather than an `or` or the start of a story."""
        return self.name != STORY_START and not self.name.startswith(GENERATED)


@dataclass(frozen=True, slots=True)
class StoryStep:
    """A part of a story or rule between two checkpoints; without `end` the story ends here.

    `condition_events` are the indices into `events` that are a rule's conditions. `event_locations` has one
    place for each event; `action_listen` and automatic slots are not among them.
    """

    name: str
    is_rule: bool
    start: tuple[Checkpoint, ...]
    end: tuple[Checkpoint, ...] = ()
    events: tuple[Event, ...] = ()
    event_locations: tuple[Location | None, ...] = ()
    condition_events: tuple[int, ...] = ()
    location: Location | None = None
    metadata: Mapping[str, JSON] = field(default_factory=dict)


def read_stories(document: YamlMap, domain: Domain, findings: Findings) -> list[StoryStep]:
    """Read all stories and rules of one file, stories first; a file of a newer version gives none."""
    if not version_is_readable(document, findings):
        return []
    steps: list[StoryStep] = []
    for key, title in (("stories", "story"), ("rules", "rule")):
        items = document.get(key)
        if items is None:
            continue
        if not isinstance(items, YamlList):
            message = f"'{key}' must be a list of '- {title}: …', found {kind(items)}"
            findings.error("story-schema", message, document.at(key))
            continue
        for item, place in items.with_places():
            if isinstance(item, YamlMap):
                steps += _read_item(item, title, domain, findings)
            else:
                message = (
                    f"an item of '{key}' must be a mapping with '{title}' and 'steps', found {kind(item)}"
                )
                findings.error("story-schema", message, place)
    return steps


def is_story_content(document: JSON) -> bool:
    """Tell whether a file holds stories or rules, by its keys."""
    return isinstance(document, dict) and any(key in document for key in STORY_KEYS)


def is_test_file(path: Path) -> bool:
    """Tell whether a file's stories are tests: its name starts with `test_`."""
    return path.name.startswith(TEST_PREFIX)


_UNNAMED = "(unnamed)"
_OF_BOTH = ("story", "rule", "metadata", "steps")
_SWITCHES = ("conversation_start", "wait_for_user_input")


def _read_item(item: YamlMap, title: str, domain: Domain, findings: Findings) -> list[StoryStep]:
    if title not in item:
        found = ", ".join(map(str, item))
        message = f"expected the key '{title}' with a name, found {found or 'nothing'}"
        findings.error("story-schema", message, item.at())
        return []
    name = item[title]
    if name in (None, ""):
        findings.warn("story-unnamed", f"a {title} should have a name", item.at(title))
        name = _UNNAMED
    elif not isinstance(name, str):
        message = f"the name of a {title} must be text, found {kind(name)}"
        findings.error("story-schema", message, item.at(title))
        return []
    _check_keys(item, title, name, findings)
    steps = item.get("steps")
    if steps is not None and not isinstance(steps, YamlList):
        message = f"'steps' of {title} '{name}' must be a list, found {kind(steps)}"
        findings.error("story-schema", message, item.at("steps"))
        return []
    if not steps:
        findings.warn("story-empty", f"{title} '{name}' has no steps; it is passed over", item.at())
        return []
    builder = _Builder(name, title == "rule", item.at(), _metadata(item))
    reader = StepReader(Path(item.file).name.startswith(TEST_PREFIX), title, domain, findings)
    if title == "rule":
        _add_conditions(builder, item, reader)
    for step, place in steps.with_places():
        _add_step(builder, step, place, reader)
    if title == "rule" and item.get("wait_for_user_input") is False:
        builder.add(ActionExecuted(name=RULE_SNIPPET, timestamp=0.0), item.at("wait_for_user_input"))
    return builder.finish()


def _check_keys(item: YamlMap, title: str, name: str, findings: Findings) -> None:
    known = (*_OF_BOTH, "condition", *_SWITCHES) if title == "rule" else _OF_BOTH
    for key, value in item.items():
        if key not in known:
            message = f"unknown key '{key}' in {title} '{name}'{nearest(str(key), known)}"
            findings.error("story-schema", message, item.at(key))
        elif key in _SWITCHES and not isinstance(value, bool):
            message = f"'{key}' of {title} '{name}' must be true or false, found {value!r}"
            findings.error("story-schema", message, item.at(key))


def _metadata(item: YamlMap) -> Mapping[str, JSON]:
    metadata = item.get("metadata")
    return metadata if isinstance(metadata, dict) else {}


def _add_conditions(builder: _Builder, item: YamlMap, reader: StepReader) -> None:
    conditions = item.get("condition") or ()
    if not isinstance(conditions, YamlList):
        if conditions:
            message = f"'condition' must be a list of active_loop or slot_was_set, found {kind(conditions)}"
            reader.findings.error("story-schema", message, item.at("condition"))
        conditions = YamlList(item.file, item.line)
    for step, place in conditions.with_places():
        if not isinstance(step, YamlMap) or not {"active_loop", "slot_was_set"} & set(step):
            message = "a rule's condition can only hold 'active_loop' or 'slot_was_set'"
            reader.findings.error("story-schema", message, place)
            continue
        for event in reader.events(step, place):
            builder.add(event, place, is_condition=True)
    if not item.get("conversation_start"):
        builder.add(ActionExecuted(name=RULE_SNIPPET, timestamp=0.0), item.at())


def _add_step(builder: _Builder, step: JSON, place: Location, reader: StepReader) -> None:
    if not isinstance(step, YamlMap):
        message = f"a step must be a mapping such as 'action: …', found {kind(step)}"
        hint = "; write '- action: ...' for the rule marker" if step == RULE_SNIPPET else ""
        reader.findings.error("story-schema", message + hint, place)
        return
    step_kind = reader.kind_of(step, place)
    if step_kind == "or":
        alternatives = reader.alternatives(step, place)
        if alternatives:
            builder.add_alternatives(alternatives, place)
    elif step_kind == "checkpoint":
        checkpoint = _checkpoint(step, place, reader)
        if checkpoint:
            builder.add_checkpoint(checkpoint, place, reader.findings)
    elif step_kind is not None:
        for event in reader.events(step, place):
            builder.add(event, place)


def _checkpoint(step: YamlMap, place: Location, reader: StepReader) -> Checkpoint | None:
    name = step["checkpoint"]
    if not isinstance(name, str) or not name:
        message = f"a checkpoint needs a name, found {kind(name)}"
        reader.findings.error("story-schema", message, place)
        return None
    conditions: dict[str, JSON] = {}
    slots = step.get("slot_was_set") or ()
    if not isinstance(slots, list | tuple):
        message = f"'slot_was_set' of a checkpoint must be a list, found {kind(slots)}"
        reader.findings.error("story-schema", message, step.at("slot_was_set"))
        return None
    for slot in slots:
        if not isinstance(slot, dict):
            message = (
                f"slots of a checkpoint must be written 'name: value', found {slot!r}; it is passed over"
            )
            reader.findings.warn("checkpoint-slots", message, place)
            return None
        conditions.update(slot)
    return Checkpoint(name, conditions, place)


class _Builder:
    """Grows the steps of one story; `or` and checkpoints make several steps of it."""

    def __init__(self, name: str, is_rule: bool, location: Location, metadata: Mapping[str, JSON]) -> None:
        self._new = StoryStep(name, is_rule, (), location=location, metadata=metadata)
        self._done: list[StoryStep] = []
        self._open: list[StoryStep] = []
        self._start: tuple[Checkpoint, ...] = ()
        self._count = 0

    def add(self, event: Event, place: Location, *, is_condition: bool = False) -> None:
        """Append an event to every open alternative."""
        self._ensure_open()
        self._open = [_with_event(step, event, place, is_condition) for step in self._open]

    def add_alternatives(self, groups: Sequence[Event], place: Location) -> None:
        """Split every open step, one for each alternative; they meet at a generated checkpoint."""
        self._ensure_open()
        if len(groups) == 1:
            self.add(groups[0], place)
            return
        self._count += 1
        place_name = f"{self._new.location}:{self._new.name}:{self._count}"
        end = (Checkpoint(f"{GENERATED}OR_{place_name}"),)
        self._open = [
            replace(_with_event(step, event, place, False), end=end)
            for step in self._open
            for event in groups
        ]

    def add_checkpoint(self, checkpoint: Checkpoint, place: Location, findings: Findings) -> None:
        """Link the story's start, or end the open steps here."""
        if not self._open:
            self._start += (checkpoint,)
            return
        if checkpoint.conditions:
            message = f"checkpoint '{checkpoint.name}' stands at an end, where slots are not looked at"
            findings.warn("checkpoint-slots", message, place)
        end = (Checkpoint(checkpoint.name, location=checkpoint.location),)
        copies = [replace(step, end=end) for step in self._open if step.end]
        self._open = [step if step.end else replace(step, end=end) for step in self._open] + copies

    def finish(self) -> list[StoryStep]:
        """Return the steps in file order."""
        return self._done + self._open

    def _ensure_open(self) -> None:
        self._done += [step for step in self._open if step.end]
        unfinished = [step for step in self._open if not step.end]
        if unfinished:
            self._open = unfinished
            return
        start = self._start
        if self._open:
            ends = {point.name: point.location for step in self._open for point in step.end}
            start = tuple(Checkpoint(name, location=place) for name, place in ends.items())
        self._open = [replace(self._new, start=start or (Checkpoint(STORY_START),))]


def _with_event(step: StoryStep, event: Event, place: Location, is_condition: bool) -> StoryStep:
    condition = (len(step.events),) if is_condition else ()
    return replace(
        step,
        events=(*step.events, event),
        event_locations=(*step.event_locations, place),
        condition_events=step.condition_events + condition,
    )
