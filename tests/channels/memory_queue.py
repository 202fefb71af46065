"""A queue in memory in the place of the durable one: the same order, the same calls, no waiting."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

from bot.channels.attachments import Files, NoFiles
from bot.channels.channel import ChannelParts, Proof
from bot.delivery.peer import (
    AskablePeer,
    CompletesMessages,
    Outgoing,
    QueuedChannel,
    RetryLater,
    ShowsWork,
    Undeliverable,
)
from bot.dialogue.events import BotUttered
from bot.dialogue.messages import UserMessage
from tests.channels.scripted import ScriptedProcessor

MAX_ATTEMPTS = 50


@dataclass
class MemoryQueue:
    """Handles what a channel accepts and sends the answers, one after the other for each `sender_id`.

    `failing` is raised instead of storing, `refused` counts how often. `failures` are what `send` raised,
    `dead` what was given up.
    """

    processor: ScriptedProcessor
    channel: Any = None
    failing: Exception | None = None
    refused: int = 0
    accepted: list[UserMessage] = field(default_factory=list)
    redelivered: list[UserMessage] = field(default_factory=list)
    failures: list[RetryLater] = field(default_factory=list)
    dead: list[tuple[Outgoing, str]] = field(default_factory=list)
    proven: list[tuple[str, str, tuple[Proof, ...], str | None]] = field(default_factory=list)
    sent: list[str | None] = field(default_factory=list)
    _seen: set[tuple[str, str, str]] = field(default_factory=set)
    _lanes: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def parts(self, *, intents: Sequence[str] = (), files: Files | None = None) -> ChannelParts:
        """Return what a channel leans on."""
        return ChannelParts(
            self.processor,
            self.processor,
            inbox=self,
            outbox=self,
            identities=self,
            knows_intent=intents.__contains__,
            files=files or NoFiles(),
        )

    async def accept(self, message: UserMessage) -> bool:
        """Take a message in."""
        if self.failing is not None:
            self.refused += 1
            raise self.failing
        key = (message.input_channel, message.sender_id, message.message_id)
        if key in self._seen:
            self.redelivered.append(message)
            return False
        self._seen.add(key)
        self.accepted.append(message)
        self._start(message.sender_id, self._answer(message))
        return True

    async def put(
        self, channel: str, sender_id: str, utterances: Sequence[BotUttered], *, key: str | None = None
    ) -> None:
        """Send what nobody has just asked for."""
        assert channel == self.channel.name
        self._start(sender_id, self._send_all(sender_id, key or f"put.{len(self.sent)}", utterances, None))

    async def prove(
        self, channel: str, sender_id: str, proofs: Sequence[Proof], *, name: str | None = None
    ) -> None:
        """Note a proof."""
        self.proven.append((channel, sender_id, tuple(proofs), name))

    async def idle(self) -> None:
        """Wait until everything is handled and sent."""
        async with asyncio.timeout(60):
            while self._tasks:
                await asyncio.gather(*self._tasks)

    def _start(self, sender_id: str, work: Any) -> None:
        async def in_order() -> None:
            async with self._lanes[sender_id]:
                await work

        task = asyncio.create_task(in_order())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, message: UserMessage) -> None:
        dots = self.channel.working(message) if isinstance(self.channel, ShowsWork) else nullcontext()
        async with dots:
            if isinstance(self.channel, CompletesMessages):
                message = await self.channel.complete(message)
            said = await self.processor.handle(message)
        await self._send_all(message.sender_id, message.message_id, said, message)

    async def _send_all(
        self, sender_id: str, key: str, utterances: Sequence[BotUttered], answers: UserMessage | None
    ) -> None:
        assert isinstance(self.channel, QueuedChannel)
        payloads = [payload for said in utterances for payload in self.channel.render(said, answers)]
        for number, payload in enumerate(payloads):
            await self._send(Outgoing(f"{key}.{number}", self.channel.name, sender_id, payload))

    async def _send(self, outgoing: Outgoing) -> None:
        is_in_doubt = False
        for attempt in range(1, MAX_ATTEMPTS + 1):
            try:
                if is_in_doubt and isinstance(self.channel, AskablePeer):
                    found = await self.channel.find_sent(outgoing)
                    if found is not None:
                        self.sent.append(found)
                        return
                is_in_doubt = False
                self.sent.append(await self.channel.send(replace(outgoing, attempt=attempt)))
            except RetryLater as failure:
                self.failures.append(failure)
                is_in_doubt = is_in_doubt or failure.is_uncertain
            except Undeliverable as failure:
                self.dead.append((outgoing, failure.reason))
                return
            else:
                return
        raise AssertionError("the message never left")
