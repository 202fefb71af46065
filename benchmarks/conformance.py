"""Hold the engine to what Rasa 3.6 was seen to do: `python -m benchmarks.conformance FOLDER`.

FOLDER holds `projects/` (bots in Rasa's format), `golden/` (Rasa's own view of each) and `traces/` (what
Rasa did in conversations), one JSON file per project. Every part of a golden file must be what we make of
the project; every message of every recorded conversation is sent through the processor, and each turn must
bring the same events in the same order. First differences are printed side by side.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.golden import PARTS
from bot.dialogue.domain import Domain
from bot.dialogue.events import ActionExecuted, BotUttered, Event, UserUttered
from bot.dialogue.messages import ParseResult, UserMessage
from bot.errors import FrontdeskError
from bot.policies.ensemble import Ensemble
from bot.policies.memoization import MemoizationOptions, MemoizationPolicy
from bot.policies.rules import RulePolicy
from bot.policies.turns import RuleOnly
from bot.runtime.action_runner import ActionRunner
from bot.runtime.processor import Processor
from bot.runtime.tracker_store import InMemoryTrackerStore
from bot.training_data.project import Project
from bot.training_data.story_graph import generate_trackers

JSON = Any

# What the traces keep of each event besides its name.
_KEPT: dict[str, tuple[str, ...]] = {
    "action": ("name", "policy"),
    "slot": ("name", "value"),
    "active_loop": ("name",),
    "loop_interrupted": ("is_interrupted",),
    "followup": ("name",),
    "action_execution_rejected": ("name",),
    "reminder": ("intent",),
}


@dataclass(frozen=True, slots=True)
class Difference:
    """The first turn of a conversation that is not as recorded."""

    conversation: str
    turn: int
    message: str
    expected: Sequence[JSON]
    found: Sequence[JSON]


@dataclass(frozen=True, slots=True)
class Result:
    """Turns of one project: recorded, equal, and the first difference of each failing conversation."""

    project: str
    turns: int
    equal: int
    conversations: int
    differences: tuple[Difference, ...]


class NoUnderstanding:
    """The traces were recorded without NLU: free text has no intent."""

    def parse(self, text: str) -> ParseResult:
        """Understand nothing."""
        return ParseResult(text)


class AcceptingActions:
    """The stand-in action server of the recording.

    A validation gets back the slot events that end its tracker; every other action does nothing.
    """

    async def call(self, payload: Mapping[str, JSON]) -> Mapping[str, JSON]:
        """Answer as the stand-in did."""
        candidates: list[JSON] = []
        if payload["next_action"].startswith("validate_"):
            for event in reversed(payload["tracker"]["events"]):
                if event["event"] != "slot":
                    break
                candidates.insert(0, {"event": "slot", "name": event["name"], "value": event["value"]})
        return {"events": candidates, "responses": []}


def load_project(folder: Path) -> Project:
    """Read a project as the recording did: with its own domain and data, without its configuration."""
    domain = "domain" if (folder / "domain").exists() else "domain.yml"
    data = "data" if (folder / "data").exists() else "."
    return Project.load(folder, domain=domain, data=[data], config="no-config.yml")


def train_ensemble(project: Project) -> tuple[Ensemble, Domain]:
    """Train the policies of the recording on a project's stories and rules."""
    domain = project.domain
    trackers = generate_trackers(project.steps, domain, augmentation_factor=0)
    rules = RulePolicy()
    rules.train(trackers, domain, RuleOnly())
    memory = MemoizationPolicy(MemoizationOptions(max_history=5))
    memory.train(trackers, domain, rules.rule_only)
    return Ensemble([memory, rules]), domain


def brief(event: Event) -> dict[str, JSON]:
    """Return what a trace keeps of an event."""
    data = event.as_dict()
    kept: dict[str, JSON] = {"event": event.event}
    if isinstance(event, UserUttered):
        return kept | {"intent": event.intent_name, "text": event.text}
    if isinstance(event, BotUttered):
        return kept | {"utter_action": event.metadata.get("utter_action")}
    kept |= {key: data.get(key) for key in _KEPT.get(event.event, ())}
    if event.event == "action" and kept.get("policy") == "followup_action":
        kept["policy"] = "action"  # the recording cut Rasa's policy names at their second underscore
    return kept


class RecordedView:
    """Which events of a turn the recording saw.

    Rasa's in-memory store forgets all but the latest session when it loads a conversation, and the recording
    sliced the stored events by their former number: the turn after a new session shows too few.
    """

    def __init__(self) -> None:
        self._stored: list[Event] = []
        self._shown = 0

    def of_turn(self, new: Sequence[Event]) -> list[Event]:
        """Return the slice of the stored events that the recording took for this turn."""
        starts = [i for i, event in enumerate(self._stored) if _starts_session(event)]
        kept = self._stored[starts[-1] :] if len(starts) > 1 else self._stored
        self._stored = [*kept, *new]
        seen = self._stored[self._shown :]
        self._shown = len(self._stored)
        return seen


def _starts_session(event: Event) -> bool:
    return isinstance(event, ActionExecuted) and event.name == "action_session_start"


async def replay(processor: Processor, conversation: JSON) -> tuple[int, Difference | None]:
    """Send a conversation's messages; return the number of equal turns and the first difference."""
    store = processor.store
    if not isinstance(store, InMemoryTrackerStore):
        raise TypeError("a replay reads the events of an in-memory store")
    view, equal, first = RecordedView(), 0, None
    for number, turn in enumerate(conversation["turns"]):
        before = len(store.events_of(conversation["sender_id"]))
        await processor.handle(UserMessage(turn["message"], conversation["sender_id"]))
        new = store.events_of(conversation["sender_id"])[before:]
        found = [brief(event) for event in view.of_turn(new)]
        if found == turn.get("events"):
            equal += 1
        elif first is None:
            name = conversation["sender_id"]
            first = Difference(name, number, turn["message"], turn.get("events") or [], found)
    return equal, first


def check_project(folder: Path, trace: JSON) -> Result:
    """Train a project and replay all of its recorded conversations."""
    ensemble, domain = train_ensemble(load_project(folder))
    runner = ActionRunner(domain, AcceptingActions())
    differences, equal, turns = [], 0, 0
    for conversation in trace["conversations"]:
        processor = Processor(domain, NoUnderstanding(), ensemble, runner, InMemoryTrackerStore())
        same, first = asyncio.run(replay(processor, conversation))
        equal, turns = equal + same, turns + len(conversation["turns"])
        if first:
            differences.append(first)
    return Result(trace["project"], turns, equal, len(trace["conversations"]), tuple(differences))


def check_all(folder: Path, only: str = "") -> Iterator[Result | tuple[str, str]]:
    """Check every traced project; one that cannot be loaded or trained gives its name and the reason."""
    for path in sorted((folder / "traces").glob(f"{only}*.json")):
        trace = json.loads(path.read_text())
        try:
            yield check_project(folder / "projects" / path.stem, trace)
        except FrontdeskError as error:
            yield path.stem, str(error)


def check_golden(folder: Path, only: str = "") -> Iterator[tuple[str, str | None]]:
    """Compare every golden file; gives each project's name and the first difference, None when equal."""
    for path in sorted((folder / "golden").glob(f"{only}*.json")):
        try:
            project = Project.load(folder / "projects" / path.stem)
        except FrontdeskError as error:
            yield path.stem, f"not loaded: {error}"
            continue
        rasa = json.loads(path.read_text(encoding="utf-8"))
        differences = (_first_difference(name, *part(project, rasa)) for name, part in PARTS.items())
        yield path.stem, next((difference for difference in differences if difference), None)


def _first_difference(part: str, ours: JSON, theirs: JSON) -> str | None:
    """Tell where two values first differ: the part, the way down, ours and Rasa's."""
    where = [part]
    while ours != theirs:
        if isinstance(ours, dict) and isinstance(theirs, dict) and ours.keys() == theirs.keys():
            key = next(key for key in ours if ours[key] != theirs[key])
        elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
            key = next(index for index in range(len(ours)) if ours[index] != theirs[index])
        else:
            return f"{'.'.join(where)}: {ours!r:.200} instead of {theirs!r:.200}"
        where.append(str(key))
        ours, theirs = ours[key], theirs[key]
    return None


def _line(event: JSON | None) -> str:
    return "" if event is None else " ".join(str(value) for value in event.values())


def describe(difference: Difference) -> Iterator[str]:
    """Write both turns side by side; a mark stands before each line that differs."""
    yield f"  {difference.conversation} turn {difference.turn}: {difference.message}"
    for index in range(max(len(difference.expected), len(difference.found))):
        rows = (difference.expected, difference.found)
        left, right = (side[index] if index < len(side) else None for side in rows)
        yield f"  {' ' if left == right else '*'} {_line(left):<60.60} | {_line(right):.60}"


def report_golden(folder: Path, only: str) -> bool:
    """Print what is not as in the golden files; tell whether all is."""
    results = dict(check_golden(folder, only))
    for name, difference in results.items():
        if difference:
            typer.echo(f"{name}: {difference}")
    loaded = sum(not (difference or "").startswith("not loaded") for difference in results.values())
    equal = sum(difference is None for difference in results.values())
    typer.echo(f"{loaded} of {len(results)} projects loaded, {equal} golden files equal")
    return equal == len(results)


def report_traces(folder: Path, only: str, show: int) -> bool:
    """Print each project's turns and first differences; tell whether all turns are equal."""
    equal = turns = trained = refused = 0
    for result in check_all(folder, only):
        if not isinstance(result, Result):
            refused += 1
            typer.echo(f"{result[0]}: not trained: {result[1]}")
            continue
        trained, equal, turns = trained + 1, equal + result.equal, turns + result.turns
        failed = len(result.differences)
        typer.echo(f"{result.project}: {result.equal}/{result.turns} turns, {failed} conversations differ")
        for difference in result.differences[:show]:
            for line in describe(difference):
                typer.echo(line)
    typer.echo(f"{trained} projects trained, {equal} of {turns} turns equal")
    return equal == turns and not refused


def main(
    folder: Annotated[Path, typer.Argument(help="Folder with projects/, golden/ and traces/.")],
    only: Annotated[str, typer.Option(help="Only projects whose name begins so.")] = "",
    show: Annotated[int, typer.Option(help="Differences to print for each project.")] = 1,
) -> None:
    """Compare with what Rasa was seen to do and report every difference."""
    logging.disable(logging.ERROR)
    is_equal = [report_golden(folder, only), report_traces(folder, only, show)]
    raise typer.Exit(0 if all(is_equal) else 1)


if __name__ == "__main__":
    typer.run(main)
