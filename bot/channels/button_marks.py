"""Payloads too long to travel with a button: a mark goes instead, and the transcript knows the rest."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace

import structlog

from bot.channels.channel import TranscriptReader
from bot.channels.pieces import payloads
from bot.dialogue.events import BotUttered
from bot.dialogue.messages import UserMessage

_log = structlog.get_logger(__name__)

_MARK = re.compile(r"#[A-Za-z0-9_-]{43}")


def carried(payload: str, max_bytes: int) -> str:
    """Return what a button carries: its payload, or a mark of 44 bytes where that is longer than allowed."""
    if len(payload.encode()) <= max_bytes:
        return payload
    digest = hashlib.sha256(payload.encode()).digest()
    return "#" + base64.urlsafe_b64encode(digest).decode().rstrip("=")


async def with_payload(message: UserMessage, transcript: TranscriptReader) -> UserMessage:
    """Return the message of a pressed button with the payload in the place of a mark; never raises.

    A mark that no button of the conversation has becomes the title of the button.
    """
    if not _MARK.fullmatch(message.text):
        return message
    try:
        events = await transcript.transcript(message.sender_id, 0)
    except Exception:  # noqa: BLE001  the rim: whatever ails the store, the title of the button is known
        _log.exception("transcript not readable", sender_id=message.sender_id)
        events = ()
    for _, event in reversed(events):
        for payload in payloads(event) if isinstance(event, BotUttered) else ():
            if carried(payload, 0) == message.text:
                return replace(message, text=payload)
    return replace(message, text=str(message.metadata.get("title") or message.text))
