"""Rules and stories that go on differently from the same point, found by predicting all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bot.dialogue.domain import ACTION_LISTEN, RULE_SNIPPET, Domain
from bot.dialogue.events import ActionExecuted, ActiveLoop
from bot.errors import Finding, Location
from bot.policies.dialogues import applied_events, named, places_of_events
from bot.policies.rule_book import (
    DEFAULT_ACTIONS_OF_INTENTS,
    Moment,
    RuleBook,
    Source,
    default_source,
    loop_source,
)
from bot.policies.states import Action, State, without_user_text
from bot.policies.turns import History, state
from bot.training_data.story_branch import SHOULD_NOT_BE_SET
from bot.training_data.story_graph import TrainingTracker


@dataclass(frozen=True, slots=True)
class Step:
    """A point of a tracker where rules are asked: what they look at, and the action written there.

    `loop_is_fresh` says that since the step before a loop was activated or ran: no rejection of it counts.
    """

    moment: Moment
    action: str
    place: Location | None
    loop_is_fresh: bool


class Contradictions:
    """Predicts every step of rules and stories with a rule book.

    `fallback` is what a rule tracker gets where the book has nothing to say. Predicting stories may take a
    rule out of the book: an automatic "then listen" gives way to a story that goes on.
    """

    def __init__(self, book: RuleBook, domain: Domain, fallback: str) -> None:
        self._book, self._domain, self._fallback = book, domain, fallback
        self._sources: dict[Source, dict[str, str]] = {}

    def check(self, trackers: Sequence[TrainingTracker]) -> list[Finding]:
        """Return the contradictions, and note in the book which of its sources no story uses."""
        steps = [(tracker, list(steps_of(tracker, self._domain))) for tracker in trackers]
        for tracker, own in steps:
            if tracker.is_rule:
                self._collect(tracker, own)
        used: set[Source | None] = set()
        findings: list[Finding] = []
        for tracker, own in steps:
            for step, predicted, source in self._predictions(tracker, own):
                if predicted == step.action:
                    used |= set() if tracker.is_rule else {source}
                elif predicted is not None and source is not None:
                    findings += self._judge(tracker, step, predicted, source)
        self._book.not_in_stories = frozenset(self._all_sources() - used)
        return list(dict.fromkeys(findings))

    def _collect(self, tracker: TrainingTracker, steps: Sequence[Step]) -> None:
        """Remember which rules ask for what at which source; defaults and loops ask for themselves."""
        for step, predicted, source in self._predictions(tracker, steps):
            if isinstance(source, tuple):
                self._sources.setdefault(source, {})[named(tracker, step.place)] = step.action
            elif source is not None:
                self._sources.setdefault(source, {})[f"the engine itself ({source})"] = predicted or ""

    def _all_sources(self) -> set[Source]:
        defaults = {default_source(intent) for intent in DEFAULT_ACTIONS_OF_INTENTS}
        loops = {loop_source(loop, listens=after) for loop in self._domain.forms for after in (False, True)}
        return {*self._sources, *defaults, *loops}

    def _predictions(
        self, tracker: TrainingTracker, steps: Sequence[Step]
    ) -> Iterator[tuple[Step, str | None, Source | None]]:
        """Predict each step; a loop that is not what is written there is taken to have rejected."""
        rejected = False
        for step in steps:
            rejected = rejected and not step.loop_is_fresh
            moment = replace(step.moment, loop_rejected=rejected)
            decision = self._book.decide(moment)
            if moment.loop and decision.action == moment.loop != step.action:
                rejected = True
                decision = self._book.decide(replace(moment, loop_rejected=True))
            predicted = decision.action or (self._fallback if tracker.is_rule else None)
            yield step, predicted, decision.source

    def _judge(
        self, tracker: TrainingTracker, step: Step, predicted: str, source: Source
    ) -> Iterator[Finding]:
        if self._gives_way(tracker, predicted, source):
            self._book.rules.remove(self._book.rules.rules[source])  # type: ignore[index]
            return
        for rule, action in self._sources.get(source, {}).items():
            if action != step.action:
                yield _finding(tracker, step, rule, action)

    def _gives_way(self, tracker: TrainingTracker, predicted: str, source: Source) -> bool:
        """Tell whether a rule only listens after an unprompted action after which the story goes on.

        The text comparison is Rasa's: some other rule begins with the same state or with a fuller one.
        """
        if tracker.is_rule or predicted != ACTION_LISTEN or isinstance(source, str):
            return False
        rule = self._book.rules.rules.get(source)
        if rule is None or sum(made.prev_action is not None for made in source) > 1:
            return False
        others = (other.key for other in self._book.rules.rules.values() if other is not rule)
        return any(other.startswith(rule.key[:-2]) for other in others)


def steps_of(tracker: TrainingTracker, domain: Domain) -> Iterator[Step]:
    """Yield the steps that can be predicted: not a tracker's first action, nor the first after a `...`."""
    places = places_of_events(tracker)
    history = History(domain).follow(applied_events(tracker))
    states = [state(turn) for turn in history.turns()]
    kept = [without_user_text(made) for made in states]
    is_predictable, loop_is_fresh, count = False, False, 0
    for event, situation in zip(history.events, history.situations, strict=False):
        loop = None if situation.active_loop == SHOULD_NOT_BE_SET else situation.active_loop
        if isinstance(event, ActiveLoop):
            loop_is_fresh = True
        if not isinstance(event, ActionExecuted):
            continue
        action = event.name or event.action_text or ""
        if is_predictable and action != RULE_SNIPPET:
            intent = situation.message.intent_name if situation.message else None
            seen = (*kept[:count], states[count])
            moment = Moment(seen, situation.action, intent, loop, loop_rejected=False)
            yield Step(moment, action, places.get(id(event)), loop_is_fresh)
            loop_is_fresh = False
        is_predictable = action != RULE_SNIPPET
        loop_is_fresh = loop_is_fresh or action == loop
        count += 1


def _finding(tracker: TrainingTracker, step: Step, rule: str, action: str) -> Finding:
    return Finding(
        "contradicting-rules",
        f"{'rule' if tracker.is_rule else 'story'} '{tracker.name}' goes on with '{step.action}' "
        f"{_after(step.moment.states[-1])}, where {rule} says '{action}'; {_remedy(tracker, step, action)}",
        step.place or tracker.location,
    )


def _after(state: State) -> str:
    user = state.user
    if state.is_after_listen and user is not None:
        return f"after the customer's '{user.intent or user.text}'"
    action = state.prev_action
    return f"after '{action.name or action.text}'" if action else "at the start of the conversation"


def _remedy(tracker: TrainingTracker, step: Step, action: str) -> str:
    loop = step.moment.loop
    if loop and action == ACTION_LISTEN and step.moment.latest_action == Action(loop):
        return f"write `- active_loop: null` after `- action: {loop}` if the form ends there"
    if tracker.is_rule:
        return "give one of the two a condition that the other lacks, or the same next step"
    if action == ACTION_LISTEN:
        return (
            f"end the turn of the story before `- action: {step.action}`, "
            f"or write `wait_for_user_input: false` in the rule"
        )
    return (
        f"write `- action: {action}` at this point of the story, "
        f"or give the rule a condition that does not hold there"
    )
