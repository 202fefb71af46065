"""However often the line breaks, a widget that keeps to the protocol shows each message once, in order."""

from __future__ import annotations

import asyncio
import json
import random
from collections import deque

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from bot.dialogue.events import BotUttered, UserUttered
from bot.dialogue.messages import JSON
from tests.channels.scripted import ScriptedProcessor
from tests.channels.widget_door import CONVERSATION, SENDER, Door, serving

MESSAGES = 12


class LossyWidget:
    """Keeps what it sends until that is stored, and loses its line after a few frames, again and again."""

    def __init__(self, door: Door, rng: random.Random) -> None:
        self.shown: list[JSON] = []
        self._door = door
        self._rng = rng
        self._unsaid = deque(f"{number:020d}" for number in range(MESSAGES))
        self._outbox: list[str] = []

    async def talk(self) -> None:
        """Say everything, over as many connections as it takes."""
        while self._unsaid or self._outbox:
            async with self._door.socket() as line:
                last = self.shown[-1]["sequence"] if self.shown else 0
                hello = {"type": "hello", "conversation_id": CONVERSATION, "last_sequence": last}
                try:
                    await line.send(json.dumps(hello))
                    for _ in range(self._rng.randint(1, 14)):
                        await self._hear(line)
                except ConnectionClosed:
                    continue
                line.transport.abort()

    async def _hear(self, line: ClientConnection) -> None:
        if not self._unsaid and not self._outbox:
            return
        async with asyncio.timeout(60):
            frame = json.loads(await line.recv())
        if frame["type"] == "event":
            self.shown.append(frame)
            self._stored(frame.get("message_id"))
        elif frame["type"] == "ready":
            for message_id in self._outbox:
                await self._send(line, message_id)
            await self._say_next(line)
        elif frame["type"] == "ack" and frame["state"] == "stored":
            self._stored(frame["message_id"])
            await self._say_next(line)

    async def _say_next(self, line: ClientConnection) -> None:
        for _ in range(min(len(self._unsaid), self._rng.randint(1, 3))):
            self._outbox.append(self._unsaid.popleft())
            await self._send(line, self._outbox[-1])

    async def _send(self, line: ClientConnection, message_id: str) -> None:
        frame = {"type": "message", "message_id": message_id, "text": message_id}
        # Now and then a frame is lost on the way.
        if self._rng.random() < 0.8:
            await line.send(json.dumps(frame))
        else:
            line.transport.abort()

    def _stored(self, message_id: str | None) -> None:
        if message_id in self._outbox:
            self._outbox.remove(message_id)


@pytest.mark.parametrize("seed", range(8))
async def test_nothing_is_lost_or_doubled_over_a_line_that_breaks(seed: int) -> None:
    """Every message is handled once, in order, and shown once with its answer, whatever is cut off where."""
    processor = ScriptedProcessor()
    async with serving(processor, {"burst": 10_000}) as door:
        widget = LossyWidget(door, random.Random(seed))
        await widget.talk()
        everything = await processor.transcript(SENDER, 0)
        async with door.widget(last_sequence=widget.shown[-1]["sequence"]) as (_, missed):
            shown = widget.shown + [frame for frame in missed if frame["type"] == "event"]
    assert [message.message_id for message in processor.handled] == [
        f"{number:020d}" for number in range(MESSAGES)
    ]
    spoken = [
        (sequence, event.text)
        for sequence, event in everything
        if isinstance(event, UserUttered | BotUttered)
    ]
    assert [(frame["sequence"], frame["messages"][0]["text"]) for frame in shown] == spoken
    assert len(shown) == 2 * MESSAGES
