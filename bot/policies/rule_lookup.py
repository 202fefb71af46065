"""Finding the rules that fit a conversation, among hundreds, by looking at a handful."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bot.policies.states import Action, State, User, key_text
from bot.training_data.story_branch import SHOULD_NOT_BE_SET


@dataclass(frozen=True, slots=True)
class Rule:
    """After these states comes this action; `key` is the text of the states as Rasa writes it."""

    states: tuple[State, ...]
    action: str
    key: str = field(compare=False)


def make_rule(states: tuple[State, ...], action: str) -> Rule:
    """Make a rule with its key."""
    return Rule(states, action, key_text(states))


_Bucket = tuple[Action | None, str | None, str | None]


class RuleLookup:
    """Rules by what their last state asks for: the action before, the intent or text after it."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self.rules: dict[tuple[State, ...], Rule] = {rule.states: rule for rule in rules}
        self._buckets: dict[_Bucket, list[Rule]] = {}
        for rule in self.rules.values():
            self._buckets.setdefault(_bucket(rule.states[-1]), []).append(rule)
        self._order = {states: index for index, states in enumerate(self.rules)}
        self.longest = max((len(states) for states in self.rules), default=0)

    @classmethod
    def from_table(cls, table: Mapping[tuple[State, ...], str]) -> RuleLookup:
        """Make the lookup of a table from states to actions."""
        return cls(make_rule(states, action) for states, action in table.items())

    def remove(self, rule: Rule) -> None:
        """Take a rule out."""
        del self.rules[rule.states]
        self._buckets[_bucket(rule.states[-1])].remove(rule)

    def matching(self, states: Sequence[State]) -> Iterator[Rule]:
        """Yield the rules that fit the end of a conversation; `longest` of its states decide."""
        for bucket in _buckets_of(states[-1]):
            for rule in self._buckets.get(bucket, ()):
                if rule_fits(rule.states, states):
                    yield rule

    def best(self, states: Sequence[State]) -> Rule | None:
        """Return the fitting rule with the longest key text, as Rasa does; of equals the one learnt first.

        Where one rule is a special case of another its text is longer. Long names count too.
        """
        found = self.matching(states)
        return max(found, key=lambda rule: (len(rule.key), -self._order[rule.states]), default=None)


def _bucket(state: State) -> _Bucket:
    user = state.user or User()
    return (None, None, None) if state.prev_action is None else (state.prev_action, user.intent, user.text)


def _buckets_of(state: State) -> set[_Bucket]:
    if state.prev_action is None:
        return {(None, None, None)}
    user = state.user or User()
    action = state.prev_action
    return {
        (action, None, None),
        (action, user.intent, None),
        (action, None, user.text),
        (action, user.intent, user.text),
    }


def rule_fits(rule: Sequence[State], conversation: Sequence[State]) -> bool:
    """Tell whether a rule's states are contained in the last states of a conversation.

    A rule state without an action before it is the start of a conversation and fits only there.
    """
    for asked, given in zip(reversed(rule), reversed(conversation), strict=False):
        if asked.prev_action is None and given.prev_action is None:
            continue  # both begin here: what is set at the start is set in both
        if asked.prev_action is None or given.prev_action is None:
            return False
        if not _contains(given, asked):
            return False
    return True


def _contains(given: State, asked: State) -> bool:
    return (
        asked.prev_action == given.prev_action
        and _user_fits(asked.user or User(), given.user or User())
        and _value_fits(asked.active_loop, given.active_loop)
        and _slots_fit(asked, given)
    )


def _user_fits(asked: User, given: User) -> bool:
    return (
        (not asked.intent or asked.intent == given.intent)
        and (not asked.text or asked.text == given.text)
        and (not asked.entities or asked.entities == given.entities)
    )


def _slots_fit(asked: State, given: State) -> bool:
    if not asked.slots:
        return True
    values = dict(given.slots)
    return all(_value_fits(value, values.get(name)) for name, value in asked.slots)


def _value_fits(asked: object, given: object) -> bool:
    """Compare slot features or loop names; where rules are checked the conversation is a rule itself."""
    if asked == SHOULD_NOT_BE_SET:
        return not given or given == SHOULD_NOT_BE_SET
    return not asked or asked == given
