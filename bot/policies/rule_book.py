"""What RulePolicy has learnt, and what it says at one moment of a conversation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bot.dialogue.domain import ACTION_LISTEN, RULE_SNIPPET
from bot.errors import ModelError
from bot.policies.dialogues import Dialogue
from bot.policies.rule_lookup import Rule, RuleLookup
from bot.policies.state_files import (
    NumberedStates,
    StateNumbers,
    read_json,
    rule_only_as_json,
    rule_only_from_json,
    write_json,
)
from bot.policies.states import Action, State, since_snippet, with_last_turn
from bot.policies.turns import RuleOnly
from bot.training_data.story_branch import SHOULD_NOT_BE_SET

DEFAULT_ACTIONS_OF_INTENTS = {
    "restart": "action_restart",
    "back": "action_back",
    "session_start": "action_session_start",
}
LOOP_INTERRUPTED = "loop_was_interrupted"
NOT_THE_LOOP = "do_not_predict_loop_action"

Source = str | tuple[State, ...]
"""What a prediction rests on: the states of a rule, or the name of a default intent or loop."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What rules look at; the last of `states` still holds intent and text of the customer's turn."""

    states: tuple[State, ...]
    latest_action: Action | None
    intent: str | None
    loop: str | None
    loop_rejected: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """What the rules say: an action or None, and what it rests on."""

    action: str | None
    source: Source | None = None
    is_interrupted: bool = False
    is_no_user: bool = False
    is_end_to_end: bool = False


@dataclass(slots=True)
class RuleBook:
    """The tables of RulePolicy.

    `unhappy` tells, inside a loop, whether it was interrupted or must not run now. `not_in_stories` are
    the sources that no story uses: turns predicted from them stay hidden from what learns from stories.
    """

    rules: RuleLookup = field(default_factory=RuleLookup)
    unhappy: RuleLookup = field(default_factory=RuleLookup)
    rule_only: RuleOnly = field(default_factory=RuleOnly)
    not_in_stories: frozenset[Source] = frozenset()

    @property
    def longest(self) -> int:
        """How many states decide: more of a conversation changes nothing, save that it is longer."""
        sources = (len(source) for source in self.not_in_stories if not isinstance(source, str))
        return max(self.rules.longest, self.unhappy.longest, *sources, 1)

    def decide(self, moment: Moment) -> Decision:
        """Say what to do: default intents, the loop's happy path, rules on text, then on intents."""
        by_text = self._find(moment, as_text=True) if _is_listen(moment.latest_action) else Decision(None)
        if by_text.action is None and (default := _default_action(moment)):
            return default
        if happy := _happy_path(moment):
            return happy
        if by_text.action is not None:
            return Decision(by_text.action, by_text.source, by_text.is_interrupted, is_end_to_end=True)
        by_intent = self._find(moment, as_text=False)
        interrupted = by_text.is_interrupted or by_intent.is_interrupted
        return Decision(by_intent.action, by_intent.source, interrupted)

    def _find(self, moment: Moment, *, as_text: bool) -> Decision:
        states = (*moment.states[:-1], with_last_turn(moment.states[-1], as_text=as_text))
        rule = self.rules.best(states)
        source = rule.states if rule else since_snippet(states) or None
        if moment.loop is None:
            return Decision(rule.action if rule else None, source)
        return self._find_in_loop(rule, source, states, moment.loop)

    def _find_in_loop(
        self, rule: Rule | None, source: Source | None, states: Sequence[State], loop: str
    ) -> Decision:
        marks = {mark.action for mark in self.unhappy.matching(states)}
        action = rule.action if rule else None
        if rule and action == ACTION_LISTEN and rule.states[-1].loop is None:
            # A rule that knows nothing of the loop answered in between: the loop asks its question again,
            # unless the stories or rules of this loop go on differently.
            if NOT_THE_LOOP not in marks:
                return Decision(loop, source)
            action = None
        return Decision(action, source, is_interrupted=LOOP_INTERRUPTED in marks)

    def save(self, path: Path) -> None:
        """Write the tables."""
        numbers = StateNumbers()
        tables = {
            name: [[numbers.of(rule.states), rule.action] for rule in lookup.rules.values()]
            for name, lookup in (("rules", self.rules), ("unhappy", self.unhappy))
        }
        named = sorted(source for source in self.not_in_stories if isinstance(source, str))
        hidden = [numbers.of(source) for source in self.not_in_stories if not isinstance(source, str)]
        data = {"states": numbers.as_json(), **tables, "not_in_stories": [*named, *sorted(hidden)]}
        write_json(path, data | {"rule_only": rule_only_as_json(self.rule_only)})

    @classmethod
    def load(cls, path: Path) -> RuleBook:
        """Read the tables back.

        Raises:
            ModelError: The file is missing or broken.
        """
        data = read_json(path)
        try:
            known = NumberedStates(data["states"])
            rules, unhappy = (
                RuleLookup.from_table({known.sequence(numbers): action for numbers, action in data[name]})
                for name in ("rules", "unhappy")
            )
            hidden = (
                source if isinstance(source, str) else known.sequence(source)
                for source in data["not_in_stories"]
            )
            return cls(rules, unhappy, rule_only_from_json(data["rule_only"]), frozenset(hidden))
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            raise ModelError(f"{path}: broken rule tables ({error!r}); train the model again") from error


def default_source(intent: str) -> str:
    """Name what the default action of an intent rests on."""
    return f"predicting default action with intent {intent}"


def loop_source(loop: str, *, listens: bool = False) -> str:
    """Name what running a loop, or listening after it ran, rests on."""
    return f"handling active loops and forms - {loop}" + (f" - {ACTION_LISTEN}" if listens else "")


def learn_rules(rules: Iterable[Dialogue], stories: Iterable[Dialogue]) -> RuleBook:
    """Make the tables; continuations that contradict each other are in none of them."""
    rules, stories = list(rules), list(stories)
    followers: dict[tuple[State, ...], set[str]] = {}
    for dialogue in rules:
        for count, action in dialogue.steps:
            if states := since_snippet(dialogue.states[:count]):
                followers.setdefault(states, set()).add(action)
    table = {states: next(iter(actions)) for states, actions in followers.items() if len(actions) == 1}
    table = {states: action for states, action in table.items() if action != RULE_SNIPPET}
    unhappy = RuleLookup.from_table(_unhappy_paths([*rules, *stories]))
    return RuleBook(RuleLookup.from_table(table), unhappy)


def find_rule_only(rules: Iterable[Dialogue], stories: Iterable[Dialogue]) -> RuleOnly:
    """Return the slots and loops that rules know and stories do not."""
    rule_slots, rule_loops = _slots_and_loops(rules)
    story_slots, story_loops = _slots_and_loops(stories)
    return RuleOnly(
        frozenset(rule_slots - story_slots), frozenset(rule_loops - story_loops - {SHOULD_NOT_BE_SET})
    )


def _slots_and_loops(dialogues: Iterable[Dialogue]) -> tuple[set[str], set[str]]:
    slots: set[str] = set()
    loops: set[str] = set()
    for dialogue in dialogues:
        last = max((count for count, _ in dialogue.steps), default=0)
        for state in dialogue.states[:last]:
            slots.update(name for name, _ in state.slots)
            if state.active_loop:
                loops.add(state.active_loop)
    return slots, loops


def _unhappy_paths(dialogues: Iterable[Dialogue]) -> dict[tuple[State, ...], str]:
    """Learn from what happens inside loops in rules and stories, which tell only of unhappy paths."""
    marks: dict[tuple[State, ...], str] = {}
    for dialogue in dialogues:
        for count, action in dialogue.steps:
            last = dialogue.states[count - 1]
            if last.loop is None:
                continue
            mark = _mark(last, action)
            states = since_snippet(_last_two(dialogue.states[:count]))
            if mark and states:
                marks[states] = mark
    return marks


def _mark(state: State, action: str) -> str | None:
    if state.is_after_listen:
        return LOOP_INTERRUPTED if action == state.loop else None
    return NOT_THE_LOOP if action != state.loop else None


def _last_two(states: Sequence[State]) -> tuple[State, ...]:
    """Return the last state, before it only the action of the one before: what was said then is forgotten."""
    if len(states) == 1 or states[-2].prev_action is None:
        return (states[-1],)
    return (State(prev_action=states[-2].prev_action), states[-1])


def _is_listen(action: Action | None) -> bool:
    return action is not None and action.name == ACTION_LISTEN


def _default_action(moment: Moment) -> Decision | None:
    action = DEFAULT_ACTIONS_OF_INTENTS.get(moment.intent or "")
    if action is None or not _is_listen(moment.latest_action):
        return None
    return Decision(action, default_source(moment.intent or ""))


def _happy_path(moment: Moment) -> Decision | None:
    """A loop that did not reject runs after each customer turn, and listens after each run."""
    if moment.loop is None or moment.loop_rejected or moment.latest_action is None:
        return None
    if moment.latest_action.name != moment.loop:
        return Decision(moment.loop, loop_source(moment.loop), is_no_user=True)
    return Decision(ACTION_LISTEN, loop_source(moment.loop, listens=True), is_no_user=True)
