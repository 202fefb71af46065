"""A processor that answers from a script and keeps its transcript in memory; it outlives the servers."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

from bot.channels.attachments import Files, NoFiles
from bot.channels.channel import ChannelParts
from bot.channels.web_widget.records import NoRecords, Records
from bot.dialogue.events import BotUttered, Event, SlotSet, UserUttered
from bot.dialogue.messages import UserMessage

Script = Callable[[str], list[BotUttered]]


def echo(text: str) -> list[BotUttered]:
    """Answer with the text itself."""
    return [BotUttered(text=f"You said: {text}")]


class ScriptedProcessor:
    """Answers each message once, in order per sender; `gate` holds turns back, `failing` makes them raise."""

    def __init__(self, script: Script = echo) -> None:
        self.script = script
        self.handled: list[UserMessage] = []
        self.gate: asyncio.Event | None = None
        self.failing: Exception | None = None
        self.attempts = 0
        self.forgets = False
        self.transcript_failing: Exception | None = None
        self.files: Files = NoFiles()
        self.records: Records = NoRecords()
        self.has_model = True
        self._events: defaultdict[str, list[tuple[int, Event]]] = defaultdict(list)
        self._answers: dict[tuple[str, str, str], list[BotUttered]] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._sequence = 0

    async def handle(self, message: UserMessage) -> Sequence[BotUttered]:
        """Take one turn."""
        async with self._locks[message.sender_id]:
            key = (message.sender_id, message.input_channel, message.message_id)
            if key in self._answers:
                return self._answers[key]
            if self.gate is not None:
                await self.gate.wait()
            self.attempts += 1
            if self.failing is not None:
                raise self.failing
            self.handled.append(message)
            answer = [replace(said, timestamp=time.time()) for said in self.script(message.text)]
            if not self.forgets:
                self._store(message, answer)
                self._answers[key] = answer
            return answer

    async def transcript(self, sender_id: str, after: int) -> Sequence[tuple[int, Event]]:
        """Return the stored events after a sequence."""
        if self.transcript_failing is not None:
            raise self.transcript_failing
        return [(sequence, event) for sequence, event in self._events[sender_id] if sequence > after]

    def add(self, sender_id: str, event: Event) -> None:
        """Store an event, as a desk or a reminder would."""
        self._sequence += 1
        self._events[sender_id].append((self._sequence, event))

    def wipe(self) -> None:
        """Forget every conversation, as a store that was set up anew."""
        self._events.clear()
        self._answers.clear()
        self._sequence = 0

    def parts(self) -> ChannelParts:
        """Return this processor as what a channel leans on."""
        return ChannelParts(
            processor=self,
            transcript=self,
            files=self.files,
            records=self.records,
            has_model=lambda: self.has_model,
        )

    def restarted(self) -> ScriptedProcessor:
        """Return what a new process finds: the same store, and locks that belong to a new event loop."""
        self._locks = defaultdict(asyncio.Lock)
        return self

    def _store(self, message: UserMessage, answer: list[BotUttered]) -> None:
        said = UserUttered(
            text=message.text,
            input_channel=message.input_channel,
            message_id=message.message_id,
            metadata=message.metadata,
        )
        # Events that no customer sees take sequences, too.
        for event in (said, SlotSet(name="language", value="en"), *answer):
            self.add(message.sender_id, event)
