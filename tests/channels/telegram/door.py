"""A Telegram channel between a local Bot API and a queue in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks.peers.telegram import TOKEN, TelegramPeer
from bot.channels.attachments import Files
from bot.channels.telegram.telegram import Telegram
from tests.channels.in_loop import application, served, until
from tests.channels.memory_queue import MemoryQueue
from tests.channels.scripted import Script, ScriptedProcessor, echo

SECRET = "a-secret-of-this-test"
WEBHOOK = "https://shop.example/webhooks/telegram/webhook"
MIA = 5501234567


@dataclass
class Door:
    """What a test looks at."""

    peer: TelegramPeer
    queue: MemoryQueue
    processor: ScriptedProcessor
    channel: Telegram

    async def settle(self) -> None:
        """Wait until everything that was written is answered."""
        await self.peer.all_posted()
        await self.queue.idle()

    def calls(self, method: str) -> list[Any]:
        """Return the arguments of all requests of a method."""
        return [arguments for name, arguments in self.peer.requests if name == method]


def settings(peer: TelegramPeer, **more: Any) -> dict[str, Any]:
    """Return a section of credentials.yml for a peer."""
    return {"access_token": TOKEN, "api_url": peer.url, **more}


@asynccontextmanager
async def opened(
    peer: TelegramPeer,
    script: Script = echo,
    *,
    queue: MemoryQueue | None = None,
    intents: Sequence[str] = (),
    files: Files | None = None,
    **more: Any,
) -> AsyncIterator[Door]:
    """Serve the channel: with a webhook unless `webhook_url` is None."""
    given = {"webhook_url": WEBHOOK, "secret_token": SECRET, **more}
    section = settings(peer, **{key: value for key, value in given.items() if value is not None})
    queue = queue or MemoryQueue(ScriptedProcessor(script))
    app = application(queue.parts(intents=intents, files=files), {"telegram": section})
    channel = queue.channel = app.state.channels["telegram"]
    async with served(app) as url:
        peer.hosts["shop.example"] = url
        if "webhook_url" in section:
            await until(lambda: peer.webhook.get("url"), "the webhook is opened")
        yield Door(peer, queue, queue.processor, channel)
