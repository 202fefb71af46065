"""The events of a conversation. Attribute names equal Rasa's JSON keys; the state is a fold over them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from bot.dialogue.messages import JSON, Entity, ParseResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened; `timestamp` is in seconds since the epoch.

    Subclasses name their wire form in `event`. `metadata` carries `model_id` and whatever a channel added.
    """

    event: ClassVar[str] = ""
    timestamp: float = field(default_factory=time.time, compare=False)
    metadata: Mapping[str, JSON] = field(default_factory=dict, compare=False)

    def payload(self) -> dict[str, JSON]:
        """The keys of the wire form that are this event's own."""
        return {
            f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("timestamp", "metadata")
        }

    def as_dict(self) -> dict[str, JSON]:
        """Rasa's wire form."""
        data: dict[str, JSON] = {"event": self.event, "timestamp": self.timestamp}
        if self.metadata:
            data["metadata"] = dict(self.metadata)
        return data | self.payload()


@dataclass(frozen=True, slots=True, kw_only=True)
class UserUttered(Event):
    """The customer said something; clears a follow-up action."""

    event: ClassVar[str] = "user"
    text: str | None = None
    parse_data: ParseResult = field(default_factory=lambda: ParseResult(""))
    input_channel: str | None = None
    message_id: str | None = None

    @property
    def intent_name(self) -> str | None:
        """Name of the recognised intent, without the response key of a retrieval intent."""
        return self.parse_data.intent.name

    @property
    def entities(self) -> tuple[Entity, ...]:
        """Entities of the message."""
        return self.parse_data.entities

    def payload(self) -> dict[str, JSON]:
        """The wire form repeats id and metadata inside `parse_data`, as Rasa's action servers expect."""
        parse_data = self.parse_data.as_dict() | {
            "message_id": self.message_id,
            "metadata": dict(self.metadata),
        }
        return {
            "text": self.text,
            "parse_data": parse_data,
            "input_channel": self.input_channel,
            "message_id": self.message_id,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class BotUttered(Event):
    """The bot said something; `data` may hold elements, quick_replies, buttons, attachment, image, custom."""

    event: ClassVar[str] = "bot"
    text: str | None = None
    data: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotSet(Event):
    """A slot got a value; None unsets it."""

    event: ClassVar[str] = "slot"
    name: str
    value: JSON = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionExecuted(Event):
    """An action ran; `action_text` instead of `name` for an end-to-end bot turn."""

    event: ClassVar[str] = "action"
    name: str | None = None
    policy: str | None = field(default=None, compare=False)
    confidence: float | None = field(default=None, compare=False)
    action_text: str | None = None
    hide_rule_turn: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStarted(Event):
    """A new session began; resets the tracker's state."""

    event: ClassVar[str] = "session_started"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnded(Event):
    """A session ended; rasa-sdk 3.21 may send it, it has no effect."""

    event: ClassVar[str] = "session_ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restarted(Event):
    """Everything is forgotten; the follow-up action becomes `action_session_start`."""

    event: ClassVar[str] = "restart"


@dataclass(frozen=True, slots=True, kw_only=True)
class AllSlotsReset(Event):
    """All slots go back to their initial values."""

    event: ClassVar[str] = "reset_slots"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserUtteranceReverted(Event):
    """The last user turn and the `action_listen` before it are forgotten."""

    event: ClassVar[str] = "rewind"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionReverted(Event):
    """Everything back to and including the last action is forgotten."""

    event: ClassVar[str] = "undo"


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowupAction(Event):
    """The next action is forced, no policy is asked."""

    event: ClassVar[str] = "followup"
    name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationPaused(Event):
    """The bot stops answering."""

    event: ClassVar[str] = "pause"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationResumed(Event):
    """The bot answers again."""

    event: ClassVar[str] = "resume"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveLoop(Event):
    """A loop (form) was activated, or deactivated when `name` is None."""

    event: ClassVar[str] = "active_loop"
    name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopInterrupted(Event):
    """The loop skips validation once, because something else was said in between."""

    event: ClassVar[str] = "loop_interrupted"
    is_interrupted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionExecutionRejected(Event):
    """An action said "not me"; policies must choose another one."""

    event: ClassVar[str] = "action_execution_rejected"
    name: str
    policy: str | None = field(default=None, compare=False)
    confidence: float | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReminderScheduled(Event):
    """An intent is to be triggered at `date_time` (ISO 8601 with an offset)."""

    event: ClassVar[str] = "reminder"
    intent: str
    date_time: str
    entities: JSON = None
    name: str | None = None
    kill_on_user_msg: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ReminderCancelled(Event):
    """Reminders that fit all given filters are dropped."""

    event: ClassVar[str] = "cancel_reminder"
    name: str | None = None
    intent: str | None = None
    entities: JSON = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EntitiesAdded(Event):
    """A policy found entities in the last user turn."""

    event: ClassVar[str] = "entities"
    entities: tuple[Entity, ...] = ()

    def payload(self) -> dict[str, JSON]:
        """Entities in Rasa's wire form."""
        return {"entities": [entity.as_dict() for entity in self.entities]}


@dataclass(frozen=True, slots=True, kw_only=True)
class DefinePrevUserUtteredFeaturization(Event):
    """Whether the text or the intent of the last user turn is the feature."""

    event: ClassVar[str] = "user_featurization"
    use_text_for_featurization: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentUttered(Event):
    """A person at the desk said something; no effect on the dialogue."""

    event: ClassVar[str] = "agent"
    text: str | None = None
    data: JSON = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryExported(Event):
    """The conversation was written to a file; no effect."""

    event: ClassVar[str] = "export"
    path: str | None = None


_CLASSES: dict[str, type[Event]] = {
    cls.event: cls
    for cls in (
        UserUttered, BotUttered, SlotSet, ActionExecuted, SessionStarted, SessionEnded, Restarted,
        AllSlotsReset, UserUtteranceReverted, ActionReverted, FollowupAction, ConversationPaused,
        ConversationResumed, ActiveLoop, LoopInterrupted, ActionExecutionRejected, ReminderScheduled,
        ReminderCancelled, EntitiesAdded, DefinePrevUserUtteredFeaturization, AgentUttered, StoryExported,
    )
}  # fmt: skip


class UnknownEvent(ValueError):
    """An event dict that is not one of Rasa's: unknown name, or a missing or wrong field."""


def event_from_dict(data: Mapping[str, JSON]) -> Event:
    """Read Rasa's wire form, legacy names `form` and `form_validation` included.

    Raises:
        UnknownEvent: The name is unknown, or a required field is missing.
    """
    name = data.get("event")
    values: dict[str, Any] = {key: value for key, value in data.items() if key != "event"}
    if name == "form":
        name = "active_loop"
    elif name == "form_validation":
        name, values["is_interrupted"] = "loop_interrupted", not data.get("validate")
    cls = _CLASSES.get(str(name))
    if cls is None:
        raise UnknownEvent(f"unknown event {name!r}, expected one of {', '.join(sorted(_CLASSES))}")
    if cls is UserUttered:
        understood = data.get("parse_data") or {}
        values["parse_data"] = ParseResult.from_dict({"text": data.get("text")} | understood)
    elif cls is EntitiesAdded:
        values["entities"] = tuple(Entity.from_dict(entity) for entity in data.get("entities") or ())
    known = {f.name for f in fields(cls)}
    optional = ("timestamp", "metadata")
    arguments = {k: v for k, v in values.items() if k in known and not (k in optional and v is None)}
    try:
        return cls(**arguments)
    except TypeError as error:
        raise UnknownEvent(f"event {name!r}: {error}") from error


def events_from_dicts(data: Iterable[Mapping[str, JSON]]) -> list[Event]:
    """Read a list of events in wire form; one bad event refuses all, as in Rasa."""
    return [event_from_dict(item) for item in data]
