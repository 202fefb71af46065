"""The events of a conversation, with the names and attributes that policies and channels of Rasa know."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, ClassVar

from bot.dialogue import events as ours
from bot.dialogue.messages import JSON


class Event:
    """Something that happened; `type_name` is its name on the wire."""

    type_name: ClassVar[str] = ""

    def __init__(self, timestamp: float | None = None, metadata: Mapping[str, JSON] | None = None) -> None:
        self.timestamp = time.time() if timestamp is None else timestamp
        self.metadata = dict(metadata or {})

    def payload(self) -> dict[str, JSON]:
        """Return the keys of the wire form that are this event's own."""
        return {}

    def as_dict(self) -> dict[str, JSON]:
        """Return the wire form."""
        data: dict[str, JSON] = {"event": self.type_name, "timestamp": self.timestamp}
        return data | ({"metadata": self.metadata} if self.metadata else {}) | self.payload()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Event) and self.as_our_own() == other.as_our_own()

    def __hash__(self) -> int:
        return hash(repr(sorted(self.payload().items(), key=repr)))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.payload()})"

    def as_our_own(self) -> ours.Event:
        """Return the event that goes into a conversation."""
        return ours.event_from_dict(self.as_dict())


class UserUttered(Event):
    """The customer said something."""

    type_name = "user"

    def __init__(  # noqa: PLR0913 - Rasa's signature
        self,
        text: str | None = None,
        intent: dict[str, JSON] | None = None,
        entities: list[dict[str, JSON]] | None = None,
        parse_data: dict[str, JSON] | None = None,
        timestamp: float | None = None,
        input_channel: str | None = None,
        message_id: str | None = None,
        metadata: Mapping[str, JSON] | None = None,
        use_text_for_featurization: bool | None = None,
    ) -> None:
        super().__init__(timestamp, metadata)
        self.text = text
        self.parse_data = dict(
            parse_data or {"text": text, "intent": intent or {}, "entities": entities or []}
        )
        self.intent: dict[str, JSON] = intent or self.parse_data.get("intent") or {}
        self.entities: list[dict[str, JSON]] = entities or self.parse_data.get("entities") or []
        self.input_channel = input_channel
        self.message_id = message_id
        self.use_text_for_featurization = use_text_for_featurization

    @property
    def intent_name(self) -> str | None:
        """Name of the intent."""
        return self.intent.get("name")

    @property
    def full_retrieval_intent_name(self) -> str | None:
        """Name of the intent with its response key."""
        return self.intent.get("full_retrieval_intent_name")

    def payload(self) -> dict[str, JSON]:
        """Return text, understanding and channel."""
        return {
            "text": self.text,
            "parse_data": {**self.parse_data, "intent": self.intent, "entities": self.entities},
            "input_channel": self.input_channel,
            "message_id": self.message_id,
        }


class BotUttered(Event):
    """The bot said something."""

    type_name = "bot"

    def __init__(
        self,
        text: str | None = None,
        data: dict[str, JSON] | None = None,
        metadata: Mapping[str, JSON] | None = None,
        timestamp: float | None = None,
    ) -> None:
        super().__init__(timestamp, metadata)
        self.text = text
        self.data = data or {}

    def payload(self) -> dict[str, JSON]:
        """Return what was said."""
        return {"text": self.text, "data": self.data}


class SlotSet(Event):
    """A slot got a value."""

    type_name = "slot"

    def __init__(
        self,
        key: str,
        value: Any = None,
        timestamp: float | None = None,
        metadata: Mapping[str, JSON] | None = None,
    ) -> None:
        super().__init__(timestamp, metadata)
        self.key, self.value = key, value

    def payload(self) -> dict[str, JSON]:
        """Return name and value."""
        return {"name": self.key, "value": self.value}


class ActionExecuted(Event):
    """An action ran."""

    type_name = "action"

    def __init__(  # noqa: PLR0913 - Rasa's signature
        self,
        action_name: str | None = None,
        policy: str | None = None,
        confidence: float | None = None,
        timestamp: float | None = None,
        metadata: Mapping[str, JSON] | None = None,
        action_text: str | None = None,
        hide_rule_turn: bool = False,
    ) -> None:
        super().__init__(timestamp, metadata)
        self.action_name, self.action_text = action_name, action_text
        self.policy, self.confidence, self.hide_rule_turn = policy, confidence, hide_rule_turn

    def payload(self) -> dict[str, JSON]:
        """Return the action and who chose it."""
        return {
            "name": self.action_name,
            "policy": self.policy,
            "confidence": self.confidence,
            "action_text": self.action_text,
            "hide_rule_turn": self.hide_rule_turn,
        }


class ActiveLoop(Event):
    """A loop was activated, or deactivated."""

    type_name = "active_loop"

    def __init__(
        self,
        name: str | None,
        timestamp: float | None = None,
        metadata: Mapping[str, JSON] | None = None,
    ) -> None:
        super().__init__(timestamp, metadata)
        self.name = name

    def payload(self) -> dict[str, JSON]:
        """Return its name."""
        return {"name": self.name}


class FollowupAction(Event):
    """The next action is forced."""

    type_name = "followup"

    def __init__(
        self, name: str, timestamp: float | None = None, metadata: Mapping[str, JSON] | None = None
    ) -> None:
        super().__init__(timestamp, metadata)
        self.action_name = name

    def payload(self) -> dict[str, JSON]:
        """Return its name."""
        return {"name": self.action_name}


class EntitiesAdded(Event):
    """A policy found entities in what the customer said."""

    type_name = "entities"

    def __init__(
        self,
        entities: list[dict[str, JSON]],
        timestamp: float | None = None,
        metadata: Mapping[str, JSON] | None = None,
    ) -> None:
        super().__init__(timestamp, metadata)
        self.entities = entities

    def payload(self) -> dict[str, JSON]:
        """Return them."""
        return {"entities": self.entities}


class LoopInterrupted(Event):
    """The loop skips validation once."""

    type_name = "loop_interrupted"

    def __init__(
        self,
        is_interrupted: bool,
        timestamp: float | None = None,
        metadata: Mapping[str, JSON] | None = None,
    ) -> None:
        super().__init__(timestamp, metadata)
        self.is_interrupted = is_interrupted

    def payload(self) -> dict[str, JSON]:
        """Return whether it does."""
        return {"is_interrupted": self.is_interrupted}


class ActionExecutionRejected(Event):
    """An action said "not me"."""

    type_name = "action_execution_rejected"

    def __init__(
        self,
        action_name: str,
        policy: str | None = None,
        confidence: float | None = None,
        timestamp: float | None = None,
        metadata: Mapping[str, JSON] | None = None,
    ) -> None:
        super().__init__(timestamp, metadata)
        self.action_name, self.policy, self.confidence = action_name, policy, confidence

    def payload(self) -> dict[str, JSON]:
        """Return the action and who chose it."""
        return {"name": self.action_name, "policy": self.policy, "confidence": self.confidence}


class DefinePrevUserUtteredFeaturization(Event):
    """Whether the text or the intent of the customer's turn counts."""

    type_name = "user_featurization"

    def __init__(
        self,
        use_text_for_featurization: bool,
        timestamp: float | None = None,
        metadata: Mapping[str, JSON] | None = None,
    ) -> None:
        super().__init__(timestamp, metadata)
        self.use_text_for_featurization = use_text_for_featurization

    def payload(self) -> dict[str, JSON]:
        """Return which."""
        return {"use_text_for_featurization": self.use_text_for_featurization}


class Restarted(Event):
    """Everything is forgotten."""

    type_name = "restart"


class SessionStarted(Event):
    """A new session began."""

    type_name = "session_started"


class AllSlotsReset(Event):
    """All slots go back to their initial values."""

    type_name = "reset_slots"


class UserUtteranceReverted(Event):
    """The customer's last turn is forgotten."""

    type_name = "rewind"


class ActionReverted(Event):
    """The last action is forgotten."""

    type_name = "undo"


class ConversationPaused(Event):
    """The bot stops answering."""

    type_name = "pause"


class ConversationResumed(Event):
    """The bot answers again."""

    type_name = "resume"


class OtherEvent(Event):
    """An event that policies have no use for, with its wire form."""

    def __init__(self, event: ours.Event) -> None:
        super().__init__(event.timestamp, event.metadata)
        self._payload = event.payload()
        self.type_name = event.event  # type: ignore[misc] # of this one alone

    def payload(self) -> dict[str, JSON]:
        """Return the keys of the wire form."""
        return dict(self._payload)


_BY_NAME = {made.type_name: made for made in Event.__subclasses__() if made.type_name}
_ATTRIBUTES = {"action": {"name": "action_name"}, "slot": {"name": "key"}}
_ATTRIBUTES["action_execution_rejected"] = _ATTRIBUTES["action"]


def from_our_own(event: ours.Event) -> Event:
    """Return an event of a conversation in this form."""
    made = _BY_NAME.get(event.event)
    if made is None:
        return OtherEvent(event)
    renamed = _ATTRIBUTES.get(event.event, {})
    arguments = {renamed.get(key, key): value for key, value in event.payload().items()}
    return made(**arguments, timestamp=event.timestamp, metadata=event.metadata)
