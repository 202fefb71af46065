"""Conversations as this process holds them: who listens, and which messages wait for their turn.

The transcript is the one source of what a widget shows: after each turn every listener reads on from the last
sequence it has, so nothing is lost or doubled, whichever connection a message came by.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from bot.channels.channel import ChannelParts
from bot.channels.incoming import Refused
from bot.channels.web_widget.frames import Frame
from bot.channels.web_widget.records import Answerer, Standing
from bot.channels.web_widget.shown import (
    Service,
    ack_frame,
    error_frame,
    event_frame,
    notice_frame,
    standing_frame,
    typing_frame,
)
from bot.dialogue.events import BotUttered, Event, UserUttered
from bot.dialogue.messages import UserMessage

_log = structlog.get_logger(__name__)

MAX_REPLAYED = 200


class Connection(Protocol):
    """One open line to a widget; `send` never raises, a line that is gone swallows what it gets."""

    async def send(self, frame: Frame) -> None:
        """Send one frame."""
        ...


class Listener:
    """A connection and how far it has read; `cursor` is the last sequence sent."""

    def __init__(self, connection: Connection, cursor: int) -> None:
        self.connection = connection
        self.cursor = cursor
        self.reading = asyncio.Lock()


class Conversation:
    """One conversation: its listeners, and its messages in the order in which they came.

    A turn belongs to the conversation and not to the connection it came by: it goes on when that is lost.
    `patience_s` is how long the dots stay on for one turn. `standing` is what the listeners were told last.
    """

    def __init__(
        self, sender_id: str, parts: ChannelParts, *, patience_s: float, on_idle: Callable[[], None]
    ) -> None:
        self.sender_id = sender_id
        self.listeners: set[Listener] = set()
        self.standing = Standing()
        self.service = Service()
        self._parts = parts
        self._patience_s = patience_s
        self._on_idle = on_idle
        self._waiting: deque[UserMessage] = deque()
        self._worker: asyncio.Task[None] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a message waits or is being answered."""
        return bool(self._waiting)

    @property
    def worker(self) -> asyncio.Task[None] | None:
        """The task that answers, None when there is nothing to do."""
        return self._worker

    async def submit(self, message: UserMessage) -> None:
        """Take a message; one that already waits (sent again by a second connection) is not taken twice."""
        if not any(waiting.message_id == message.message_id for waiting in self._waiting):
            self._waiting.append(message)
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())
        await self.broadcast(ack_frame(message.message_id, stored=False))

    async def broadcast(self, frame: Frame) -> None:
        """Send a frame to every listener."""
        for listener in tuple(self.listeners):
            await listener.connection.send(frame)

    async def catch_up(self, listener: Listener) -> list[Event]:
        """Send a listener the stored events that it has not seen, and return them."""
        async with listener.reading:
            stored = await self._parts.transcript.transcript(self.sender_id, listener.cursor)
            shown = [(sequence, event_frame(sequence, event)) for sequence, event in stored]
            frames = [(sequence, frame) for sequence, frame in shown if frame is not None]
            for sequence, frame in frames[-MAX_REPLAYED:]:
                await listener.connection.send(frame)
                listener.cursor = sequence
            listener.cursor = max([listener.cursor, *(sequence for sequence, _ in stored)])
            return [event for _, event in stored]

    async def tell(self, standing: Standing, service: Service) -> None:
        """Tell every listener who answers now, if that is news."""
        is_news = standing_frame(standing, service) != standing_frame(self.standing, self.service)
        self.standing, self.service = standing, service
        if is_news:
            await self.broadcast(standing_frame(standing, service))

    async def show_new(self) -> None:
        """Show the listeners what was stored by somebody else; a turn under way shows its own."""
        for listener in tuple(self.listeners):
            if not self.is_busy and listener.cursor < self.standing.last_sequence:
                await self.catch_up(listener)

    async def rewind_if_forgotten(self, listener: Listener) -> bool:
        """Start a listener from the beginning when the store does not know the sequence it names."""
        if listener.cursor == 0:
            return False
        if await self._parts.transcript.transcript(self.sender_id, listener.cursor - 1):
            return False
        listener.cursor = 0
        return True

    async def _work(self) -> None:
        try:
            while self._waiting:
                # Where a person answers the assistant is silent, and so are its dots.
                await self.broadcast(typing_frame(self.standing.answerer != Answerer.AGENT))
                await self._answer(self._waiting[0])
                self._waiting.popleft()
        finally:
            self._worker = None
            await self.broadcast(typing_frame(False))
            self._on_idle()

    async def _answer(self, message: UserMessage) -> None:
        turn = asyncio.ensure_future(self._parts.processor.handle(message))
        try:
            done, _ = await asyncio.wait({turn}, timeout=self._patience_s)
            if not done:
                await self.broadcast(typing_frame(False))
            await self._deliver(message, await turn)
        except Exception:  # noqa: BLE001  the rim: one bad turn must not silence the conversation
            _log.exception("message not answered", sender_id=self.sender_id, message_id=message.message_id)
            await self.broadcast(
                _failure("The message could not be answered. Please send it again.", message)
            )

    async def _deliver(self, message: UserMessage, utterances: Sequence[BotUttered]) -> None:
        if await self._is_stored(message):
            await self.broadcast(ack_frame(message.message_id, stored=True))
            return
        # The bot may have an honest word to say about why nothing could be stored.
        if utterances:
            await self.broadcast(notice_frame(utterances))
        await self.broadcast(_failure("The message could not be stored. Please send it again.", message))

    async def _is_stored(self, message: UserMessage) -> bool:
        """Bring every listener up to date, and say whether the transcript holds the message."""
        if not self.listeners:
            return True
        try:
            new = [event for listener in tuple(self.listeners) for event in await self.catch_up(listener)]
            if _holds(new, message.message_id):
                return True
            everything = await self._parts.transcript.transcript(self.sender_id, 0)
        except Exception:  # noqa: BLE001  the rim: the store is away, and what was said must still be heard
            _log.exception("transcript not readable", sender_id=self.sender_id)
            return False
        return _holds([event for _, event in everything], message.message_id)


class Conversations:
    """All conversations that somebody listens to, or in which a message waits."""

    def __init__(self, parts: ChannelParts, *, patience_s: float = 25.0) -> None:
        self._parts = parts
        self._patience_s = patience_s
        self._by_sender_id: dict[str, Conversation] = {}

    def __len__(self) -> int:
        return len(self._by_sender_id)

    def open_ones(self) -> list[Conversation]:
        """Return the conversations that somebody listens to."""
        return [value for value in self._by_sender_id.values() if value.listeners]

    def join(self, sender_id: str, listener: Listener) -> Conversation:
        """Add a listener to a conversation."""
        conversation = self._by_sender_id.get(sender_id)
        if conversation is None:
            conversation = Conversation(
                sender_id,
                self._parts,
                patience_s=self._patience_s,
                on_idle=lambda: self._forget_if_over(sender_id),
            )
            self._by_sender_id[sender_id] = conversation
        conversation.listeners.add(listener)
        return conversation

    def leave(self, conversation: Conversation, listener: Listener) -> None:
        """Remove a listener, and forget what nobody needs any more."""
        conversation.listeners.discard(listener)
        self._forget_if_over(conversation.sender_id)

    async def notify(self, sender_id: str) -> None:
        """Show the listeners what was stored by somebody else: a person at the desk, a reminder."""
        conversation = self._by_sender_id.get(sender_id)
        if conversation is not None:
            for listener in tuple(conversation.listeners):
                await conversation.catch_up(listener)

    async def close(self, *, grace_s: float = 10.0) -> None:
        """Let the turns under way finish, for so long."""
        workers = [value.worker for value in self._by_sender_id.values() if value.worker is not None]
        if workers:
            await asyncio.wait(workers, timeout=grace_s)

    def _forget_if_over(self, sender_id: str) -> None:
        conversation = self._by_sender_id.get(sender_id)
        if conversation and not conversation.listeners and not conversation.is_busy:
            del self._by_sender_id[sender_id]


def _holds(events: Sequence[Event], message_id: str) -> bool:
    return any(isinstance(event, UserUttered) and event.message_id == message_id for event in events)


def _failure(text: str, message: UserMessage) -> Frame:
    return error_frame(Refused(text, code=500, reason="NotAnswered"), message.message_id)
