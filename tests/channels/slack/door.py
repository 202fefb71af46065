"""A Slack channel between a local Web API and a queue in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from benchmarks.peers.slack import SIGNING_SECRET, TOKEN, SlackPeer
from bot.channels.attachments import Files
from bot.channels.slack.slack import Slack
from tests.channels.in_loop import application, served, until
from tests.channels.memory_queue import MemoryQueue
from tests.channels.scripted import Script, ScriptedProcessor, echo

MIA = "U061F7AUR"
MIAS = "D061F7AUR"
GENERAL = "C0LAN2Q65"


@dataclass
class Door:
    """What a test looks at."""

    peer: SlackPeer
    queue: MemoryQueue
    processor: ScriptedProcessor
    channel: Slack

    async def settle(self) -> None:
        """Wait until everything that was written is answered."""
        await self.peer.all_delivered()
        await self.queue.idle()

    def calls(self, method: str) -> list[Any]:
        """Return the arguments of all requests of a method."""
        return [arguments for name, arguments in self.peer.requests if name == method]


def section(peer: SlackPeer, **more: Any) -> dict[str, Any]:
    """Return a section of credentials.yml for a peer."""
    given = {"slack_token": TOKEN, "slack_signing_secret": SIGNING_SECRET, "api_url": peer.url, **more}
    return {key: value for key, value in given.items() if value is not None}


@asynccontextmanager
async def opened(
    peer: SlackPeer,
    script: Script = echo,
    *,
    queue: MemoryQueue | None = None,
    intents: Sequence[str] = (),
    files: Files | None = None,
    **more: Any,
) -> AsyncIterator[Door]:
    """Serve the channel, which knows who it is."""
    queue = queue or MemoryQueue(ScriptedProcessor(script))
    app = application(queue.parts(intents=intents, files=files), {"slack": section(peer, **more)})
    channel = queue.channel = app.state.channels["slack"]
    async with served(app) as url:
        peer.events_url = "" if "slack_app_token" in more else f"{url}/webhooks/slack/webhook"
        await until(lambda: any(method == "auth.test" for method, _ in peer.requests), "the app is known")
        if "slack_app_token" in more:
            await peer.connected()
        yield Door(peer, queue, queue.processor, channel)
