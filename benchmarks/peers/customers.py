"""Customers of a trial on each messenger: they write until they are heard, and keep what they get."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Generic, Protocol, Self, TypeVar

import httpx

from benchmarks.peers import slack, telegram
from benchmarks.peers.faults import Faults
from benchmarks.peers.served import Balanced, Server
from benchmarks.peers.slack import Posted, SlackPeer
from benchmarks.peers.telegram import Sent, TelegramPeer

JSON = Any
_SECRET = "local-peers-secret-token"  # noqa: S105 - of nobody
_FIRST_CHAT = 1000
_AGAIN_S = 0.05

Message = TypeVar("Message")


class Customers(Protocol):
    """The other end of a channel, with customers by number."""

    async def __aenter__(self) -> Self: ...
    async def __aexit__(self, *_: object) -> None: ...

    def credentials(self) -> Mapping[str, JSON]:
        """Return `credentials.yml`."""
        ...

    async def ready(self) -> None:
        """Wait until the channel has introduced itself."""
        ...

    async def write(self, customer: int, text: str, *, times: int) -> None:
        """Let a customer write; returns when the server has acknowledged it as often."""
        ...

    def got(self, customer: int) -> list[tuple[float, str]]:
        """Return what a customer got, in order, with the time of each in seconds."""
        ...

    def count(self) -> int:
        """Count all that arrived, doubled ones included."""
        ...


class Arrivals(list[Message], Generic[Message]):
    """What customers got; `place` says where a message stands, `text` what it says."""

    def __init__(self, place: Callable[[Message], str], text: Callable[[Message], str]) -> None:
        super().__init__()
        self._place = place
        self._text = text
        self._at: defaultdict[str, list[tuple[float, str]]] = defaultdict(list)

    def append(self, message: Message) -> None:
        """Note the time."""
        self._at[self._place(message)].append((time.perf_counter(), self._text(message)))
        super().append(message)

    def at(self, place: str) -> list[tuple[float, str]]:
        """Return time and text of what stands in a place, in order."""
        return self._at[place]


class TelegramCustomers:
    """Customers in private chats with the bot."""

    def __init__(self, faults: Faults, servers: Sequence[Server]) -> None:
        self._arrivals = Arrivals[Sent](lambda sent: str(sent.chat_id), lambda sent: sent.text)
        self._peer = TelegramPeer(faults=faults, hosts=Balanced(servers), sent=self._arrivals)
        self._update_ids = itertools.count(1)

    async def __aenter__(self) -> Self:
        await self._peer.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._peer.__aexit__(None, None, None)

    def credentials(self) -> Mapping[str, JSON]:
        """Return `credentials.yml`."""
        return {
            "telegram": {
                "access_token": telegram.TOKEN,
                "webhook_url": "https://shop.example",
                "secret_token": _SECRET,
                "api_url": self._peer.url,
            }
        }

    async def ready(self) -> None:
        """Wait until the webhook is set."""
        while not self._peer.webhook:  # noqa: ASYNC110 - the servers bring it about
            await asyncio.sleep(_AGAIN_S)

    async def write(self, customer: int, text: str, *, times: int) -> None:
        """Post the update until it was acknowledged as often."""
        message = self._peer.message(_FIRST_CHAT + customer, text=text)
        update = {"update_id": next(self._update_ids), "message": message}
        while times:
            with suppress(httpx.HTTPError):
                if (await self._peer.post_once(update)).is_success:
                    times -= 1
                    continue
            await asyncio.sleep(_AGAIN_S)

    def got(self, customer: int) -> list[tuple[float, str]]:
        """Read the chat."""
        return self._arrivals.at(str(_FIRST_CHAT + customer))

    def count(self) -> int:
        """Count all messages in all chats."""
        return len(self._arrivals)


class SlackCustomers:
    """People who write to the app directly."""

    def __init__(self, faults: Faults, servers: Sequence[Server]) -> None:
        self._arrivals = Arrivals[Posted](lambda posted: posted.channel, lambda posted: posted.text)
        self._servers = servers
        self._peer = SlackPeer(faults=faults, posted=self._arrivals)

    async def __aenter__(self) -> Self:
        await self._peer.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._peer.__aexit__(None, None, None)

    def credentials(self) -> Mapping[str, JSON]:
        """Return `credentials.yml`."""
        return {
            "slack": {
                "slack_token": slack.TOKEN,
                "slack_signing_secret": slack.SIGNING_SECRET,
                "api_url": self._peer.url,
            }
        }

    async def ready(self) -> None:
        """Wait until the app has asked who it is."""
        while not self._peer.requests:  # noqa: ASYNC110 - the servers bring it about
            await asyncio.sleep(_AGAIN_S)

    async def write(self, customer: int, text: str, *, times: int) -> None:
        """Post the event until it was acknowledged as often."""
        event = self._peer.message(f"U{_FIRST_CHAT + customer}", text)
        body = json.dumps(self._peer.envelope(event)).encode()
        while times:
            server = random.choice(self._servers)  # noqa: S311 - no secret
            self._peer.events_url = f"{server.url}/webhooks/slack/webhook"
            with suppress(httpx.HTTPError):
                if (await self._peer.post(body)).is_success:
                    times -= 1
                    continue
            await asyncio.sleep(_AGAIN_S)

    def got(self, customer: int) -> list[tuple[float, str]]:
        """Read the direct messages."""
        return self._arrivals.at(slack.direct_channel(f"U{_FIRST_CHAT + customer}"))

    def count(self) -> int:
        """Count all messages that the app has posted."""
        return len(self._arrivals)


CHANNELS: Mapping[str, Callable[[Faults, Sequence[Server]], Customers]] = {
    "telegram": TelegramCustomers,
    "slack": SlackCustomers,
}
