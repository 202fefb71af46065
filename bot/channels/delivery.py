"""Finds the channel by which a customer can be reached at any time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import structlog

from bot.channels.channel import Channel, PushingChannel
from bot.dialogue.events import BotUttered

_log = structlog.get_logger(__name__)


class ChannelDelivery:
    """Pushes over the channels of the running server; those that only answer are passed over."""

    def __init__(self, channels: Mapping[str, Channel]) -> None:
        self._channels = channels

    def reaches(self, channel: str | None) -> bool:
        """Whether this channel can be written to at any time."""
        return isinstance(self._channels.get(channel or ""), PushingChannel)

    async def push(self, channel: str, sender_id: str, utterances: Sequence[BotUttered]) -> None:
        """Send what was said; a channel that fails is logged, the words are in the transcript anyway."""
        door = self._channels.get(channel)
        if not utterances or not isinstance(door, PushingChannel):
            return
        try:
            await door.push(sender_id, utterances)
        except Exception:  # noqa: BLE001  the rim: the caller has no part in what a channel's other end does
            _log.exception("message not delivered", channel=channel, sender_id=sender_id)
