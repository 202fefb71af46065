"""How updates come: by a webhook that is opened once, or by one question after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress

import structlog
from telegram.error import Conflict, InvalidToken, RetryAfter, TelegramError

from bot.channels.telegram.api import BotApi, asked_pause_s
from bot.channels.telegram.settings import TelegramSettings
from bot.channels.telegram.updates import NAME
from bot.dialogue.messages import JSON

_log = structlog.get_logger(__name__)

Sleep = Callable[[float], Awaitable[None]]
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0


class Connection:
    """Keeps updates coming; `take` stores one, and raises when it should come again.

    `sleep` waits for so many seconds.
    """

    def __init__(
        self,
        api: BotApi,
        settings: TelegramSettings,
        take: Callable[[dict[str, JSON]], Awaitable[None]],
        *,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._api = api
        self._settings = settings
        self._take = take
        self._sleep = sleep
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """End; an update that is being taken comes again with the next start."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        if not await self._until_done(self._introduce):
            return
        if self._settings.webhook_url is not None:
            if await self._until_done(self._api.open_webhook):
                _log.info("webhook opened", channel=NAME, url=self._settings.webhook_address)
        elif await self._until_done(self._api.close_webhook):
            _log.info("asking for updates", channel=NAME)
            await self._poll()

    async def _introduce(self) -> None:
        """Compare the bot's name with the one that was expected."""
        name = await self._api.name()
        expected = (self._settings.verify or name).lstrip("@")
        if name.lower() != expected.lower():
            raise InvalidToken(f"the token belongs to the bot {name!r}, 'verify' names {expected!r}")

    async def _poll(self) -> None:
        offset: int | None = None
        pauses = _pauses()
        while True:
            try:
                updates = await self._api.updates(offset)
                for update in updates:
                    await self._take(update)
                    # Asking for the next one tells Telegram that this one has arrived.
                    offset = int(update["update_id"]) + 1
                pauses = _pauses()
            except InvalidToken as error:
                _log.error("no updates any more, the token is refused", channel=NAME, error=str(error))
                return
            except Exception as error:  # noqa: BLE001  the rim: Telegram and the store come and go
                await self._wait(error, next(pauses))

    async def _until_done(self, request: Callable[[], Awaitable[None]]) -> bool:
        """Repeat a request until Telegram grants it; False when it never will."""
        for pause_s in _pauses():
            try:
                await request()
            except InvalidToken as error:
                _log.error("channel not opened, check 'access_token'", channel=NAME, error=str(error))
                return False
            except TelegramError as error:
                await self._wait(error, pause_s)
            else:
                return True
        raise AssertionError("pauses never end")

    async def _wait(self, error: Exception, pause_s: float) -> None:
        if isinstance(error, RetryAfter):
            pause_s = asked_pause_s(error)
        hint = "another process asks for the updates of this bot" if isinstance(error, Conflict) else None
        _log.warning("Telegram not reached, trying again", error=str(error), hint=hint, pause_s=pause_s)
        await self._sleep(pause_s)


def _pauses() -> Iterator[float]:
    """Yield seconds to wait: twice as long each time, up to a minute."""
    pause_s = _FIRST_PAUSE_S
    while True:
        yield pause_s
        pause_s = min(_LONGEST_PAUSE_S, pause_s * 2)
