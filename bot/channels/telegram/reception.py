"""Takes updates in: each is stored before Telegram hears that it has arrived."""

from __future__ import annotations

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import replace

import structlog

from bot.channels.channel import ChannelParts
from bot.channels.pieces import payloads
from bot.channels.telegram.api import BotApi
from bot.channels.telegram.rendering import callback_data
from bot.channels.telegram.settings import TelegramSettings
from bot.channels.telegram.updates import NAME, AddedToGroup, PassedOver, Pressed, Reader, Written
from bot.dialogue.events import BotUttered
from bot.dialogue.messages import JSON, UserMessage

_log = structlog.get_logger(__name__)

# A second press of one button within this time is a nervous finger.
DOUBLE_PRESS_S = 2.0
_REMEMBERED = 10_000
_MARK = re.compile(r"#[A-Za-z0-9_-]{43}")


class Reception:
    """Hands what updates mean to the inbox; `clock` counts seconds."""

    def __init__(
        self,
        api: BotApi,
        settings: TelegramSettings,
        parts: ChannelParts,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api = api
        self._settings = settings
        self._parts = parts
        self._clock = clock
        self._reader = Reader(settings.bot_id, parts.knows_intent)
        self._pressed = _Recently(DOUBLE_PRESS_S)
        self._greeted = _Recently(3600.0)
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
                await self._note_name(meaning)
                for message in messages:
                    await self._accept(message)
            case Pressed():
                await self._take_press(meaning)
            case AddedToGroup(chat_id=chat_id):
                self._greet_group(chat_id)
            case PassedOver(reason=reason):
                _log.debug("update passed over", channel=NAME, update_id=data["update_id"], reason=reason)

    async def with_payload(self, message: UserMessage) -> UserMessage:
        """Find the payload of a pressed button that was too long to travel with it."""
        if not _MARK.fullmatch(message.text):
            return message
        try:
            transcript = await self._parts.transcript.transcript(message.sender_id, 0)
        except Exception:  # noqa: BLE001  the rim: whatever ails the store, the title of the button is known
            _log.exception("transcript not readable", sender_id=message.sender_id)
            transcript = ()
        for _, event in reversed(transcript):
            for payload in payloads(event) if isinstance(event, BotUttered) else ():
                if callback_data(payload) == message.text:
                    return replace(message, text=payload)
        return replace(message, text=str(message.metadata.get("title") or message.text))

    async def close(self) -> None:
        """Let small requests under way finish."""
        if self._errands:
            await asyncio.wait(tuple(self._errands), timeout=5)

    async def _accept(self, message: UserMessage) -> None:
        if not await self._parts.inbox.accept(message):
            _log.info("redelivery dropped", channel=NAME, sender_id=message.sender_id)

    async def _take_press(self, press: Pressed) -> None:
        if self._pressed.is_again(press.button, self._clock()):
            _log.debug("second press of a button passed over", channel=NAME)
        else:
            try:
                await self._accept(press.message)
            except BaseException:
                self._pressed.forget(press.button)
                raise
        self._send_off(self._api.end_press(press.query_id))

    async def _note_name(self, written: Written) -> None:
        """Tell the CRM what is known of the author; her message is worth more than that."""
        sender_id = written.messages[0].sender_id
        try:
            await self._parts.identities.prove(NAME, sender_id, written.proofs, name=written.name)
        except Exception:  # noqa: BLE001  the rim: see above
            _log.exception("customer's name not noted", channel=NAME, sender_id=sender_id)

    def _greet_group(self, chat_id: int) -> None:
        notice = self._settings.group_notice
        if notice and not self._greeted.is_again(str(chat_id), self._clock()):
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


class _Recently:
    """Names that were seen within the last `window_s` seconds."""

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._seen_at_s: OrderedDict[str, float] = OrderedDict()

    def is_again(self, name: str, now_s: float) -> bool:
        """Note a name, and say whether it was seen within the window."""
        seen_at_s = self._seen_at_s.get(name)
        if seen_at_s is not None and now_s - seen_at_s < self._window_s:
            return True
        self._seen_at_s[name] = now_s
        self._seen_at_s.move_to_end(name)
        if len(self._seen_at_s) > _REMEMBERED:
            self._seen_at_s.popitem(last=False)
        return False

    def forget(self, name: str) -> None:
        """Take a name back."""
        self._seen_at_s.pop(name, None)
