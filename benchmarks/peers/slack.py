"""Slack's side of a conversation: a local server that speaks the Web API and keeps its limits.

Follows https://docs.slack.dev as far as the channel uses it: signed events and interactions that are repeated
when they are not acknowledged, the same over a socket, messages with blocks, people, files, and history.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

import httpx
from aiohttp import WSMsgType, web

from benchmarks.peers.faults import Faults
from benchmarks.peers.local_server import FaultAnswers, LocalServer, with_fault
from benchmarks.peers.slack_limits import Refused, check_message

JSON = Any
TOKEN = "xoxb-local-peer"  # noqa: S105 - tokens and a secret of nobody
APP_TOKEN = "xapp-local-peer"  # noqa: S105
SIGNING_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"  # noqa: S105
BOT = "U0SHOPBOT"
ACKNOWLEDGED_WITHIN_S = 3.0


@dataclass(frozen=True, slots=True)
class Posted:
    """A message that the app has posted."""

    channel: str
    ts: str
    arguments: Mapping[str, JSON]

    @property
    def thread_ts(self) -> str | None:
        """The thread that it belongs to."""
        return self.arguments.get("thread_ts")

    @property
    def text(self) -> str:
        """Its words."""
        return str(self.arguments.get("text") or "")

    @property
    def key(self) -> str:
        """What its metadata carry."""
        return str(self.arguments["metadata"]["event_payload"]["key"])

    @property
    def elements(self) -> list[JSON]:
        """The buttons in it, each with the id of its block."""
        return [
            {"block_id": f"b{number}", **element}
            for number, block in enumerate(self.arguments.get("blocks") or ())
            for element in block.get("elements") or ()
        ]


@dataclass
class SlackPeer:
    """The Web API of one workspace with one app, and the people in it.

    Attributes:
        faults: What goes wrong with the app's requests.
        events_url: Where the app takes events; with a socket it is not used.
        people: What `users.info` says, by user.
        unreachable: Addresses from which Slack can fetch no picture.
        closed: Channels in which the app may not write.
        not_granted: Methods for which the app lacks a scope.
        acknowledged_within_s: Seconds after which an event counts as not acknowledged.
        retry_pauses_s: Seconds before each repetition of what was not acknowledged.
        posted: What the app has posted, in that order.
        requests: Every request by its method, those that went wrong left out.
        lost: Events that were given up.
        answers: The app's HTTP answers to events and interactions.
    """

    faults: Faults = field(default_factory=Faults)
    events_url: str = ""
    people: dict[str, JSON] = field(default_factory=dict)
    unreachable: set[str] = field(default_factory=set)
    closed: set[str] = field(default_factory=set)
    not_granted: set[str] = field(default_factory=set)
    files: dict[str, bytes] = field(default_factory=dict)
    retry_pauses_s: Sequence[float] = (0.02, 0.1, 0.3)
    acknowledged_within_s: float = ACKNOWLEDGED_WITHIN_S
    port: int = 0
    posted: list[Posted] = field(default_factory=list)
    requests: list[tuple[str, Mapping[str, JSON]]] = field(default_factory=list)
    lost: list[JSON] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _delivering: set[asyncio.Task[None]] = field(default_factory=set)
    _socket: web.WebSocketResponse | None = None
    _connected: asyncio.Event = field(default_factory=asyncio.Event)
    _sent: dict[str, asyncio.Event] = field(default_factory=dict)

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/files/{file_id}", self._download)
        app.router.add_get("/socket", self._serve_socket)
        app.router.add_route("*", "/api/{method}", self._serve)
        self._server = LocalServer(app, self.port)
        self._client = httpx.AsyncClient(timeout=self.acknowledged_within_s, trust_env=False)
        await self._server.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for task in tuple(self._delivering):
            task.cancel()
        await asyncio.gather(*self._delivering, return_exceptions=True)
        await self._client.aclose()
        if self._socket is not None:
            await self._socket.close()
        await self._server.__aexit__(kind, error, traceback)

    @property
    def url(self) -> str:
        """What `api_url` of the channel is to be."""
        return f"{self._server.url}/api/"

    def said_in(self, channel: str, thread_ts: str | None = None) -> list[str]:
        """Return the words that the app has posted to a channel, or to a thread of it, in their order."""
        return [post.text for post in self.posted if (post.channel, post.thread_ts) == (channel, thread_ts)]

    async def write(self, user: str, text: str, *, channel: str | None = None, **more: JSON) -> JSON:
        """Let somebody write: to the app itself, or in a channel; returns the event."""
        event = self.message(user, text, channel=channel) | more
        await self.bring(event)
        return event

    def message(self, user: str, text: str, *, channel: str | None = None) -> dict[str, JSON]:
        """Make a message; in a channel the app hears of it as a mention, where its name is in it."""
        where = channel or direct_channel(user)
        is_mention = channel is not None and f"<@{BOT}>" in text
        return {
            "type": "app_mention" if is_mention else "message",
            "user": user,
            "text": text,
            "ts": self._ts(),
            "channel": where,
            "channel_type": "im" if where.startswith("D") else "channel",
        }

    async def bring(self, event: Mapping[str, JSON], *, times: int = 1) -> None:
        """Let an event happen; with `times` it is delivered so often, whatever the app answers."""
        body = self.envelope(event)
        for _ in range(times):
            task = asyncio.create_task(self._deliver(body))
            self._delivering.add(task)
            task.add_done_callback(self._delivering.discard)

    async def press(self, posted: Posted, title: str, user: str, **more: JSON) -> JSON:
        """Let somebody press the button with this title; returns the interaction."""
        element = next(element for element in posted.elements if element["text"]["text"] == title)
        shown = {"ts": posted.ts, "text": posted.text}
        if posted.thread_ts:
            shown["thread_ts"] = posted.thread_ts
        body = {
            "type": "block_actions",
            "user": {"id": user, "team_id": "T0LOCAL"},
            "team": {"id": "T0LOCAL"},
            "api_app_id": "A0LOCAL",
            "channel": {"id": posted.channel},
            "container": {"type": "message", "message_ts": posted.ts, "channel_id": posted.channel},
            "message": shown,
            "trigger_id": f"{next(self._numbers)}.1.a",
            "actions": [{**element, "action_ts": self._ts()}],
        } | more
        await self.interact(body)
        return body

    async def interact(self, body: JSON) -> None:
        """Tell the app of an interaction; Slack does so once."""
        if self._socket is not None:
            await self._send_envelope("interactive", body)
            return
        response = await self.post(urlencode({"payload": json.dumps(body)}).encode(), is_form=True)
        self.answers.append(response.status_code)

    def envelope(self, event: Mapping[str, JSON]) -> dict[str, JSON]:
        """Wrap an event as Slack posts it."""
        return {
            "token": "deprecated",
            "team_id": "T0LOCAL",
            "api_app_id": "A0LOCAL",
            "event": event,
            "type": "event_callback",
            "event_id": f"Ev{next(self._numbers):08}",
            "event_time": int(time.time()),
            "authorizations": [{"team_id": "T0LOCAL", "user_id": BOT, "is_bot": True}],
        }

    async def post(
        self,
        body: bytes,
        *,
        is_form: bool = False,
        headers: Mapping[str, str] | None = None,
        signed_at: float | None = None,
    ) -> httpx.Response:
        """Post a signed body to the app; `headers` take the place of those that belong to it."""
        kind = "application/x-www-form-urlencoded" if is_form else "application/json"
        given = {"Content-Type": kind, **signature(body, signed_at), **(headers or {})}
        as_bytes = {name.encode(): value.encode() for name, value in given.items()}
        return await self._client.post(self.events_url, content=body, headers=as_bytes)

    async def all_delivered(self) -> None:
        """Wait until every event was acknowledged or given up."""
        while self._delivering:
            await asyncio.gather(*self._delivering)

    async def connected(self) -> None:
        """Wait until the app has opened its socket."""
        await self._connected.wait()

    async def hang_up(self) -> None:
        """Close the app's socket, as Slack does every few hours."""
        if self._socket is not None:
            self._connected.clear()
            await self._socket.close()

    async def _deliver(self, body: JSON) -> None:
        for number, pause_s in enumerate((0.0, *self.retry_pauses_s)):
            await asyncio.sleep(pause_s)
            if await self._is_taken(body, number):
                return
        self.lost.append(body)

    async def _is_taken(self, body: JSON, number: int) -> bool:
        if not self.events_url:
            return await self._send_envelope("events_api", body, number)
        again = {"X-Slack-Retry-Num": str(number), "X-Slack-Retry-Reason": "http_error"} if number else {}
        with suppress(httpx.HTTPError):
            response = await self.post(json.dumps(body).encode(), headers=again)
            self.answers.append(response.status_code)
            return response.is_success
        return False

    async def _send_envelope(self, kind: str, payload: JSON, number: int = 0) -> bool:
        """Send over the socket, and wait for the acknowledgement."""
        envelope_id = f"env-{next(self._numbers)}"
        envelope = {"envelope_id": envelope_id, "type": kind, "payload": payload, "retry_attempt": number}
        try:
            async with asyncio.timeout(self.acknowledged_within_s):
                await self._connected.wait()
                if self._socket is None:
                    return False
                await self._socket.send_json(envelope)
                await self._sent.setdefault(envelope_id, asyncio.Event()).wait()
        except (TimeoutError, ConnectionError):
            return False
        return True

    async def _serve_socket(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._socket = socket
        await socket.send_json({"type": "hello", "num_connections": 1})
        self._connected.set()
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                self._sent.setdefault(str(message.json().get("envelope_id")), asyncio.Event()).set()
        return socket

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        fault = self.faults.draw(request.match_info["method"])
        return await with_fault(request, fault, self.faults, self._answer, _ANSWERS)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        arguments = await _arguments(request)
        try:
            wanted = APP_TOKEN if method == "apps.connections.open" else TOKEN
            if request.headers.get("Authorization") != f"Bearer {wanted}":
                raise Refused("invalid_auth")
            self.requests.append((method, arguments))
            if method in self.not_granted:
                raise Refused("missing_scope")
            return web.json_response({"ok": True, **self._carry_out(method, arguments)})
        except Refused as refused:
            return web.json_response({"ok": False, "error": refused.error})

    def _carry_out(self, method: str, arguments: Mapping[str, JSON]) -> dict[str, JSON]:
        match method:
            case "auth.test":
                return {"user_id": BOT, "bot_id": "B0SHOPBOT", "team_id": "T0LOCAL"}
            case "apps.connections.open":
                return {"url": f"{self._server.url.replace('http', 'ws', 1)}/socket"}
            case "chat.postMessage":
                return self._post_message(arguments)
            case "users.info":
                if arguments["user"] not in self.people:
                    raise Refused("user_not_found")
                return {"user": self.people[arguments["user"]]}
            case "conversations.open":
                return {"channel": {"id": direct_channel(arguments["users"])}}
            case "conversations.history" | "conversations.replies":
                return self._history(arguments)
        raise Refused("unknown_method")

    def _post_message(self, arguments: Mapping[str, JSON]) -> dict[str, JSON]:
        channel = str(arguments["channel"])
        channel = direct_channel(channel) if channel.startswith(("U", "W")) else channel
        if channel in self.closed:
            raise Refused("not_in_channel")
        check_message(arguments, self.unreachable)
        posted = Posted(channel, self._ts(), arguments)
        self.posted.append(posted)
        return {"channel": channel, "ts": posted.ts, "message": {"text": posted.text}}

    def _history(self, arguments: Mapping[str, JSON]) -> dict[str, JSON]:
        """Return a page; a thread's comes oldest first, a channel's newest first."""
        channel, thread_ts = arguments["channel"], arguments.get("ts")
        found = [
            {"ts": post.ts, "text": post.text, "metadata": post.arguments.get("metadata")}
            for post in self.posted
            if (post.channel, post.thread_ts) == (channel, thread_ts)
            and float(post.ts) > float(arguments.get("oldest") or 0)
        ]
        start, limit = int(arguments.get("cursor") or 0), int(arguments.get("limit") or 100)
        page = (found if thread_ts else found[::-1])[start : start + limit]
        cursor = str(start + limit) if start + limit < len(found) else ""
        return {"messages": page, "response_metadata": {"next_cursor": cursor}}

    async def _download(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.Response(text="<html>sign in</html>", content_type="text/html")
        return web.Response(body=self.files[request.match_info["file_id"]])

    def _ts(self) -> str:
        return f"{int(time.time())}.{next(self._numbers):06}"


def direct_channel(user: str) -> str:
    """Return the channel of the app's direct messages with somebody."""
    return f"D{user[1:]}"


def signature(body: bytes, signed_at: float | None = None) -> dict[str, str]:
    """Return the headers that prove that Slack has written a body; now, unless a time in seconds is given."""
    timestamp = str(int(time.time() if signed_at is None else signed_at))
    digest = hmac.new(SIGNING_SECRET.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256)
    return {"X-Slack-Request-Timestamp": timestamp, "X-Slack-Signature": f"v0={digest.hexdigest()}"}


def _rate_limit(retry_after_s: int) -> web.Response:
    body = {"ok": False, "error": "ratelimited"}
    return web.json_response(body, status=429, headers={"Retry-After": str(retry_after_s)})


def _server_error() -> web.Response:
    return web.Response(text="<html>upstream error</html>", content_type="text/html", status=503)


_ANSWERS = FaultAnswers(_rate_limit, _server_error)


async def _arguments(request: web.Request) -> dict[str, JSON]:
    if request.content_type == "application/json":
        return dict(await request.json())
    return {**request.query, **{name: str(value) for name, value in (await request.post()).items()}}
