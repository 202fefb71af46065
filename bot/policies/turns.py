"""A conversation as policies see it: a fold over its applied events, one state per action.

A history is kept beside each live tracker and follows it event by event, so a turn pays only for its own
events and for the states a policy asks for, however long the conversation is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from weakref import WeakKeyDictionary

from bot.dialogue.domain import ACTION_LISTEN, Domain
from bot.dialogue.events import (
    ActionExecuted,
    ActiveLoop,
    AllSlotsReset,
    DefinePrevUserUtteredFeaturization,
    EntitiesAdded,
    Event,
    FollowupAction,
    SlotSet,
    UserUttered,
)
from bot.dialogue.messages import Entity
from bot.dialogue.tracker import Tracker
from bot.policies.states import Action, Features, State, User, with_last_turn, without_user_text
from bot.training_data.story_branch import SHOULD_NOT_BE_SET


@dataclass(frozen=True, slots=True)
class RuleOnly:
    """Slots and loops that occur in rules but in no story; policies that learn from stories overlook them."""

    slots: frozenset[str] = frozenset()
    loops: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Situation:
    """All that a state is made of, after some event; `slots` holds only slots that policies see.

    `user` is what the other fields say of the customer's last turn: worked out once for all policies.
    """

    slots: Mapping[str, Features]
    user: User | None = None
    message: UserUttered | None = None
    added_entities: tuple[Entity, ...] = ()
    use_text: bool | None = None
    action: Action | None = None
    active_loop: str | None = None
    has_followup: bool = True

    @property
    def is_after_loop(self) -> bool:
        """Whether the active loop has just run; true as well before anything has happened."""
        loop = None if self.active_loop == SHOULD_NOT_BE_SET else self.active_loop
        action = (self.action.name or self.action.text) if self.action else None
        return action == loop


@dataclass(frozen=True, slots=True)
class Turn:
    """One state to be: the situation, whose message counts in it, and the action before it.

    `position` says before which event of the history it stands. Policies ask for the state of a turn again
    and again: it is `made` once for each `RuleOnly`.
    """

    position: int
    situation: Situation
    spoken: Situation
    action: Action | None
    made: dict[RuleOnly | None, State] = field(default_factory=dict, compare=False, repr=False)


def first_situation(domain: Domain, *, omit_unset_slots: bool = False) -> Situation:
    """Return the situation of a new conversation; rules do not see initial values of slots."""
    if omit_unset_slots:
        return Situation({})
    values = ((name, slot.coerce(slot.initial_value)) for name, slot in domain.slots.items())
    found = ((name, slot_features(domain, name, value)) for name, value in values)
    return Situation({name: features for name, features in found if features})


def slot_features(domain: Domain, name: str, value: object) -> Features:
    """Return what policies see of a slot's value; empty when they see nothing."""
    slot = domain.slots.get(name)
    if slot is None or not slot.is_featurized:
        return ()
    stored = slot.coerce(value)
    if stored == SHOULD_NOT_BE_SET:
        return SHOULD_NOT_BE_SET
    features = slot.features(stored)
    return features if any(features) else ()


class _Story:
    """The turns of a conversation that stories know, read action by action.

    A hidden turn takes its action and what the customer said along: those before stand in for them. Follow-up
    actions and listening after a loop stay as hidden as what they follow (Rasa's `hide_rule_turn`).
    """

    def __init__(self) -> None:
        self.turns: list[Turn] = []
        self.actions_read = 0
        self._last_action: Action | None = None
        self._hidden = False

    def take(self, position: int, situation: Situation, *, hide: bool) -> None:
        """Read the next action, which stands at `position` and may be hidden."""
        turn = self.next_turn(position, situation, hide=hide)
        self._last_action, self._hidden = self._action_before(situation), turn is None
        self.actions_read += 1
        if turn:
            self.turns.append(turn)

    def next_turn(self, position: int, situation: Situation, *, hide: bool) -> Turn | None:
        """Return the turn before an action, None if it is hidden."""
        depends = situation.has_followup or situation.is_after_loop
        if self._hidden if depends else hide:
            return None
        listens = situation.action is not None and situation.action.name == ACTION_LISTEN
        spoken = situation if listens or not self.turns else self.turns[-1].spoken
        return Turn(position, situation, spoken, self._action_before(situation) or situation.action)

    def _action_before(self, situation: Situation) -> Action | None:
        return self._last_action if self._hidden else situation.action


class History:
    """The situations of one conversation; `follow` takes in what is new among its applied events."""

    def __init__(self, domain: Domain, *, omit_unset_slots: bool = False) -> None:
        self.domain = domain
        self.events: list[Event] = []
        self.situations = [first_situation(domain, omit_unset_slots=omit_unset_slots)]
        self.actions: list[int] = []
        self._turns: dict[int, Turn] = {}
        self._story = _Story()

    def follow(self, events: Sequence[Event]) -> History:
        """Take in the applied events of the conversation; those already known cost nothing."""
        known = self._known(events)
        if known < len(self.events):
            self._forget_from(known)
        for event in events[known:]:
            if isinstance(event, ActionExecuted):
                self.actions.append(len(self.events))
            self.events.append(event)
            self.situations.append(self._after(self.situations[-1], event))
        return self

    def turns(self, count: int | None = None) -> list[Turn]:
        """Return the last `count` turns (None: all), as rules see them: the last one is to be predicted."""
        first = 0 if count is None else max(0, len(self.actions) + 1 - count)
        positions = [*self.actions[first:], len(self.events)]
        return [self._turns.get(position) or self._turn(position) for position in positions]

    def story_turns(self) -> list[Turn]:
        """Return the turns as policies that learn from stories see them, those known to rules only hidden."""
        story = self._story
        for position in self.actions[story.actions_read :]:
            story.take(position, self.situations[position], hide=_is_hidden(self.events[position]))
        latest = story.next_turn(len(self.events), self.situations[-1], hide=False)
        return [*story.turns, latest] if latest else list(story.turns)

    def _turn(self, position: int) -> Turn:
        situation = self.situations[position]
        turn = self._turns[position] = Turn(position, situation, situation, situation.action)
        return turn

    def _known(self, events: Sequence[Event]) -> int:
        """Return how many leading events are already folded in.

        Applied events only ever lose events or grow at the end, so the same event at the same place means
        that nothing before it has changed.
        """
        last = len(self.events) - 1
        if last < 0 or (len(events) > last and events[last] is self.events[last]):
            return last + 1
        pairs = enumerate(zip(events, self.events, strict=False))
        shared = min(len(events), len(self.events))
        return next((index for index, (new, old) in pairs if new is not old), shared)

    def _forget_from(self, position: int) -> None:
        del self.events[position:], self.situations[position + 1 :]
        while self.actions and self.actions[-1] >= position:
            self.actions.pop()
        self._turns.clear()
        self._story = _Story()

    def _after(self, situation: Situation, event: Event) -> Situation:
        match event:
            case UserUttered():
                return self._with_message(situation, event)
            case ActionExecuted():
                action = Action(event.name) if event.name else Action(text=event.action_text)
                return replace(situation, action=action, has_followup=False)
            case SlotSet():
                return self._with_slot(situation, event)
            case AllSlotsReset():
                return replace(situation, slots=self.situations[0].slots)
            case ActiveLoop():
                return replace(situation, active_loop=event.name)
            case FollowupAction():
                return replace(situation, has_followup=bool(event.name))
            case DefinePrevUserUtteredFeaturization() if _just_spoken(situation):
                return self._with_user(situation, use_text=event.use_text_for_featurization)
            case EntitiesAdded() if _just_spoken(situation):
                more = replace(situation, added_entities=situation.added_entities + event.entities)
                return self._with_user(more, use_text=situation.use_text)
        return situation

    def _with_message(self, situation: Situation, event: UserUttered) -> Situation:
        use_text = _text_counts(event)
        return replace(
            situation,
            user=_user(event, (), self.domain, use_text=use_text),
            message=event,
            added_entities=(),
            use_text=use_text,
            has_followup=False,
        )

    def _with_user(self, situation: Situation, *, use_text: bool | None) -> Situation:
        message, added = situation.message, situation.added_entities
        user = _user(message, added, self.domain, use_text=use_text) if message else None
        return replace(situation, use_text=use_text, user=user)

    def _with_slot(self, situation: Situation, event: SlotSet) -> Situation:
        features = slot_features(self.domain, event.name, event.value)
        if situation.slots.get(event.name, ()) == features:
            return situation
        others = {name: value for name, value in situation.slots.items() if name != event.name}
        return replace(situation, slots=others | {event.name: features} if features else others)


def _is_hidden(event: Event) -> bool:
    return isinstance(event, ActionExecuted) and event.hide_rule_turn


def _just_spoken(situation: Situation) -> bool:
    return (
        situation.message is not None
        and situation.action is not None
        and situation.action.name == ACTION_LISTEN
    )


def _text_counts(event: UserUttered) -> bool | None:
    """A turn with only one of text and intent is known by that one; None leaves it to the prediction."""
    if event.text and not event.intent_name:
        return True
    return False if event.intent_name and not event.text else None


def state(turn: Turn, rule_only: RuleOnly | None = None) -> State:
    """Return the state of a turn, without what only rules know when `rule_only` is given."""
    made = turn.made.get(rule_only)
    if made is None:
        made = turn.made[rule_only] = _state(turn, rule_only)
    return made


def _state(turn: Turn, rule_only: RuleOnly | None) -> State:
    hidden = rule_only or RuleOnly()
    situation = turn.situation
    return State(
        user=turn.spoken.user,
        prev_action=turn.action,
        slots=tuple(sorted(pair for pair in situation.slots.items() if pair[0] not in hidden.slots)),
        active_loop=None if situation.active_loop in hidden.loops else situation.active_loop,
    )


def _user(
    message: UserUttered, added: Sequence[Entity], domain: Domain, *, use_text: bool | None
) -> User | None:
    entities = () if use_text else (*message.entities, *added)
    user = User(
        intent=None if use_text else message.intent_name,
        text=None if use_text is False else message.text or None,
        entities=domain.entity_labels(entities, message.intent_name),
    )
    return user if user != User() else None


def states_to_predict(
    turns: Sequence[Turn], rule_only: RuleOnly | None = None, *, as_text: bool = False
) -> tuple[State, ...]:
    """Make the states of the last turns of a conversation; the last turn counts by its intent or its text."""
    made = [state(turn, rule_only) for turn in turns]
    return (
        *map(without_user_text, made[:-1]),
        *(with_last_turn(last, as_text=as_text) for last in made[-1:]),
    )


_histories: WeakKeyDictionary[Tracker, History] = WeakKeyDictionary()
# One history serves all policies of a process; it goes when its tracker goes.


def history_of(tracker: Tracker) -> History:
    """Return the history of a live conversation, brought up to date."""
    history = _histories.get(tracker)
    if history is None or history.domain is not tracker.domain:
        history = _histories[tracker] = History(tracker.domain)
    return history.follow(tracker.applied_events())
