"""Stories that contradict each other: after the same turns they go on with different actions."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from bot.dialogue.domain import Domain
from bot.dialogue.events import ActionExecuted
from bot.errors import Finding, Location, Severity
from bot.training_data.stories import StoryStep
from bot.training_data.story_branch import Branch
from bot.training_data.story_graph import TrainingTracker, generate_trackers

UNLIKELY = "action_unlikely_intent"


@dataclass(frozen=True, slots=True)
class _Choice:
    action: str
    story: str
    place: Location | None

    def __str__(self) -> str:
        return f"'{self.story}' ({self.place}) goes on with '{self.action}'"


def find_story_conflicts(
    steps: Sequence[StoryStep], domain: Domain, max_history: int | None = None
) -> list[Finding]:
    """Compare what each story does after the same states; rules are not looked at, as in Rasa.

    Args:
        steps: The project's stories; rules among them are passed over.
        domain: Tells which stories look the same to policies.
        max_history: How many states count, counted from the end; None for all.
    """
    stories = [step for step in steps if not step.is_rule]
    trackers = generate_trackers(stories, domain, augmentation_factor=0, remove_duplicates=False)
    choices: dict[Hashable, dict[str, _Choice]] = {}
    for tracker in trackers:
        for key, choice in _choices(tracker, domain, max_history):
            choices.setdefault(key, {}).setdefault(choice.action, choice)
    learnt = (
        {name: choice for name, choice in found.items() if name != UNLIKELY} for found in choices.values()
    )
    conflicts = [_conflict(list(found.values())) for found in learnt if len(found) > 1]
    return [*conflicts, *(_unlearnable(found[UNLIKELY]) for found in choices.values() if UNLIKELY in found)]


def _choices(
    tracker: TrainingTracker, domain: Domain, max_history: int | None
) -> list[tuple[Hashable, _Choice]]:
    branch = Branch.start(domain)
    states: list[Hashable] = []
    found: list[tuple[Hashable, _Choice]] = []
    nearest_place = tracker.location
    for event, place in zip(tracker.events, tracker.event_locations, strict=True):
        nearest_place = place or nearest_place
        if isinstance(event, ActionExecuted):
            states.append(branch.state)
            key = tuple(states if max_history is None else states[-max_history:])
            if branch.has_begun:
                name = event.name or event.action_text or ""
                found.append((key, _Choice(name, tracker.name, nearest_place)))
        branch.apply(event)
    return found


def _unlearnable(choice: _Choice) -> Finding:
    message = f"{choice}, which nothing learns from a story; react to it by a rule"
    return Finding("story-conflict", message, choice.place, Severity.WARNING)


def _conflict(choices: Sequence[_Choice]) -> Finding:
    what = ", ".join(map(str, choices))
    message = f"stories contradict each other; after the same turns {what}"
    return Finding("story-conflict", message, choices[-1].place, Severity.WARNING)
