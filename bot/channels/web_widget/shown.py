"""What the server says to the widget, one JSON object per WebSocket message.

`event` (sequence, from, timestamp, messages), `standing` (who answers, and whether anybody can), `ready`,
`ack` (received, stored), `typing`, `notice` (said, but not in the transcript), `reset` (the store has
forgotten), `signed_out`, `error`, `pong`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.channels.attachments import FILE_PAYLOAD, Files, attachments_of
from bot.channels.incoming import Refused
from bot.channels.rendering import render, render_all
from bot.channels.web_widget.frames import Frame
from bot.channels.web_widget.records import Answerer, Standing
from bot.dialogue.events import (
    AgentUttered,
    BotUttered,
    ConversationPaused,
    ConversationResumed,
    Event,
    UserUttered,
)
from bot.dialogue.messages import JSON

SIGNED_OUT: Frame = {"type": "signed_out"}
RESET: Frame = {"type": "reset"}
PONG: Frame = {"type": "pong"}


class Speaker(StrEnum):
    """Who said something, as the widget shows it; `DESK` marks what happened and was not said."""

    CUSTOMER = "customer"
    ASSISTANT = "assistant"
    AGENT = "agent"
    DESK = "desk"


@dataclass(frozen=True, slots=True)
class Service:
    """Whether anybody can answer: the assistant, and people, who are there again at `opens_at`."""

    has_assistant: bool = True
    opens_at: datetime | None = None


def event_frame(sequence: int, event: Event) -> dict[str, JSON] | None:
    """Return what the widget shows of a stored event; None when it shows nothing."""
    shown = _shown(event)
    if shown is None:
        return None
    return {"type": "event", "sequence": sequence, "timestamp": event.timestamp} | shown


def _shown(event: Event) -> dict[str, JSON] | None:
    match event:
        # What a reminder, the desk or the HTTP interface puts in: the customer never said it.
        case UserUttered(metadata={"is_external": True}) | UserUttered(input_channel=None):
            return None
        case UserUttered(text=str(text), input_channel=str(), message_id=message_id):
            messages = _said(text, event.metadata)
            return {"from": Speaker.CUSTOMER, "message_id": message_id, "messages": messages}
        case BotUttered():
            messages = [message.as_dict() for message in render(event)]
            return {"from": Speaker.ASSISTANT, "messages": messages} if messages else None
        case AgentUttered(text=text):
            messages = _said(text or "", event.metadata)
            return {"from": Speaker.AGENT, "messages": messages} | _name(event) if messages else None
        # Marks of people; without a name it was an action that paused the assistant.
        case ConversationPaused() if _name(event):
            return {"from": Speaker.DESK, "messages": [], "event": "joined"} | _name(event)
        case ConversationResumed() if _name(event):
            waits = {"waits": True} if event.metadata.get("to") == Answerer.QUEUE else {}
            return {"from": Speaker.DESK, "messages": [], "event": "left"} | _name(event) | waits
        case _:
            return None


def _said(text: str, metadata: Mapping[str, JSON]) -> list[JSON]:
    """A person's words, or the title of the button that stands for them, and the files beside them."""
    title, files = metadata.get("title"), attachments_of(metadata)
    words = title if isinstance(title, str) else text
    # Where nothing but files was sent, the text is there for the bot alone.
    stand_ins = (FILE_PAYLOAD, ", ".join(str(file.get("name")) for file in files)) if files else ()
    texts = [{"text": words}] if words and words not in stand_ins else []
    return [*texts, *({"file": file} for file in files)]


def _name(event: Event) -> dict[str, JSON]:
    name = event.metadata.get("agent")
    return {"name": name} if isinstance(name, str) and name else {}


def notice_frame(utterances: Iterable[BotUttered]) -> Frame:
    """Return what was said in a turn that could not be stored, so it has no sequence."""
    messages = [message.as_dict() for message in render_all(utterances)]
    return {"type": "notice", "from": Speaker.ASSISTANT, "messages": messages}


def standing_frame(standing: Standing, service: Service) -> Frame:
    """Return who answers now, and whether anybody can."""
    return {
        "type": "standing",
        "answerer": standing.answerer,
        "position": standing.position,
        "agent": standing.agent,
        "has_assistant": service.has_assistant,
        "opens_at": None if service.opens_at is None else service.opens_at.timestamp(),
    }


def ready_frame(last_sequence: int, *, typing: bool, files: Files) -> Frame:
    """Return the end of what was missed: from here on everything is new."""
    limits = {"max_bytes": files.max_bytes, "types": list(files.media_types)}
    return {"type": "ready", "last_sequence": last_sequence, "typing": typing, "files": limits}


def ack_frame(message_id: str, *, stored: bool, ticket: str | None = None) -> Frame:
    """Return "we have it": `received` may still be lost with the process, `stored` may not."""
    frame = {"type": "ack", "message_id": message_id, "state": "stored" if stored else "received"}
    return frame | ({"ticket": ticket} if ticket else {})


def typing_frame(on: bool) -> Frame:
    """Return the dots, on or off."""
    return {"type": "typing", "on": on}


def error_frame(refused: Refused, message_id: str | None = None) -> Frame:
    """Return what was wrong, and with which message, when that can be told."""
    frame = {"type": "error", "reason": refused.reason, "message": refused.message}
    return frame | refused.details | ({"message_id": message_id} if message_id else {})
