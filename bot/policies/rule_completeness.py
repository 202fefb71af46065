"""Rules that are too long or that leave out what the same action sets in other rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from bot.dialogue.domain import ACTION_LISTEN, RULE_SNIPPET, Domain
from bot.dialogue.events import ActionExecuted, ActiveLoop, Event, SlotSet, UserUttered
from bot.errors import Finding
from bot.policies.dialogues import all_states, named, places_of_events, unfolded_events
from bot.policies.states import State
from bot.training_data.story_branch import SHOULD_NOT_BE_SET
from bot.training_data.story_graph import TrainingTracker


def check_length(rules: Iterable[TrainingTracker]) -> list[Finding]:
    """Find rules in which the customer speaks more than once: that would be a story."""
    return [
        Finding(
            "rule-too-long",
            f"rule '{rule.name}' has more than one customer turn; a rule answers one turn, "
            "write longer exchanges as a story",
            rule.location,
        )
        for rule in rules
        if sum(isinstance(event, UserUttered) for event in rule.events) > 1
    ]


@dataclass(slots=True)
class _Effects:
    """What an action sets in some rule, with the first place that says so."""

    slots: dict[str, str] = field(default_factory=dict)
    loops: dict[str | None, str] = field(default_factory=dict)


def check_completeness(rules: Sequence[TrainingTracker], domain: Domain) -> list[Finding]:
    """Find rules that do not say what an action sets although other rules with this action do.

    Such a rule would fit conversations in which the slot or loop is set as well as those in which it is not.
    """
    effects = _effects_of_actions(rules, domain)
    found = (finding for rule in rules for finding in _check_rule(rule, effects, domain))
    return list(dict.fromkeys(found))


def _effects_of_actions(rules: Iterable[TrainingTracker], domain: Domain) -> dict[str, _Effects]:
    effects: dict[str, _Effects] = {}
    for rule in rules:
        places = places_of_events(rule)
        for action, event in _events_after_actions(rule.events):
            known = effects.setdefault(action, _Effects())
            said_by = named(rule, places.get(id(event)))
            if isinstance(event, ActiveLoop):
                known.loops.setdefault(event.name, said_by)
            elif isinstance(event, SlotSet) and _is_featurized(event.name, domain):
                known.slots.setdefault(event.name, said_by)
    return effects


def _is_featurized(name: str, domain: Domain) -> bool:
    slot = domain.slots.get(name)
    return slot is not None and slot.is_featurized


def _events_after_actions(events: Iterable[Event]) -> Iterator[tuple[str, Event]]:
    """Yield events with the action that caused them; what follows a customer turn comes from its entities."""
    action: str | None = None
    for event in events:
        if isinstance(event, ActionExecuted):
            action = event.name or event.action_text
        elif isinstance(event, UserUttered):
            action = None
        elif action:
            yield action, event


def _check_rule(rule: TrainingTracker, effects: dict[str, _Effects], domain: Domain) -> Iterator[Finding]:
    events = unfolded_events(rule)
    actions = [event for event in events if isinstance(event, ActionExecuted)]
    following = [*(event.name for event in actions[1:]), ACTION_LISTEN]
    places = places_of_events(rule)
    after_each = all_states(events, domain)[1:]
    for event, next_action, state in zip(actions, following, after_each, strict=True):
        if event.name is None or RULE_SNIPPET in (event.name, next_action):
            continue
        known = effects.get(event.name, _Effects())
        for problem in _missing(event.name, known, state):
            message = (
                f"rule '{rule.name}' {problem}, or `wait_for_user_input: false` to the rule if it ends there"
            )
            yield Finding("incomplete-rule", message, places.get(id(event)))


def _missing(action: str, known: _Effects, state: State) -> Iterator[str]:
    present = {name for name, _ in state.slots}
    for slot, other in known.slots.items():
        if slot not in present:
            yield (
                f"does not say what '{action}' does to slot '{slot}', {other} does; "
                f"add after `- action: {action}` the step `- slot_was_set: [{slot}: <value, or null>]`"
            )
    if known.loops and state.active_loop not in known.loops:
        loops = " or ".join("null" if loop in (None, SHOULD_NOT_BE_SET) else loop for loop in known.loops)
        yield (
            f"does not say which loop is active after '{action}', {next(iter(known.loops.values()))} does; "
            f"add after `- action: {action}` the step `- active_loop: {loops}`"
        )
