"""What a channel is: a name, a router, and a way to close; and what it asks of the rest of the product."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, runtime_checkable

from fastapi import APIRouter
from starlette.types import ASGIApp

from bot.channels.attachments import Files, NoFiles
from bot.channels.web_widget.records import NoRecords, Records
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


class Inbox(Protocol):
    """Who takes in the messages of a queued channel (`bot.delivery.peer.QueuedChannel`)."""

    async def accept(self, message: UserMessage) -> bool:
        """Store a message durably; False when it was accepted before.

        When this returns the peer's request can be acknowledged: whatever happens to the process, the
        message is handled once, after the earlier ones of its `sender_id`, and its answers are sent.
        A message is the same again by `input_channel`, `sender_id` and `message_id`.

        Raises:
            StoreUnavailable: It could not be stored; the peer should deliver it again.
        """
        ...


class Outbox(Protocol):
    """Who sends the messages of a queued channel."""

    async def put(
        self, channel: str, sender_id: str, utterances: Sequence[BotUttered], *, key: str | None = None
    ) -> None:
        """Queue what was said, after all that was queued before for this `sender_id`.

        Args:
            channel: A queued channel.
            sender_id: Whom it is for.
            utterances: In their order.
            key: Names these words for ever: under a key that was used before nothing is queued.

        Raises:
            StoreUnavailable: Nothing was queued.
        """
        ...


class ProofKind(StrEnum):
    """What a channel can prove about a customer."""

    EMAIL = "email"
    PHONE = "phone"
    ACCOUNT = "account"  # the company's own name for her, signed by the company
    INVITATION = "invitation"  # the word that `Identities.invitation` gave on another channel


@dataclass(frozen=True, slots=True)
class Proof:
    """Something of a customer that the channel has verified; never what she only wrote."""

    kind: ProofKind
    value: str


class Identities(Protocol):
    """Who knows that the customer of one channel is the one of another."""

    async def prove(
        self, channel: str, sender_id: str, proofs: Sequence[Proof], *, name: str | None = None
    ) -> None:
        """Note what is proven about a sender: senders with the same proof are one customer.

        Args:
            channel: Where she writes.
            sender_id: Her name there.
            proofs: Each verified by the channel: a signed identity, an address that the peer has checked.
            name: What she is called, if the channel knows; kept when nobody knew a name before.
        """
        ...

    async def invitation(self, channel: str, sender_id: str) -> str:
        """Return a word that proves once, within half an hour, that somebody elsewhere is this sender.

        It has 43 of the characters A-Z a-z 0-9 _ -, and fits into the start parameter of a messenger's link.
        """
        ...


class NotQueued:
    """Stands in for inbox, outbox and identities where a channel is served without them."""

    async def accept(self, message: UserMessage) -> bool:
        """Refuse."""
        raise RuntimeError(f"channel {message.input_channel!r} was built without an inbox")

    async def put(
        self,
        channel: str,
        sender_id: str,  # noqa: ARG002 (the seam's signature)
        utterances: Sequence[BotUttered],  # noqa: ARG002
        *,
        key: str | None = None,  # noqa: ARG002
    ) -> None:
        """Refuse."""
        raise RuntimeError(f"channel {channel!r} was built without an outbox")

    async def prove(
        self, channel: str, sender_id: str, proofs: Sequence[Proof], *, name: str | None = None
    ) -> None:
        """Forget it: each channel's customer is her own."""

    async def invitation(self, channel: str, sender_id: str) -> str:  # noqa: ARG002
        """Refuse."""
        raise RuntimeError(f"channel {channel!r} was built without a CRM")


def knows_none(_: str) -> bool:
    """Stand in for a model that is not there: it knows no intent."""
    return False


def always() -> bool:
    """Stand in for a model that is always there."""
    return True


@dataclass(frozen=True, slots=True)
class ChannelParts:
    """What every channel may lean on; `inbox` and `outbox` are for queued channels.

    `knows_intent` says whether the model that answers now has an intent of this name. `files` keeps what
    customers send, `records` is the CRM. `has_model` says whether any model answers.
    """

    processor: MessageHandler
    transcript: TranscriptReader
    inbox: Inbox = field(default_factory=NotQueued)
    outbox: Outbox = field(default_factory=NotQueued)
    identities: Identities = field(default_factory=NotQueued)
    knows_intent: Callable[[str], bool] = knows_none
    files: Files = field(default_factory=NoFiles)
    records: Records = field(default_factory=NoRecords)
    has_model: Callable[[], bool] = always


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
class MountedChannel(Protocol):
    """A channel that has an application of its own, mounted at `path`."""

    @property
    def path(self) -> str: ...  # noqa: D102 (named by the class)
    def asgi_app(self) -> ASGIApp: ...  # noqa: D102


@runtime_checkable
class StartedChannel(Protocol):
    """A channel that does something beside answering requests: it polls, or keeps a connection open."""

    async def start(self) -> None:
        """Begin; called once, when messages can be taken in and sent. Returns at once, `close` ends it."""
        ...


@runtime_checkable
class PushingChannel(Protocol):
    """A channel that can also bring what nobody has just asked for: a reminder, a person's answer."""

    async def push(self, sender_id: str, utterances: Sequence[BotUttered]) -> None:
        """Send what was said, already stored; a customer who is away misses it."""
        ...
