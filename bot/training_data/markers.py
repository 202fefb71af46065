"""Markers: named conditions on conversations, and the events at which they apply."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from bot.dialogue.domain import Domain
from bot.dialogue.events import ActionExecuted, Event, SlotSet, UserUttered
from bot.dialogue.messages import JSON
from bot.errors import Location, nearest
from bot.training_data.findings import Findings
from bot.training_data.yaml_files import read_yaml, yaml_files_below
from bot.training_data.yaml_values import YamlList, YamlMap, kind

SESSION_START = "action_session_start"
# What a tag stands for, and whether it is turned round.
_CONDITIONS = {
    "action": ("action", False),
    "not_action": ("action", True),
    "intent": ("intent", False),
    "not_intent": ("intent", True),
    "slot_was_set": ("slot", False),
    "slot_was_not_set": ("slot", True),
}
_OPERATORS = {
    "and": ("and", False),
    "at_least_one_not": ("and", True),
    "or": ("or", False),
    "not": ("not", False),
    "seq": ("seq", False),
    "at_least_once": ("at_least_once", False),
    "never": ("at_least_once", True),
}
_OF_ONE = ("not", "at_least_once")


@dataclass(frozen=True, slots=True)
class Marker:
    """A condition (`action`, `intent`, `slot`) on `name`, or an operator over `parts`; maybe turned round."""

    tag: str
    name: str = ""
    parts: tuple[Marker, ...] = ()
    is_negated: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """An event at which a marker applies: its index in the conversation, and the messages before it."""

    event_index: int
    preceding_user_turns: int


def read_markers(path: Path, domain: Domain) -> dict[str, Marker]:
    """Read the markers of a file, or of all YAML files of a folder.

    Unlike in Rasa 3.6, which drops the `not_`, negated tags mean what they say.

    Raises:
        InvalidProject: A file is wrong, or a marker names something that the domain does not have.
    """
    findings = Findings()
    markers: dict[str, Marker] = {}
    files = yaml_files_below([path])
    if not files:
        findings.error(
            "marker-file", "there are no markers here, expected a YAML file or a folder", Location(str(path))
        )
    for file in files:
        document = read_yaml(file)
        if not isinstance(document, YamlMap):
            message = f"a marker file must map names to markers, found {kind(document)}"
            findings.error("marker-schema", message, Location(str(file), 1))
            continue
        for name, source in document.items():
            place = document.at(name)
            if name in markers or name in (*_CONDITIONS, *_OPERATORS):
                reason = (
                    "is defined twice" if name in markers else "is the name of an operator or a condition"
                )
                findings.error("marker-name", f"the marker '{name}' {reason}; choose another name", place)
                continue
            marker = _Reader(domain, findings).read(source, place)
            if marker:
                markers[str(name)] = marker
    findings.raise_errors()
    return markers


@dataclass(frozen=True, slots=True)
class _Reader:
    domain: Domain
    findings: Findings

    def read(self, source: JSON, place: Location) -> Marker | None:
        tags = [key for key in source if key != "description"] if isinstance(source, YamlMap) else []
        if len(tags) != 1:
            message = f"a marker is one condition or one operator, found {kind(source)} with {len(tags)}"
            self.findings.error("marker-schema", message, place)
            return None
        tag, value, place = tags[0], source[tags[0]], source.at(tags[0])
        if tag in _CONDITIONS:
            return self._condition(tag, value, place)
        if tag in _OPERATORS:
            return self._operator(tag, value, place)
        hint = nearest(str(tag), (*_CONDITIONS, *_OPERATORS))
        self.findings.error("marker-schema", f"there is no condition or operator '{tag}'{hint}", place)
        return None

    def _condition(self, tag: str, name: JSON, place: Location) -> Marker | None:
        what, negated = _CONDITIONS[tag]
        known = {
            "action": self.domain.action_names,
            "intent": tuple(self.domain.intents),
            "slot": tuple(self.domain.slots),
        }[what]
        base = str(name).partition("/")[0] if what == "intent" else name
        if base not in known:
            hint = nearest(str(name), known)
            self.findings.error("marker-name", f"the domain has no {what} '{name}'{hint}", place)
            return None
        return Marker(what, str(name), is_negated=negated)

    def _operator(self, tag: str, items: JSON, place: Location) -> Marker | None:
        what, negated = _OPERATORS[tag]
        if not isinstance(items, YamlList) or not items or (what in _OF_ONE and len(items) != 1):
            wanted = "a list of one marker" if what in _OF_ONE else "a list of markers"
            self.findings.error("marker-schema", f"'{tag}' takes {wanted}, found {kind(items)}", place)
            return None
        parts = [self.read(item, item_place) for item, item_place in items.with_places()]
        kept = tuple(part for part in parts if part)
        return Marker(what, parts=kept, is_negated=negated) if len(kept) == len(parts) else None


def find_marks(markers: dict[str, Marker], events: Sequence[Event]) -> list[dict[str, list[Mark]]]:
    """Return, for each session of a conversation, where each marker applies.

    `at_least_once` is marked where it first applies, `never` at the end of a session in which it held.
    """
    found = []
    for start, session in _sessions(events):
        before = [0, *accumulate(int(isinstance(event, UserUttered)) for event in session)]
        found.append(
            {
                name: [Mark(start + index, before[index]) for index in _relevant(marker, session)]
                for name, marker in markers.items()
            }
        )
    return found


def _sessions(events: Sequence[Event]) -> list[tuple[int, Sequence[Event]]]:
    """Cut where sessions start; what stands before the first start belongs to none, as in Rasa."""
    starts = [
        index
        for index, event in enumerate(events)
        if isinstance(event, ActionExecuted) and event.name == SESSION_START
    ]
    ends = [*starts[1:], len(events)]
    return [(start, events[start:end]) for start, end in zip(starts, ends, strict=False)] or [(0, events)]


def _relevant(marker: Marker, session: Sequence[Event]) -> list[int]:
    holds = _applies(marker, session)
    indices = [index for index, value in enumerate(holds) if value]
    if marker.tag != "at_least_once":
        return indices
    if marker.is_negated:
        return [len(holds) - 1] if holds and holds[-1] else []
    return indices[:1]


def _applies(marker: Marker, session: Sequence[Event]) -> list[bool]:
    """Say for every event whether the marker applies there."""
    match marker.tag:
        case "action":
            found = [isinstance(event, ActionExecuted) and event.name == marker.name for event in session]
        case "intent":
            found = [isinstance(event, UserUttered) and _means(event, marker.name) for event in session]
        case "slot":
            found = _slot_states(marker.name, session)
        case _:
            found = _combined(marker, session)
    return [not value for value in found] if marker.is_negated else found


def _combined(marker: Marker, session: Sequence[Event]) -> list[bool]:
    columns = [_applies(part, session) for part in marker.parts]
    match marker.tag:
        case "and":
            return [all(row) for row in zip(*columns, strict=True)]
        case "or":
            return [any(row) for row in zip(*columns, strict=True)]
        case "not":
            return [not value for value in columns[0]]
        case "at_least_once":
            return list(accumulate(columns[0], lambda before, value: before or value))
        case _:
            return _in_sequence(columns)


def _in_sequence(columns: Sequence[Sequence[bool]]) -> list[bool]:
    """One step may be made at an event; after the last one the sequence begins anew."""
    done, found = 0, []
    for row in zip(*columns, strict=True):
        done += row[done]
        found.append(done == len(columns))
        done %= len(columns)
    return found


def _slot_states(name: str, session: Sequence[Event]) -> list[bool]:
    is_set, found = False, []
    for event in session:
        if isinstance(event, SlotSet) and event.name == name:
            is_set = event.value is not None
        found.append(is_set)
    return found


def _means(event: UserUttered, intent: str) -> bool:
    chosen = event.parse_data.response_selector.get(event.intent_name or "") or {}
    default = event.parse_data.response_selector.get("default") or {}
    keys = [(item.get("response") or {}).get("intent_response_key") for item in (chosen, default)]
    return intent == event.intent_name or intent in keys
