"""What a channel does whose messages wait in the durable queue: render, send, and say what went wrong.

The queue sends the messages of one conversation one at a time and in order; those of other conversations go
beside them. A message leaves when the one before it was sent or given up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from bot.dialogue.events import BotUttered
from bot.dialogue.messages import JSON, UserMessage


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One request to the other end of a channel.

    `key` names the message for ever, in each attempt: give it to peers that take a key or metadata.
    `payload` is what the channel's own `render` made. `attempt` starts at 1.
    """

    key: str
    channel: str
    sender_id: str
    payload: Mapping[str, JSON]
    attempt: int = 1


class RetryLater(Exception):
    """The peer did not take the message now: too many requests, an error of its own, no connection.

    Args:
        reason: For the operator, without secrets.
        after_s: Seconds that the peer asked to wait; without them the queue chooses, longer each time.
        is_uncertain: The message may have arrived nevertheless: the request went out, and no answer came.
    """

    def __init__(self, reason: str, *, after_s: float | None = None, is_uncertain: bool = False) -> None:
        self.reason = reason
        self.after_s = after_s
        self.is_uncertain = is_uncertain
        super().__init__(reason)


class Undeliverable(Exception):
    """The peer will never take this message: it goes to the dead letters at once, and the next one is sent.

    Args:
        reason: For the operator, without secrets.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class Peer(Protocol):
    """The other end, to which the queue sends."""

    async def send(self, outgoing: Outgoing) -> str | None:
        """Send one message, and return the peer's id of it if there is one.

        It is cancelled after `SEND_TIMEOUT_S`, and that counts as uncertain.

        Raises:
            RetryLater: Not now.
            Undeliverable: Never.
        """
        ...


@runtime_checkable
class QueuedChannel(Peer, Protocol):
    """A channel whose messages leave through the queue."""

    @property
    def name(self) -> str:
        """Name in `credentials.yml`."""
        ...

    def render(self, utterance: BotUttered, answers: UserMessage | None) -> Sequence[Mapping[str, JSON]]:
        """Return one payload for each request that the utterance needs, in the order of sending.

        A payload is JSON and holds all that `send` needs beside the `sender_id`. It must be the same for the
        same arguments: after a crash the utterance is rendered again.

        Args:
            utterance: What was said, by the bot or by a person at the desk.
            answers: The message that it answers, with the metadata that the channel gave it; None for what
                nobody has just asked for.
        """
        ...


@runtime_checkable
class PacedPeer(Protocol):
    """A queued channel whose peer takes so many requests in a second, whomever they are for."""

    @property
    def most_per_s(self) -> float | None:
        """How many; None for as many as there are."""
        ...


@runtime_checkable
class AskablePeer(Protocol):
    """A queued channel whose peer can say whether a message has arrived.

    It is asked before a message is sent again of which nobody knows: the process died while it was being
    sent, or `RetryLater` was uncertain. A peer that cannot be asked gets it again, and the delivery is
    marked as doubtful.
    """

    async def find_sent(self, outgoing: Outgoing) -> str | None:
        """Return the peer's id of the message, None if it has certainly not arrived.

        Raises:
            RetryLater: The peer cannot be asked now.
        """
        ...


@runtime_checkable
class GathersMessages(Protocol):
    """A queued channel whose peer brings in parts what was said at once: the pictures of an album."""

    def part_of(self, message: UserMessage) -> str | None:
        """Name what an accepted message is a part of; None when it is whole, or was gathered."""
        ...

    def gather(self, parts: Sequence[UserMessage]) -> UserMessage:
        """Return one whole message of all parts, in their order, with the first one's `message_id`."""
        ...


@runtime_checkable
class CompletesMessages(Protocol):
    """A queued channel that asks its peer for more than came with a message: who wrote it, a file's bytes."""

    async def complete(self, message: UserMessage) -> UserMessage:
        """Return the message as it is to be handled, with its `sender_id` and `message_id`.

        Called after it was accepted and before its turn, again after a crash. Never raises: what cannot be
        had is left out.
        """
        ...


@runtime_checkable
class ShowsWork(Protocol):
    """A queued channel that can show a customer that her message is being answered: typing dots."""

    def working(self, message: UserMessage) -> AbstractAsyncContextManager[None]:
        """Show it while the block runs, around the turn of the message; neither waits nor raises."""
        ...


SEND_TIMEOUT_S = 60.0
