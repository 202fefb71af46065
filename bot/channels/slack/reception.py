"""Takes events in: each is stored before Slack hears that it has arrived."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import structlog

from bot.channels.button_marks import with_payload
from bot.channels.channel import ChannelParts, Proof, ProofKind
from bot.channels.introductions import introduce
from bot.channels.received_files import with_files
from bot.channels.recently import Recently
from bot.channels.slack.api import SlackApi
from bot.channels.slack.events import NAME, Meaning, PassedOver, Reader, Written
from bot.channels.slack.people import People, Person
from bot.channels.slack.settings import SlackSettings
from bot.channels.slack.words import people, with_names
from bot.dialogue.messages import JSON, UserMessage
from bot.runtime.locks import ConversationLocks

_log = structlog.get_logger(__name__)

# A second press of one button within this time is a nervous finger.
DOUBLE_PRESS_S = 2.0
MAX_NAMES = 5
_LATELY_S = 24 * 3600.0


class Reception:
    """Hands what events mean to the inbox."""

    def __init__(self, api: SlackApi, settings: SlackSettings, parts: ChannelParts) -> None:
        self._api = api
        self._settings = settings
        self._parts = parts
        self._people = People(api)
        self._pressed = Recently(DOUBLE_PRESS_S)
        self._accepted_from = Recently(_LATELY_S)
        self._order = ConversationLocks()
        self.bot_id: str | None = None

    async def take_event(self, body: Mapping[str, JSON]) -> None:
        """Store what an event brings; when this returns Slack may forget it.

        Raises:
            StoreUnavailable: It could not be stored and should be delivered again.
        """
        await self._take(body, lambda reader: reader.read_event(body))

    async def take_action(self, body: Mapping[str, JSON]) -> None:
        """Store what a pressed button says.

        Raises:
            StoreUnavailable: It could not be stored.
        """
        await self._take(body, lambda reader: reader.read_action(body))

    async def complete(self, message: UserMessage) -> UserMessage:
        """Ask who wrote and who is named, fetch files, and find the payload of a button; never raises."""
        user = str((message.metadata.get(NAME) or {}).get("user") or "")
        person = await self._people.person(user) if user else Person()
        proofs = [Proof(ProofKind.EMAIL, person.email)] if person.email else []
        await introduce(self._parts.identities, message, proofs, person.name)
        if person.locale:
            message = replace(message, metadata={**message.metadata, "locale": person.locale})
        named = people(message.text)[:MAX_NAMES]
        if named:
            message = replace(message, text=with_names(message.text, await self._people.names(named)))
        message = await with_payload(message, self._parts.transcript)
        return await with_files(message, self._parts, self._api.fetch)

    async def _take(self, body: Mapping[str, JSON], read: Callable[[Reader], Meaning]) -> None:
        try:
            meaning = read(Reader(self._settings, self.bot_id))
        except ValueError as error:
            # Refused, it would come again, and too many refusals make Slack switch the app off.
            _log.error("event passed over, it cannot be read", channel=NAME, error=str(error))
            return
        if isinstance(meaning, PassedOver):
            _log.debug("event passed over", event_id=body.get("event_id"), reason=meaning.reason)
            return
        async with self._order.hold(meaning.message.sender_id):
            if await self._is_for_us(meaning):
                await self._accept(meaning)

    async def _is_for_us(self, written: Written) -> bool:
        """Whether the bot is addressed, or talks with this person in this thread already."""
        sender_id = written.message.sender_id
        if written.is_addressed or self._accepted_from.knows(sender_id):
            return True
        return bool(await self._parts.transcript.transcript(sender_id, 0))

    async def _accept(self, written: Written) -> None:
        message, button = written.message, written.button
        if button and self._pressed.is_again(button):
            _log.debug("second press of a button passed over", channel=NAME)
            return
        try:
            is_new = await self._parts.inbox.accept(message)
        except BaseException:
            if button:
                self._pressed.forget(button)
            raise
        self._accepted_from.is_again(message.sender_id)
        if not is_new:
            _log.info("redelivery dropped", channel=NAME, sender_id=message.sender_id)
