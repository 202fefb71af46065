"""Telegram's side of a conversation: a local server that speaks the Bot API and keeps its limits.

Follows https://core.telegram.org/bots/api as far as the channel uses it: updates by webhook (repeated until
they are taken, those of a chat in order) or by `getUpdates`, messages, keyboards, files, and refusals.
"""

from __future__ import annotations

import asyncio
import html
import itertools
import json
import re
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import httpx
from aiohttp import web

from benchmarks.peers.faults import Faults
from benchmarks.peers.local_server import FaultAnswers, LocalServer, with_fault

JSON = Any
TOKEN = "123456:local-peer"  # noqa: S105 - a token of nobody
MAX_TEXT_UNITS = 4096
MAX_CAPTION_UNITS = 1024
MAX_CALLBACK_BYTES = 64
_TAG = re.compile(r"</?(?:b|a)(?: href=\"[^\"]*\")?>")
_REPEAT_AFTER_S = 0.05


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that the bot has put into a chat."""

    chat_id: int
    message_id: int
    method: str
    arguments: Mapping[str, JSON]

    @property
    def text(self) -> str:
        """Its words, as written by the bot."""
        return str(self.arguments.get("text") or self.arguments.get("caption") or "")

    @property
    def keys(self) -> list[Mapping[str, str]]:
        """The buttons below it."""
        keyboard = self.arguments.get("reply_markup") or {}
        return [key for row in keyboard.get("inline_keyboard", ()) for key in row]


class Refused(Exception):
    """An error of the Bot API: HTTP status and description."""

    def __init__(self, description: str, code: int = 400) -> None:
        self.code = code
        self.description = description
        super().__init__(description)


@dataclass
class TelegramPeer:
    """The Bot API for one bot, and the customers who write to it.

    Attributes:
        faults: What goes wrong with the bot's requests.
        token: The one that is valid; its number is the bot's.
        bot_name: The bot's user name.
        hosts: Where public hosts of webhooks really are: `{"shop.example": "http://127.0.0.1:8000"}`.
        unreachable: Addresses from which Telegram can fetch no picture.
        blocked: Chats whose customers have blocked the bot.
        sent: What the bot has put into chats, in that order.
        requests: Every request by its method, those that went wrong left out.
        posts: How often updates were posted.
        waiting: Updates that nobody has confirmed, where there is no webhook.
    """

    faults: Faults = field(default_factory=Faults)
    token: str = TOKEN
    bot_name: str = "shop_bot"
    hosts: dict[str, str] = field(default_factory=dict)
    unreachable: set[str] = field(default_factory=set)
    blocked: set[int] = field(default_factory=set)
    sent: list[Sent] = field(default_factory=list)
    requests: list[tuple[str, Mapping[str, JSON]]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    webhook: dict[str, JSON] = field(default_factory=dict)
    waiting: list[JSON] = field(default_factory=list)
    _arrived: asyncio.Condition = field(default_factory=asyncio.Condition)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _update_ids: itertools.count[int] = field(default_factory=lambda: itertools.count(900_000))
    _queues: defaultdict[int, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))
    _posting: set[asyncio.Task[None]] = field(default_factory=set)
    port: int = 0
    posts: int = 0

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=32 * 1024 * 1024)
        app.router.add_route("*", "/bot{token}/{method}", self._serve)
        app.router.add_get("/file/bot{token}/{file_id}", self._download)
        self._server = LocalServer(app, self.port)
        self._client = httpx.AsyncClient(timeout=60, trust_env=False)
        await self._server.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for task in tuple(self._posting):
            task.cancel()
        await asyncio.gather(*self._posting, return_exceptions=True)
        await self._client.aclose()
        await self._server.__aexit__(kind, error, traceback)

    @property
    def url(self) -> str:
        """What `api_url` of the channel is to be."""
        return self._server.url

    def said_to(self, chat_id: int) -> list[str]:
        """Return the words that a customer has got, in their order."""
        return [sent.text for sent in self.sent if sent.chat_id == chat_id]

    async def write(self, chat_id: int, text: str, **more: JSON) -> JSON:
        """Let a customer write, and return the update."""
        return await self.bring({"message": self.message(chat_id, text=text, **more)})

    async def press(self, sent: Sent, title: str, *, chat_id: int | None = None) -> JSON:
        """Let a customer press the button with this title."""
        key = next(key for key in sent.keys if key["text"] == title)
        shown = self.message(sent.chat_id, message_id=sent.message_id, **_shown(sent))
        query = {
            "id": str(next(self._numbers) + 10**12),
            "from": _customer(chat_id or sent.chat_id),
            "chat_instance": "1",
            "data": key["callback_data"],
            "message": shown,
        }
        return await self.bring({"callback_query": query})

    def message(self, chat_id: int, **more: JSON) -> dict[str, JSON]:
        """Make a message of a private chat."""
        return {
            "message_id": next(self._numbers),
            "date": int(time.time()),
            "chat": {"id": chat_id, "type": "private", "first_name": "Mia"},
            "from": _customer(chat_id),
        } | more

    async def bring(self, content: Mapping[str, JSON], *, times: int = 1) -> JSON:
        """Let an update happen; with `times` it is posted so often, or given out anew so often."""
        update = {"update_id": next(self._update_ids), **content}
        kind = next(name for name in content)
        allowed = self.webhook.get("allowed_updates")
        if allowed and kind not in allowed:
            return update
        if self.webhook.get("url"):
            for _ in range(times):
                task = asyncio.create_task(self._post(update))
                self._posting.add(task)
                task.add_done_callback(self._posting.discard)
        else:
            async with self._arrived:
                self.waiting += [update] * times
                self._arrived.notify_all()
        return update

    async def all_posted(self) -> None:
        """Wait until the webhook has taken every update."""
        while self._posting:
            await asyncio.gather(*self._posting)

    async def post_once(self, update: JSON, *, secret: bytes | None = None) -> httpx.Response:
        """Post an update to the webhook, with another secret if one is given, and return the answer."""
        address = httpx.URL(self.webhook["url"])
        own = self.hosts.get(address.host)
        url = f"{own}{address.path}" if own else str(address)
        self.posts += 1
        header = str(self.webhook.get("secret_token") or "").encode() if secret is None else secret
        headers = {b"X-Telegram-Bot-Api-Secret-Token": header} if header else {}
        return await self._client.post(url, json=update, headers=headers)

    async def _post(self, update: JSON) -> None:
        async with self._queues[_chat_of(update)]:
            while True:
                with suppress(httpx.HTTPError):
                    if (await self.post_once(update)).is_success:
                        return
                await asyncio.sleep(_REPEAT_AFTER_S)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        fault = self.faults.draw(method)
        return await with_fault(request, fault, self.faults, self._answer, _ANSWERS)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        arguments = await _arguments(request)
        self.requests.append((method, arguments))
        try:
            if request.match_info["token"] != self.token:
                raise Refused("Unauthorized", 401)
            return web.json_response({"ok": True, "result": await self._carry_out(method, arguments)})
        except Refused as refused:
            body = {"ok": False, "error_code": refused.code, "description": refused.description}
            return web.json_response(body, status=refused.code)

    async def _carry_out(self, method: str, arguments: Mapping[str, JSON]) -> JSON:
        own: dict[str, Callable[[Mapping[str, JSON]], Awaitable[JSON]]] = {
            "getMe": self._get_me,
            "getUpdates": self._get_updates,
            "setWebhook": self._set_webhook,
            "deleteWebhook": self._delete_webhook,
            "getFile": self._get_file,
            "sendChatAction": self._nothing,
            "answerCallbackQuery": self._nothing,
        }
        if method in own:
            return await own[method](arguments)
        if not method.startswith("send"):
            raise Refused("Not Found", 404)
        return self._send(method, arguments)

    async def _get_me(self, _: Mapping[str, JSON]) -> JSON:
        return {
            "id": int(TOKEN.split(":")[0]),
            "is_bot": True,
            "first_name": "Shop",
            "username": self.bot_name,
        }

    async def _nothing(self, arguments: Mapping[str, JSON]) -> JSON:
        if int(arguments.get("chat_id") or 0) in self.blocked:
            raise Refused("Forbidden: bot was blocked by the user", 403)
        return True

    async def _get_updates(self, arguments: Mapping[str, JSON]) -> JSON:
        if self.webhook.get("url"):
            raise Refused("Conflict: can't use getUpdates method while webhook is active", 409)
        offset = int(arguments.get("offset") or 0)
        async with self._arrived:
            self.waiting = [update for update in self.waiting if update["update_id"] >= offset]
            if not self.waiting:
                with suppress(TimeoutError):
                    async with asyncio.timeout(float(arguments.get("timeout") or 0)):
                        await self._arrived.wait()
            return self.waiting[: int(arguments.get("limit") or 100)]

    async def _set_webhook(self, arguments: Mapping[str, JSON]) -> JSON:
        if not str(arguments["url"]).startswith("https://"):
            raise Refused("Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
        self.webhook = dict(arguments)
        waiting, self.waiting = self.waiting, []
        for update in waiting:
            await self.bring({key: value for key, value in update.items() if key != "update_id"})
        return True

    async def _delete_webhook(self, _: Mapping[str, JSON]) -> JSON:
        self.webhook = {}
        return True

    async def _get_file(self, arguments: Mapping[str, JSON]) -> JSON:
        file_id = str(arguments["file_id"])
        if file_id not in self.files:
            raise Refused("Bad Request: invalid file_id")
        size = len(self.files[file_id])
        return {"file_id": file_id, "file_unique_id": f"u{file_id}", "file_size": size, "file_path": file_id}

    async def _download(self, request: web.Request) -> web.Response:
        return web.Response(body=self.files[request.match_info["file_id"]])

    def _send(self, method: str, arguments: Mapping[str, JSON]) -> JSON:
        chat_id = int(arguments["chat_id"])
        if chat_id in self.blocked:
            raise Refused("Forbidden: bot was blocked by the user", 403)
        self.check(method, arguments)
        sent = Sent(chat_id, next(self._numbers), method, arguments)
        self.sent.append(sent)
        return self.message(chat_id, message_id=sent.message_id, **_shown(sent)) | {
            "from": _bot(self.bot_name)
        }

    def check(self, method: str, arguments: Mapping[str, JSON]) -> None:
        """Refuse what Telegram refuses.

        Raises:
            Refused: A limit is exceeded, or a text is no text.
        """
        is_text = method == "sendMessage"
        words = str(arguments.get("text" if is_text else "caption") or "")
        plain = _plain(words) if arguments.get("parse_mode") == "HTML" else words
        if is_text and not plain.strip():
            raise Refused("Bad Request: message text is empty")
        if _units(plain) > (MAX_TEXT_UNITS if is_text else MAX_CAPTION_UNITS):
            raise Refused(f"Bad Request: message {'is' if is_text else 'caption is'} too long")
        fetched = {str(value) for name, value in arguments.items() if name not in ("text", "caption")}
        if self.unreachable & fetched:
            raise Refused("Bad Request: failed to get HTTP URL content")
        keyboard = arguments.get("reply_markup") or {}
        for key in (key for row in keyboard.get("inline_keyboard", ()) for key in row):
            if (
                not key.get("url")
                and not 1 <= len(key.get("callback_data", "").encode()) <= MAX_CALLBACK_BYTES
            ):
                raise Refused("Bad Request: BUTTON_DATA_INVALID")


def _rate_limit(retry_after_s: int) -> web.Response:
    body = {
        "ok": False,
        "error_code": 429,
        "description": f"Too Many Requests: retry after {retry_after_s}",
        "parameters": {"retry_after": retry_after_s},
    }
    return web.json_response(body, status=429)


def _server_error() -> web.Response:
    body = {"ok": False, "error_code": 500, "description": "Internal Server Error"}
    return web.json_response(body, status=500)


_ANSWERS = FaultAnswers(_rate_limit, _server_error)


async def _arguments(request: web.Request) -> dict[str, JSON]:
    """Read the fields of query and form; objects and lists in them are JSON."""
    fields = {**request.query, **await request.post()}
    return {name: _value(str(value)) for name, value in fields.items()}


def _value(text: str) -> JSON:
    if text[:1] in "{[" or text in ("true", "false"):
        with suppress(ValueError):
            return json.loads(text)
    return text


def _plain(text: str) -> str:
    """Take formatting out; what is left of a tag is a mistake."""
    plain = _TAG.sub("", text)
    if "<" in plain or ">" in plain:
        raise Refused("Bad Request: can't parse entities")
    return html.unescape(plain)


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _customer(chat_id: int) -> JSON:
    return {"id": chat_id, "is_bot": False, "first_name": "Mia", "last_name": "Lang", "language_code": "en"}


def _bot(name: str) -> JSON:
    return {"id": int(TOKEN.split(":")[0]), "is_bot": True, "first_name": "Shop", "username": name}


def _shown(sent: Sent) -> dict[str, JSON]:
    names = ("text", "caption", "reply_markup")
    return {name: sent.arguments[name] for name in names if name in sent.arguments}


def _chat_of(update: JSON) -> int:
    content = next(value for key, value in update.items() if key != "update_id")
    return int((content.get("chat") or content["message"]["chat"])["id"])
