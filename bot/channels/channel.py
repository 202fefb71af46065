"""What a channel is: a name, a router, and a way to close; and what it asks of the rest of the product."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from fastapi import APIRouter

from bot.dialogue.events import BotUttered, Event
from bot.dialogue.messages import UserMessage


class MessageHandler(Protocol):
    """Who answers: the processor.

    A message with a `message_id` that was handled before is not handled again: its first answer comes back.
    Messages of one `sender_id` are handled one after the other, in the order of the calls.
    """

    async def handle(self, message: UserMessage) -> Sequence[BotUttered]:
        """Take one message through its turn and return what the bot said."""
        ...


class TranscriptReader(Protocol):
    """Who remembers: the store of conversations."""

    async def transcript(self, sender_id: str, after: int) -> Sequence[tuple[int, Event]]:
        """Return the stored events with a sequence greater than `after`, ascending; sequences start at 1."""
        ...


@dataclass(frozen=True, slots=True)
class ChannelParts:
    """What every channel may lean on."""

    processor: MessageHandler
    transcript: TranscriptReader


class Channel(Protocol):
    """A door to the outside world, built from its section of `credentials.yml`."""

    @property
    def name(self) -> str:
        """Name in `credentials.yml`, in paths and in `input_channel`."""
        ...

    def router(self) -> APIRouter:
        """Return the routes, to be mounted once."""
        ...

    async def close(self) -> None:
        """Finish what is under way and let go of open connections."""
        ...


@runtime_checkable
class PushingChannel(Protocol):
    """A channel that can also bring what nobody has just asked for: a reminder, a person's answer."""

    async def push(self, sender_id: str, utterances: Sequence[BotUttered]) -> None:
        """Send what was said, already stored; a customer who is away misses it."""
        ...
