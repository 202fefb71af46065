"""A story on its way through the graph: what policies would see of it, folded as events are applied."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import NamedTuple

from bot.dialogue.applied_events import AppliedEvents
from bot.dialogue.domain import ACTION_LISTEN, Domain
from bot.dialogue.events import (
    ActionExecuted,
    ActionReverted,
    ActiveLoop,
    AllSlotsReset,
    Event,
    Restarted,
    SessionStarted,
    SlotSet,
    UserUtteranceReverted,
    UserUttered,
)
from bot.dialogue.messages import JSON
from bot.errors import Location
from bot.training_data.stories import StoryStep

SHOULD_NOT_BE_SET = "should_not_be_set"
_REVERTING = (Restarted, SessionStarted, ActionReverted, UserUtteranceReverted)


class _Link(NamedTuple):
    """Events as a linked list: branches that part share what came before."""

    before: _Link | None
    event: Event
    place: Location | None


Steps = Sequence[tuple[Event, Location | None]]


class Branch:
    """Mutable until it waits at a checkpoint; a copy shares what came before.

    Its fingerprint stands for the sequence of states that policies would see. Events added with `later` are
    applied when somebody looks: of the many glued stories most are never chosen.
    """

    __slots__ = (
        "_action", "_domain", "_earlier", "_features", "_last", "_listening", "_loop", "_pending", "_user",
        "is_augmented", "location", "name", "slots",
    )  # fmt: skip

    def __init__(self, domain: Domain) -> None:
        self._domain = domain
        self.name = ""
        self.location: Location | None = None
        self.is_augmented = False
        self._last: _Link | None = None
        self._listening: Branch | None = None
        self._pending: tuple[Steps, ...] = ()
        self._reset()

    @classmethod
    def start(cls, domain: Domain) -> Branch:
        """Return the branch in which nothing has happened yet."""
        return cls(domain)

    def copy(self) -> Branch:
        """Return a branch that goes on by itself."""
        other = Branch.__new__(Branch)
        for name in Branch.__slots__:
            setattr(other, name, getattr(self, name))
        return other

    def enter(self, step: StoryStep) -> Branch:
        """Return a copy that carries the step's name, each name once."""
        other = self.copy()
        if not other.name:
            other.name = step.name
            other.location = step.location
        elif step.name not in other.name.split(" > "):
            other.name = f"{other.name} > {step.name}"
        return other

    def before_listen(self) -> Branch:
        """Return the branch as it was before its last `action_listen`, marked as augmented."""
        self._settle()
        other = (self._listening or self).copy()
        other.is_augmented = True
        return other

    def holds(self, conditions: Mapping[str, JSON]) -> bool:
        """Tell whether slots have the values that a checkpoint asks for."""
        self._settle()
        return all(self.slots.get(name) == value for name, value in conditions.items())

    def events(self) -> list[tuple[Event, Location | None]]:
        """Return all events with their places, oldest first."""
        self._settle()
        found = []
        link = self._last
        while link is not None:
            found.append((link.event, link.place))
            link = link.before
        return found[::-1]

    @property
    def state(self) -> Hashable:
        """What policies would see now: the last turn, the last action, the loop and featurized slots."""
        self._settle()
        return self._state()

    @property
    def has_begun(self) -> bool:
        """Whether anything has happened yet."""
        self._settle()
        return self._last is not None

    def fingerprint(self) -> int:
        """Return a hash of the states so far."""
        self._settle()
        return hash((self._earlier, self._state()))

    def apply(self, event: Event, place: Location | None = None) -> None:
        """Append one event."""
        self._settle()
        self._apply(event, place)

    def later(self, events: Steps) -> None:
        """Append events when somebody looks."""
        self._pending = (*self._pending, events)

    def _settle(self) -> None:
        pending, self._pending = self._pending, ()
        for events in pending:
            for event, place in events:
                self._apply(event, place)

    def _apply(self, event: Event, place: Location | None) -> None:
        if isinstance(event, ActionExecuted) and event.name == ACTION_LISTEN:
            self._listening = None  # one step back is enough
            self._listening = self.copy()
        self._last = _Link(self._last, event, place)
        if isinstance(event, _REVERTING):
            self._refold()
        else:
            self._fold(event)

    def _reset(self) -> None:
        self._earlier = 0
        self._user: Hashable = None
        self._action: str | None = None
        self._loop: str | None = None
        self._reset_slots()

    def _reset_slots(self) -> None:
        self.slots = {name: slot.initial_value for name, slot in self._domain.slots.items()}
        self._features: dict[str, Hashable] = dict(self._domain.slot_features(self.slots))

    def _fold(self, event: Event) -> None:
        match event:
            case ActionExecuted():
                self._earlier = hash((self._earlier, self._state()))
                self._action = event.name or event.action_text
            case UserUttered():
                labels = self._domain.entity_labels(event.entities, event.intent_name)
                self._user = (event.intent_name or event.text, event.intent_name is None, labels)
            case SlotSet():
                self._set_slot(event)
            case ActiveLoop():
                self._loop = event.name
            case AllSlotsReset():
                self._reset_slots()
            case _:
                pass

    def _set_slot(self, event: SlotSet) -> None:
        slot = self._domain.slots.get(event.name)
        if slot is None:
            return
        value = slot.coerce(event.value)
        self.slots = {**self.slots, event.name: value}
        features = slot.features(value)
        if event.value == SHOULD_NOT_BE_SET and slot.is_featurized:
            self._features = {**self._features, event.name: event.value}
        elif any(features):
            self._features = {**self._features, event.name: features}
        elif event.name in self._features:
            self._features = {name: seen for name, seen in self._features.items() if name != event.name}

    def _state(self) -> Hashable:
        return (self._user, self._action, self._loop, frozenset(self._features.items()))

    def _refold(self) -> None:
        """Start anew from the events that a reverting event leaves over."""
        applied, log = AppliedEvents(), []
        for event, _ in self.events():
            log.append(event)
            applied.append(event, log)
        self._reset()
        for event in applied.events:
            self._fold(event)
