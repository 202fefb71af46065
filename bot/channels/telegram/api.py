"""Telegram's Bot API by python-telegram-bot: what is called, and what its refusals mean for the queue."""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from urllib.parse import urlencode

import httpx
from telegram import Bot, Message, Update
from telegram.constants import ChatAction
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)
from telegram.request import HTTPXRequest

from bot.channels.received_files import FetchFailed, ReceivedFile
from bot.channels.telegram.rendering import CALLS
from bot.channels.telegram.settings import TelegramSettings
from bot.channels.telegram.updates import ALLOWED_UPDATES
from bot.delivery.peer import RetryLater, Undeliverable
from bot.dialogue.messages import JSON

# Asks the library for durations as durations; it warns at each one that it gives as a number.
os.environ.setdefault("PTB_TIMEDELTA", "true")

CONNECT_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 30.0
WRONG_TOKEN_PAUSE_S = 60.0
_CONNECTIONS = 64
_SECRET = re.compile(r"bot\d+:[A-Za-z0-9_-]+")
# The request had not left the house when these happened.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class _WithoutToken(logging.Filter):
    """httpx logs whole addresses, and Telegram's hold the bot's token."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Take the token out of a line."""
        record.msg, record.args = _SECRET.sub("bot<token>", record.getMessage()), ()
        return True


logging.getLogger("httpx").addFilter(_WithoutToken())


class BotApi:
    """One bot; requests of the queue and the waiting for updates have connections of their own.

    Args:
        settings: The bot's token, and where the Bot API is.
        poll_s: Seconds for which a question for updates waits for one.
    """

    def __init__(self, settings: TelegramSettings, *, poll_s: int = 25) -> None:
        address = settings.api_url.rstrip("/")
        self._poll_s = poll_s
        self._settings = settings
        self._requests = (_request(_CONNECTIONS, ANSWER_TIMEOUT_S), _request(1, poll_s + ANSWER_TIMEOUT_S))
        self._bot = Bot(
            settings.access_token,
            base_url=f"{address}/bot",
            base_file_url=f"{address}/file/bot",
            request=self._requests[0],
            get_updates_request=self._requests[1],
        )

    async def send(self, chat_id: str, call: Mapping[str, JSON]) -> str | None:
        """Make one call, the other one that it names if Telegram refuses it, and return the message's id.

        Raises:
            RetryLater: Not now.
            Undeliverable: Never.
        """
        try:
            try:
                return await self._call(chat_id, call)
            except BadRequest:
                if "otherwise" not in call:
                    raise
                return await self._call(chat_id, call["otherwise"])
        except TelegramError as error:
            raise failure(error) from error
        except TypeError as error:
            # A custom message with a field that the method does not have.
            raise Undeliverable(f"not a call of the Bot API: {error}") from error

    async def show_typing(self, chat_id: str) -> None:
        """Let "typing…" appear for five seconds, or until the next message.

        Raises:
            TelegramError: It does not.
        """
        await self._bot.send_chat_action(chat_id, ChatAction.TYPING)

    async def end_press(self, query_id: str) -> None:
        """Tell Telegram that the press of a button has arrived.

        Raises:
            TelegramError: It was not told.
        """
        await self._bot.answer_callback_query(query_id)

    async def name(self) -> str:
        """Return the bot's user name.

        Raises:
            TelegramError: It cannot be had.
        """
        return str((await self._bot.get_me()).username)

    async def open_webhook(self) -> None:
        """Have updates posted to the webhook; what waits is kept.

        Raises:
            TelegramError: Telegram does not do it.
        """
        await self._bot.set_webhook(
            self._settings.webhook_address,
            secret_token=self._settings.secret_token,
            allowed_updates=ALLOWED_UPDATES,
            drop_pending_updates=False,
        )

    async def close_webhook(self) -> None:
        """Let updates wait until they are asked for; what waits is kept.

        Raises:
            TelegramError: Telegram does not do it.
        """
        await self._bot.delete_webhook(drop_pending_updates=False)

    async def updates(self, offset: int | None) -> Sequence[dict[str, JSON]]:
        """Wait for updates from `offset` on; all earlier ones count as received and never come again.

        They come as they are: the library's own method fails for all when it cannot read one of them.

        Raises:
            TelegramError: There was no answer.
        """
        wanted = {"timeout": self._poll_s, "allowed_updates": json.dumps(ALLOWED_UPDATES)}
        if offset is not None:
            wanted["offset"] = offset
        found: JSON = await self._requests[1].post(f"{self._bot.base_url}/getUpdates?{urlencode(wanted)}")
        return [update for update in found if isinstance(update, dict)]

    def read(self, data: dict[str, JSON]) -> Update:
        """Read an update as Telegram gives it out.

        Raises:
            ValueError: It is none.
        """
        try:
            return Update.de_json(data, self._bot)
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"not an update of Telegram: {error!r}") from error

    async def fetch(self, file: ReceivedFile) -> AsyncIterator[bytes]:
        """Give the bytes of a file that came with a message.

        Raises:
            FetchFailed: Telegram does not give it out.
        """
        try:
            found = await self._bot.get_file(file.place)
            content = await found.download_as_bytearray()
        except TelegramError as error:
            raise FetchFailed(_SECRET.sub("bot<token>", str(error))) from error
        yield bytes(content)

    async def close(self) -> None:
        """Close all connections."""
        for request in self._requests:
            await request.shutdown()

    async def _call(self, chat_id: str, call: Mapping[str, JSON]) -> str | None:
        method = call["method"]
        if method not in CALLS:
            raise TypeError(f"{method!r} is not among the calls that are sent")
        arguments = {"chat_id": chat_id, **call["arguments"]}
        sent = await getattr(self._bot, method)(**arguments)
        return str(sent.message_id) if isinstance(sent, Message) else None


def failure(error: TelegramError) -> RetryLater | Undeliverable:
    """Say what an error of the library means for the message that was being sent."""
    reason = _SECRET.sub("bot<token>", f"{type(error).__name__}: {error}")
    match error:
        case RetryAfter():
            return RetryLater(reason, after_s=asked_pause_s(error))
        case InvalidToken():
            # The operator has to act; what waits is sent when the token is right again.
            return RetryLater(reason, after_s=WRONG_TOKEN_PAUSE_S)
        case BadRequest() | Forbidden() | ChatMigrated():
            return Undeliverable(reason)
        case TimedOut() | NetworkError():
            return RetryLater(reason, is_uncertain=_may_have_arrived(error))
    return RetryLater(reason, is_uncertain=True)


def asked_pause_s(error: RetryAfter) -> float:
    """Return how many seconds Telegram wants to be left alone."""
    pause = error.retry_after
    return pause.total_seconds() if isinstance(pause, timedelta) else float(pause)


def _may_have_arrived(error: TelegramError) -> bool:
    """Whether the request went out; an error that Telegram itself answers with says that it was not done."""
    cause = error.__cause__
    if isinstance(cause, _NOT_SENT):
        return False
    # A gateway's answer is no JSON: that stands in the cause.
    return cause is not None


def _request(connections: int, answer_timeout_s: float) -> HTTPXRequest:
    return HTTPXRequest(
        connection_pool_size=connections,
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=answer_timeout_s,
        write_timeout=ANSWER_TIMEOUT_S,
        pool_timeout=CONNECT_TIMEOUT_S,
    )
