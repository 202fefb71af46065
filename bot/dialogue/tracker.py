"""The tracker: everything said and done in one conversation, as a fold over its events."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from bot.dialogue.applied_events import AppliedEvents
from bot.dialogue.domain import ACTION_LISTEN, Domain
from bot.dialogue.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActionReverted,
    ActiveLoop,
    AllSlotsReset,
    BotUttered,
    ConversationPaused,
    ConversationResumed,
    DefinePrevUserUtteredFeaturization,
    EntitiesAdded,
    Event,
    FollowupAction,
    LoopInterrupted,
    Restarted,
    SessionStarted,
    SlotSet,
    UserUtteranceReverted,
    UserUttered,
)
from bot.dialogue.messages import JSON

logger = logging.getLogger(__name__)

# Everything that a replay of events brings about.
_STATE = (
    "paused",
    "latest_action_name",
    "latest_action_text",
    "latest_message",
    "use_text_for_featurization",
    "latest_bot_utterance",
    "followup_action",
    "active_loop",
)
_NO_MESSAGE: dict[str, JSON] = {
    "intent": {},
    "entities": [],
    "text": None,
    "message_id": None,
    "metadata": {},
}


class EventVerbosity(StrEnum):
    """Which events `Tracker.current_state` carries: all, those after the last restart, applied, or none."""

    ALL = "ALL"
    AFTER_RESTART = "AFTER_RESTART"
    APPLIED = "APPLIED"
    NONE = "NONE"


@dataclass(frozen=True, slots=True)
class LoopState:
    """The active loop.

    An interrupted loop skips validation once; a rejected one stays out until it is predicted again.
    `trigger_message` is the customer's message that activated it.
    """

    name: str
    is_interrupted: bool = False
    rejected: bool = False
    trigger_message: UserUttered | None = None

    def as_dict(self) -> dict[str, JSON]:
        """Rasa's wire form."""
        trigger = self.trigger_message.payload()["parse_data"] if self.trigger_message else dict(_NO_MESSAGE)
        return {
            "name": self.name,
            "is_interrupted": self.is_interrupted,
            "rejected": self.rejected,
            "trigger_message": trigger,
        }


class Tracker:
    """One conversation. It changes only by `apply`; everything in it can be recomputed from `events`.

    `slots` holds the current value of every slot of the domain, `slots_set` the names of those that an event
    gave a value since the last reset (rules do not see initial values). `followup_action` is
    `action_listen` in a new conversation. `latest_message` carries the entities that policies added.
    """

    def __init__(self, sender_id: str, domain: Domain) -> None:
        self.sender_id = sender_id
        self.domain = domain
        self.events: list[Event] = []
        self._wire: list[dict[str, JSON]] = []
        self._copied_from: tuple[Tracker, int] | None = None
        self._restarted_at = 0
        self._applied = AppliedEvents()
        # States that a replay of that many applied events gives, so that a revert replays only a turn or two.
        self._snapshots: list[tuple[int, dict[str, Any]]] = []
        self._is_replay = True
        self.latest_input_channel: str | None = None
        self.active_loop: LoopState | None = None
        self._reset()

    @classmethod
    def from_events(cls, sender_id: str, events: Iterable[Event], domain: Domain) -> Tracker:
        """Replay a stored conversation."""
        tracker = cls(sender_id, domain)
        for event in events:
            tracker.apply(event)
        return tracker

    def copy(self) -> Tracker:
        """Return an independent tracker in the same state."""
        twin = Tracker.__new__(Tracker)
        twin.__dict__.update(self.__dict__)
        twin._wire, twin._copied_from = [], (self, len(self.events))
        twin.events = list(self.events)
        twin._applied = self._applied.copy()
        twin._snapshots = list(self._snapshots)
        twin.slots = dict(self.slots)
        twin.slots_set = set(self.slots_set)
        return twin

    def apply(self, event: Event) -> None:
        """Take in one more event, in constant time; a revert replays the turn before it."""
        self.events.append(event)
        if isinstance(event, Restarted):
            self._restarted_at = len(self.events)
        if isinstance(event, UserUttered):
            self.latest_input_channel = event.input_channel
            if self._is_replay:
                self._snapshots.append((len(self._applied.events), self._state()))
        unchanged = self._applied.append(event, self.events)
        while self._snapshots and self._snapshots[-1][0] > unchanged:
            self._snapshots.pop()
        if isinstance(event, UserUtteranceReverted | ActionReverted):
            self._replay()
        else:
            self._fold(event)
            self._is_replay = self._equals_replay(event, unchanged)

    def _replay(self) -> None:
        """Bring the state to what the applied events alone give."""
        start = 0
        self._reset()
        if self._snapshots:
            start, state = self._snapshots[-1]
            self.__dict__.update(state, slots=dict(state["slots"]), slots_set=set(state["slots_set"]))
        for event in self._applied.events[start:]:
            self._fold(event)
        if len(self._applied.events) > start:
            self._snapshots.append((len(self._applied.events), self._state()))
        self._is_replay = True

    def _equals_replay(self, event: Event, unchanged: int) -> bool:
        """Tell whether a replay of the applied events would give the present state.

        It would not once a loop was folded, since the folded turns left their marks, nor after a restart.
        """
        if isinstance(event, SessionStarted):
            return True
        was_appended = unchanged == len(self._applied.events) - 1 and self._applied.events[-1] is event
        return self._is_replay and was_appended

    def _state(self) -> dict[str, Any]:
        state = {name: self.__dict__[name] for name in _STATE}
        return state | {"slots": dict(self.slots), "slots_set": set(self.slots_set)}

    def apply_all(self, events: Iterable[Event]) -> None:
        """Take in several events, in order."""
        for event in events:
            self.apply(event)

    def applied_events(self) -> list[Event]:
        """Return what policies see: the current session, reverted events gone, loops folded.

        A loop that asks ten questions on the happy path appears as one execution.
        """
        return list(self._applied.events)

    def has_applied_events(self) -> bool:
        """Tell whether anything happened since the last session start or restart."""
        return bool(self._applied.events)

    def precedes(self, events: Sequence[Event]) -> bool:
        """Tell whether a stored conversation is this one, perhaps with more events behind."""
        known = len(self.events)
        return 0 < known <= len(events) and events[known - 1] is self.events[-1]

    def current_session(self) -> list[Event]:
        """Return all events from the last session start on, reverted ones included."""
        for index in range(len(self.events) - 1, -1, -1):
            if isinstance(self.events[index], SessionStarted):
                return self.events[index:]
        return list(self.events)

    def events_after_restart(self) -> list[Event]:
        """Return the events after the last restart."""
        return self.events[self._restarted_at :]

    def after_restart(self) -> Tracker:
        """Return an independent tracker of the conversation as it went on after the last restart."""
        if not self._restarted_at:
            return self.copy()
        return Tracker.from_events(self.sender_id, self.events_after_restart(), self.domain)

    @property
    def active_loop_name(self) -> str | None:
        """Name of the active loop."""
        return self.active_loop.name if self.active_loop else None

    def latest_entity_values(
        self, entity: str, *, role: str | None = None, group: str | None = None
    ) -> list[JSON]:
        """Return an entity's values in the latest message; role and group must equal, None included."""
        if self.latest_message is None:
            return []
        return [
            found.value
            for found in self.latest_message.entities
            if (found.entity, found.role, found.group) == (entity, role, group)
        ]

    def current_state(self, *, events: EventVerbosity = EventVerbosity.NONE) -> dict[str, JSON]:
        """Rasa's wire form, as action servers and the HTTP API get it."""
        message = self.latest_message
        latest_action: dict[str, JSON] = {}
        if self.latest_action_name is not None:
            latest_action["action_name"] = self.latest_action_name
        elif self.latest_action_text is not None:
            latest_action["action_text"] = self.latest_action_text
        return {
            "sender_id": self.sender_id,
            "slots": dict(self.slots),
            "latest_message": message.payload()["parse_data"] if message else dict(_NO_MESSAGE),
            "latest_event_time": self.events[-1].timestamp if self.events else None,
            "followup_action": self.followup_action,
            "paused": self.paused,
            "events": self._events_as_dicts(events),
            "latest_input_channel": self.latest_input_channel,
            "active_loop": self.active_loop.as_dict() if self.active_loop else {},
            "latest_action": latest_action,
            "latest_action_name": self.latest_action_name,
        }

    def _events_as_dicts(self, verbosity: EventVerbosity) -> list[JSON] | None:
        if verbosity == EventVerbosity.NONE:
            return None
        if verbosity == EventVerbosity.ALL:
            return list(self._events_in_wire_form())
        if verbosity == EventVerbosity.APPLIED:
            return [event.as_dict() for event in self._applied.events]
        return [event.as_dict() for event in self.events_after_restart()]

    def _events_in_wire_form(self) -> list[dict[str, JSON]]:
        """Every action call sends all events; each is brought into its wire form once, also for copies."""
        if self._copied_from:
            original, count = self._copied_from
            self._wire, self._copied_from = original._events_in_wire_form()[:count], None
        self._wire += [event.as_dict() for event in self.events[len(self._wire) :]]
        return self._wire

    def _reset(self) -> None:
        self._reset_slots()
        self.paused = False
        self.latest_action_name: str | None = None
        self.latest_action_text: str | None = None
        self.latest_message: UserUttered | None = None
        self.use_text_for_featurization: bool | None = None
        self.latest_bot_utterance: BotUttered | None = None
        self.followup_action: str | None = ACTION_LISTEN
        self.active_loop = None

    def _reset_slots(self) -> None:
        self.slots: dict[str, JSON] = {
            name: slot.coerce(slot.initial_value) for name, slot in self.domain.slots.items()
        }
        self.slots_set: set[str] = set()

    def _fold(self, event: Event) -> None:
        match event:
            case UserUttered():
                self.latest_message, self.followup_action = event, None
                self.use_text_for_featurization = None
            case BotUttered():
                self.latest_bot_utterance = event
            case SlotSet():
                self._set_slot(event)
            case AllSlotsReset():
                self._reset_slots()
            case SessionStarted():
                self._reset()
            case Restarted():
                self._reset()
                self.followup_action = "action_session_start"
            case FollowupAction():
                self.followup_action = event.name
            case ConversationPaused():
                self.paused = True
            case ConversationResumed():
                self.paused = False
            case _:
                self._fold_action(event)

    def _fold_action(self, event: Event) -> None:
        match event:
            case ActionExecuted():
                self._note_action(event)
            case ActiveLoop():
                name = event.name
                self.active_loop = LoopState(name, trigger_message=self.latest_message) if name else None
            case LoopInterrupted() if self.active_loop:
                self.active_loop = replace(self.active_loop, is_interrupted=event.is_interrupted)
            case ActionExecutionRejected():
                # The rejected action was the follow-up: it had its turn.
                self.followup_action = None
                if event.name == self.active_loop_name and self.active_loop:
                    self.active_loop = replace(self.active_loop, rejected=True)
            case EntitiesAdded() if self.latest_action_name == ACTION_LISTEN and self.latest_message:
                self._add_entities(event, self.latest_message)
            case DefinePrevUserUtteredFeaturization() if self.latest_action_name == ACTION_LISTEN:
                self.use_text_for_featurization = event.use_text_for_featurization

    def _note_action(self, event: ActionExecuted) -> None:
        self.latest_action_name, self.latest_action_text = event.name, event.action_text
        self.followup_action = None
        if self.active_loop:
            rejected = self.active_loop.rejected and event.name != self.active_loop.name
            self.active_loop = replace(self.active_loop, is_interrupted=False, rejected=rejected)

    def _set_slot(self, event: SlotSet) -> None:
        slot = self.domain.slots.get(event.name)
        if slot is None:
            logger.error("slot %r is not in the domain; its value is dropped", event.name)
            return
        self.slots[event.name] = slot.coerce(event.value)
        self.slots_set.add(event.name)

    def _add_entities(self, event: EntitiesAdded, message: UserUttered) -> None:
        known = message.entities
        new = tuple(entity for entity in event.entities if entity not in known)
        self.latest_message = replace(message, parse_data=replace(message.parse_data, entities=known + new))
