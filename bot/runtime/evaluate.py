"""Test stories: texts are really understood, gold actions are replayed and compared with the predictions.

Follows `rasa test`: no action runs and no slot is filled but by `slot_was_set` and unconditioned entity
mappings, so a story passes or fails on what its author wrote.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bot.dialogue.domain import Domain
from bot.dialogue.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActiveLoop,
    Event,
    SlotSet,
    UserUttered,
)
from bot.dialogue.intent_payload import parse_intent_payload
from bot.dialogue.messages import Entity, ParseResult
from bot.dialogue.tracker import Tracker
from bot.errors import Location
from bot.runtime.next_action import NextAction, NextActionPolicy, Parser
from bot.training_data.stories import StoryStep
from bot.training_data.story_events import FULL_INTENT
from bot.training_data.story_graph import TrainingTracker, generate_trackers

UNLIKELY_INTENT = "action_unlikely_intent"


@dataclass(frozen=True, slots=True)
class StepResult:
    """One turn of the customer or one action: what the story says and what was found instead, if anything.

    `line` is the step in the format of stories. `is_warning` marks `action_unlikely_intent`, no failure.
    `expected` and `predicted` are names of actions or of intents; an action has a policy and its confidence.
    """

    line: str
    wrong: str | None = None
    is_warning: bool = False
    is_action: bool = False
    location: Location | None = None
    expected: str | None = None
    predicted: str | None = None
    policy: str | None = None
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class StoryResult:
    """One test story; it passed when no step is wrong.

    `steps` are those that its author wrote, and wrong ones; `judged` are all, also the listening in between.
    """

    name: str
    steps: tuple[StepResult, ...]
    location: Location | None = None
    judged: tuple[StepResult, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every step was as told."""
        return not any(step.wrong for step in self.steps)

    def render(self) -> str:
        """Write the story in Rasa's format, with a comment at each wrong step."""
        lines = [f"- story: {self.name}", "  steps:"]
        for step in self.steps:
            found = step.wrong or (UNLIKELY_INTENT if step.is_warning else None)
            note = f"  # found: {found}" if found else ""
            first, *rest = step.line.split("\n")
            lines += [f"  - {first}{note}", *(f"    {line}" for line in rest)]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class TestReport:
    """The result of all test stories."""

    __test__ = False  # not a test class, whatever its name says to pytest

    stories: tuple[StoryResult, ...]

    @property
    def failed(self) -> tuple[StoryResult, ...]:
        """The stories with a wrong step."""
        return tuple(story for story in self.stories if not story.passed)

    @property
    def action_accuracy(self) -> float:
        """Share of actions predicted as told, in [0, 1]; 1 without any."""
        actions = [step for story in self.stories for step in story.steps if step.is_action]
        return sum(not step.wrong for step in actions) / len(actions) if actions else 1.0

    @property
    def successful(self) -> tuple[StoryResult, ...]:
        """The stories without a wrong step."""
        return tuple(story for story in self.stories if story.passed)

    @property
    def with_warnings(self) -> tuple[StoryResult, ...]:
        """The stories in which some intent was unlikely; they may have passed."""
        return tuple(story for story in self.stories if any(step.is_warning for step in story.steps))

    def render_failed(self) -> str:
        """Write all failed stories as a story file."""
        return render_stories(self.failed)


def render_stories(stories: Iterable[StoryResult]) -> str:
    """Write stories as a story file, with a comment at each step where something else was found."""
    return "\n\n".join(["stories:", *(story.render() for story in stories)]) + "\n"


def evaluate(
    steps: Sequence[StoryStep], domain: Domain, parser: Parser | None, policies: NextActionPolicy
) -> TestReport:
    """Run the test stories of one or more files; without a parser what they say of texts is believed."""
    trackers = generate_trackers(steps, domain, augmentation_factor=0, remove_duplicates=False)
    return TestReport(tuple(_StoryTest(domain, parser, policies).run(tracker) for tracker in trackers))


class _StoryTest:
    def __init__(self, domain: Domain, parser: Parser | None, policies: NextActionPolicy) -> None:
        self._domain = domain
        self._parser = parser
        self._policies = policies
        self._tracker = Tracker("test", domain)

    def run(self, story: TrainingTracker) -> StoryResult:
        results: list[StepResult] = []
        # The first event is the listening before the first turn: nothing can be predicted there.
        self._tracker.apply(story.events[0])
        places = story.event_locations or (None,) * len(story.events)
        for event, place in zip(story.events[1:], places[1:], strict=True):
            result = self._take(event)
            if result:
                results.append(replace(result, location=place))
        shown = tuple(result for result in results if result.location is not None or result.wrong)
        return StoryResult(story.name, shown, story.location, tuple(results))

    def _take(self, event: Event) -> StepResult | None:
        if isinstance(event, UserUttered):
            return self._hear(event)
        if isinstance(event, ActionExecuted):
            return self._predict(event)
        self._tracker.apply(event)
        if isinstance(event, SlotSet):
            return StepResult(f"slot_was_set:\n- {event.name}: {event.value}")
        if isinstance(event, ActiveLoop):
            return StepResult(f"active_loop: {event.name or 'null'}")
        return None

    def _hear(self, gold: UserUttered) -> StepResult:
        """Understand the text; the conversation goes on with what the story says was meant."""
        intent = gold.metadata.get(FULL_INTENT) or gold.intent_name
        told = f"intent: {intent}"
        line = f"user: |\n    {gold.text}\n{told}" if gold.text else told
        if self._parser is None:
            self._tracker.apply(gold)
            return StepResult(line, expected=intent, predicted=intent)
        if not gold.text:
            found = gold.parse_data
        else:
            found = parse_intent_payload(gold.text, self._domain) or self._parser.parse(gold.text)
        parse_data = replace(gold.parse_data, response_selector=found.response_selector)
        self._tracker.apply(replace(gold, parse_data=parse_data))
        wrong = [
            *_wrong_intent(intent, found),
            *_wrong_entities(gold.entities if gold.text else found.entities, found.entities),
        ]
        shown = _found_intent(intent, found)
        return StepResult(line, ", ".join(wrong) or None, expected=intent, predicted=shown)

    def _predict(self, gold: ActionExecuted) -> StepResult:
        expected = gold.name or gold.action_text or ""
        line = f"action: {gold.name}" if gold.name else f"bot: {gold.action_text}"
        action, prediction = self._ask(expected)
        warned = action == UNLIKELY_INTENT != expected
        if warned:
            self._tracker.apply(ActionExecuted(name=UNLIKELY_INTENT))
            action, prediction = self._ask(expected)
        self._tracker.apply(replace(gold, policy=prediction.policy, confidence=prediction.confidence))
        wrong = None
        if action != expected:
            wrong = f"{action} ({prediction.policy}, {prediction.confidence:.2f})"
        return StepResult(
            line,
            wrong,
            is_warning=warned,
            is_action=True,
            expected=expected,
            predicted=action,
            policy=prediction.policy,
            confidence=prediction.confidence,
        )

    def _ask(self, expected: str) -> tuple[str, NextAction]:
        """Predict; where the story leaves a form that would go on, the form is taken to have rejected."""
        prediction = self._policies.predict(self._tracker, self._domain)
        action = prediction.action(self._domain)
        if action != expected and action == self._tracker.active_loop_name in self._domain.forms:
            self._tracker.apply(ActionExecutionRejected(name=action))
            prediction = self._policies.predict(self._tracker, self._domain)
            action = prediction.action(self._domain)
        return action, prediction


def _wrong_intent(expected: str | None, found: ParseResult) -> list[str]:
    """Say what was found instead, and how sure the NLU was."""
    shown = _found_intent(expected, found)
    return [] if shown == expected else [f"intent {shown} ({found.intent.confidence:.2f})"]


def _found_intent(expected: str | None, found: ParseResult) -> str | None:
    """Return the intent that was found; the full retrieval intent where the story names one."""
    name = found.intent.name
    if not expected or "/" not in expected or not name:
        return name
    selector = found.response_selector
    chosen = selector.get(name) or selector.get("default") or {}
    full = (chosen.get("response") or {}).get("intent_response_key") or ""
    return full if full.startswith(f"{name}/") else name


def _wrong_entities(expected: Iterable[Entity], found: Iterable[Entity]) -> list[str]:
    """Entities about the whole message count only where the story names them."""
    wanted = {_key(entity): entity for entity in expected}
    got = {_key(entity): entity for entity in found if entity.start is not None or _key(entity) in wanted}
    missing = [f"no {_show(entity)}" for key, entity in wanted.items() if key not in got]
    return missing + [_show(entity) for key, entity in got.items() if key not in wanted]


def _key(entity: Entity) -> tuple[str, str, int | None, int | None]:
    return entity.entity, str(entity.value), entity.start, entity.end


def _show(entity: Entity) -> str:
    return f"{entity.entity}={entity.value!r}"
