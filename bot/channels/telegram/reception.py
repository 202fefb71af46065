"""Takes updates in: each is stored before Telegram hears that it has arrived."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

import structlog

from bot.channels.channel import ChannelParts
from bot.channels.introductions import introduce
from bot.channels.recently import Recently
from bot.channels.telegram.api import BotApi
from bot.channels.telegram.settings import TelegramSettings
from bot.channels.telegram.updates import NAME, AddedToGroup, PassedOver, Pressed, Reader, Written
from bot.dialogue.messages import JSON, UserMessage
from bot.runtime.locks import ConversationLocks

_log = structlog.get_logger(__name__)

# A second press of one button within this time is a nervous finger.
DOUBLE_PRESS_S = 2.0
GROUP_NOTICE_EVERY_S = 3600.0


class Reception:
    """Hands what updates mean to the inbox."""

    def __init__(self, api: BotApi, settings: TelegramSettings, parts: ChannelParts) -> None:
        self._api = api
        self._settings = settings
        self._parts = parts
        self._reader = Reader(settings.bot_id, parts.knows_intent)
        self._pressed = Recently(DOUBLE_PRESS_S)
        self._greeted = Recently(GROUP_NOTICE_EVERY_S)
        self._order = ConversationLocks()
        self._errands: set[asyncio.Task[None]] = set()

    async def take(self, data: dict[str, JSON]) -> None:
        """Store what an update brings; when this returns Telegram may forget it.

        Raises:
            StoreUnavailable: It could not be stored and should be delivered again.
        """
        try:
            meaning = self._reader.read(self._api.read(data))
        except ValueError as error:
            # Refused, it would come again and again, and hold up what comes after it.
            _log.error("update passed over, it cannot be read", channel=NAME, error=str(error))
            return
        match meaning:
            case Written(messages=messages):
                async with self._order.hold(messages[0].sender_id):
                    await introduce(self._parts.identities, messages[0], meaning.proofs, meaning.name)
                    for message in messages:
                        await self._accept(message)
            case Pressed():
                await self._take_press(meaning)
            case AddedToGroup(chat_id=chat_id):
                self._greet_group(chat_id)
            case PassedOver(reason=reason):
                _log.debug("update passed over", channel=NAME, update_id=data["update_id"], reason=reason)

    async def close(self) -> None:
        """Let small requests under way finish."""
        if self._errands:
            await asyncio.wait(tuple(self._errands), timeout=5)

    async def _accept(self, message: UserMessage) -> None:
        if not await self._parts.inbox.accept(message):
            _log.info("redelivery dropped", channel=NAME, sender_id=message.sender_id)

    async def _take_press(self, press: Pressed) -> None:
        if self._pressed.is_again(press.button):
            _log.debug("second press of a button passed over", channel=NAME)
        else:
            try:
                async with self._order.hold(press.message.sender_id):
                    await self._accept(press.message)
            except BaseException:
                self._pressed.forget(press.button)
                raise
        self._send_off(self._api.end_press(press.query_id))

    def _greet_group(self, chat_id: int) -> None:
        notice = self._settings.group_notice
        if notice and not self._greeted.is_again(str(chat_id)):
            self._send_off(self._say_in_group(chat_id, notice))

    async def _say_in_group(self, chat_id: int, notice: str) -> None:
        text = notice.replace("{link}", f"https://t.me/{await self._api.name()}")
        call = {"method": "send_message", "arguments": {"text": text}}
        await self._api.send(str(chat_id), call)

    def _send_off(self, errand: Coroutine[None, None, None]) -> None:
        """Do something that nobody waits for and that nothing depends on."""

        async def do() -> None:
            try:
                await errand
            except Exception as error:  # noqa: BLE001  the rim: nobody waits for it
                _log.info("request not made", channel=NAME, error=str(error))

        task = asyncio.create_task(do())
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)
