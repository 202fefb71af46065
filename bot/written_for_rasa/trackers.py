"""A conversation and a domain as policies of Rasa read them; what they do to them changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any, NoReturn

from bot.dialogue.domain import Domain as OurDomain
from bot.dialogue.messages import JSON
from bot.dialogue.slots import SlotType
from bot.dialogue.tracker import EventVerbosity, Tracker
from bot.written_for_rasa.events import BotUttered, Event, UserUttered, from_our_own
from bot.written_for_rasa.slots import (
    AnySlot,
    BooleanSlot,
    CategoricalSlot,
    FloatSlot,
    ListSlot,
    OwnSlot,
    Slot,
    TextSlot,
)

__all__ = ["ActionNotFoundException", "DialogueStateTracker", "Domain", "EventVerbosity"]

States = Callable[[Tracker], list[dict[str, JSON]]]
_PLAIN = {SlotType.TEXT: TextSlot, SlotType.BOOL: BooleanSlot, SlotType.LIST: ListSlot, SlotType.ANY: AnySlot}


class ActionNotFoundException(ValueError):
    """An action that the domain does not have."""


def _lacks(owner: str, name: str) -> NoReturn:
    raise AttributeError(f"Rasa's {owner} may have '{name}', the one that stands for it here has not")


class Domain:
    """What the assistant knows and can do."""

    def __init__(self, domain: OurDomain) -> None:
        self._domain = domain
        self.action_names_or_texts = list(domain.action_names)
        self.num_actions = len(domain.action_names)
        self.intents = list(domain.intents)
        self.entities = list(domain.entities)
        self.forms: dict[str, JSON] = dict(domain.source.get("forms") or {})
        self.form_names = list(domain.forms)
        self.responses: dict[str, JSON] = dict(domain.source.get("responses") or {})
        self.user_actions = list(domain.user_actions)
        self.action_texts = list(domain.action_texts)

    @property
    def slots(self) -> list[Slot]:
        """The slots, with their initial values."""
        return [_slot(name, self._domain, slot.initial_value) for name, slot in self._domain.slots.items()]

    def index_for_action(self, action_name: str) -> int:
        """Return an action's place among the scores.

        Raises:
            ActionNotFoundException: There is no such action.
        """
        index = self._domain.index_of(action_name)
        if index is None:
            raise ActionNotFoundException(f"the domain has no action '{action_name}'")
        return index

    def as_dict(self) -> dict[str, JSON]:
        """Return the domain as its files have it."""
        return dict(self._domain.source)

    def __getattr__(self, name: str) -> NoReturn:
        _lacks("Domain", name)


class DialogueStateTracker:
    """One conversation; `states` makes what policies see of one."""

    is_augmented = False
    is_rule_tracker = False

    def __init__(self, tracker: Tracker, states: States) -> None:
        self._tracker = tracker
        self._states = states
        self.sender_id = tracker.sender_id

    @cached_property
    def events(self) -> list[Event]:
        """All events."""
        return [from_our_own(event) for event in self._tracker.events]

    @cached_property
    def slots(self) -> dict[str, Slot]:
        """The slots, with their present values."""
        domain = self._tracker.domain
        return {name: _slot(name, domain, value) for name, value in self._tracker.slots.items()}

    @cached_property
    def latest_message(self) -> UserUttered | None:
        """What the customer said last; an empty message before she has said anything."""
        message = self._tracker.latest_message
        made = from_our_own(message) if message else UserUttered("", {}, [])
        return made if isinstance(made, UserUttered) else None

    @cached_property
    def latest_bot_utterance(self) -> BotUttered:
        """What the bot said last."""
        said = self._tracker.latest_bot_utterance
        made = from_our_own(said) if said else BotUttered()
        return made if isinstance(made, BotUttered) else BotUttered()

    @property
    def latest_action(self) -> dict[str, JSON]:
        """The last action, by name or text."""
        return dict(self._tracker.current_state()["latest_action"])

    @property
    def latest_action_name(self) -> str | None:
        """Name of the last action, or its text."""
        return self._tracker.latest_action_name or self._tracker.latest_action_text

    @property
    def active_loop(self) -> Any:
        """The active loop, with `name`, `is_interrupted` and `rejected`."""
        return self._tracker.active_loop

    @property
    def active_loop_name(self) -> str | None:
        """Its name."""
        return self._tracker.active_loop_name

    @property
    def followup_action(self) -> str | None:
        """An action that is forced."""
        return self._tracker.followup_action

    @property
    def latest_input_channel(self) -> str | None:
        """Where the customer wrote last."""
        return self._tracker.latest_input_channel

    def get_latest_input_channel(self) -> str | None:
        """Where the customer wrote last."""
        return self._tracker.latest_input_channel

    def is_paused(self) -> bool:
        """Whether the bot is to be silent."""
        return self._tracker.paused

    def get_slot(self, key: str) -> Any:
        """Return a slot's value, None for a slot that is not there."""
        return self._tracker.slots.get(key)

    def current_slot_values(self) -> dict[str, JSON]:
        """Return all values."""
        return dict(self._tracker.slots)

    def get_latest_entity_values(
        self, entity_type: str, entity_role: str | None = None, entity_group: str | None = None
    ) -> Iterable[JSON]:
        """Return an entity's values in what the customer said last."""
        return iter(self._tracker.latest_entity_values(entity_type, role=entity_role, group=entity_group))

    def applied_events(self) -> list[Event]:
        """Return what counts: reverted events gone, loops folded."""
        return [from_our_own(event) for event in self._tracker.applied_events()]

    def events_after_latest_restart(self) -> list[Event]:
        """Return the events after the last restart."""
        return [from_our_own(event) for event in self._tracker.events_after_restart()]

    def get_last_event_for(
        self, event_type: type[Event] | tuple[type[Event], ...], action_names_to_exclude: Iterable[str] = ()
    ) -> Event | None:
        """Return the last event of a type that counts."""
        for event in reversed(self.applied_events()):
            name = getattr(event, "action_name", None)
            if isinstance(event, event_type) and not (name and name in set(action_names_to_exclude)):
                return event
        return None

    def past_states(self, domain: Domain, **_: object) -> list[dict[str, JSON]]:  # noqa: ARG002 (Rasa's signature)
        """Return the states before each action and the one after the last."""
        return self._states(self._tracker)

    def current_state(self, event_verbosity: EventVerbosity = EventVerbosity.NONE) -> dict[str, JSON]:
        """Return the conversation's wire form."""
        return self._tracker.current_state(events=event_verbosity)

    def copy(self) -> DialogueStateTracker:
        """Return a conversation of one's own, to be changed by `update`."""
        return type(self)(self._tracker.copy(), self._states)

    def update(self, event: Event, domain: Domain | None = None) -> None:  # noqa: ARG002 (Rasa's signature)
        """Take in one more event; only in a copy, the conversation itself stays."""
        self._tracker = self._tracker.copy()
        self._tracker.apply(event.as_our_own())
        for name in ("events", "slots", "latest_message", "latest_bot_utterance"):
            self.__dict__.pop(name, None)

    def __getattr__(self, name: str) -> NoReturn:
        _lacks("DialogueStateTracker", name)


class TrackerWithCachedStates(DialogueStateTracker):
    """A story or rule to learn from."""


def _slot(name: str, domain: OurDomain, value: JSON) -> Slot:
    ours = domain.slots[name]
    written = list((domain.source.get("slots") or {}).get(name, {}).get("mappings") or [])
    made: Slot
    if isinstance(ours.own, OwnSlot):
        made = ours.own.with_value(value)
        return made
    if ours.type is SlotType.FLOAT:
        made = FloatSlot(name, written, max_value=ours.max_value, min_value=ours.min_value)
    elif ours.type is SlotType.CATEGORICAL:
        made = CategoricalSlot(name, written, list(ours.values))
    else:
        made = _PLAIN[ours.type](name, written)
    made.influence_conversation = ours.is_featurized
    made.initial_value = ours.initial_value
    made.value = value
    return made
