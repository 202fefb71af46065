"""Where in Slack a conversation takes place, and the `sender_id` that stands for it, in Rasa's form."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.channels.slack.settings import Granularity

_SENDER_ID = re.compile(r"(?P<user>[UW][A-Z0-9]+)(?:_(?P<channel>[A-Z0-9]+)(?:_(?P<thread>[0-9.]+))?)?")


@dataclass(frozen=True, slots=True)
class Place:
    """A channel, or one thread of it; a person stands for the direct messages with her."""

    channel: str
    thread_ts: str | None = None

    @property
    def is_person(self) -> bool:
        """Whether the channel is named by the person."""
        return self.channel.startswith(("U", "W"))


def sender_id_of(user: str, place: Place, granularity: str, *, is_direct: bool) -> str:
    """Return the name of a conversation: `user`, `user_channel` or `user_channel_thread`.

    Deviation from Rasa: direct messages with somebody are one conversation unless it is asked for one per
    channel; with Rasa's `thread` each direct message would begin a new one. A person never goes on with what
    somebody else has said and proven in the same thread.
    """
    if granularity == Granularity.CHANNEL:
        return f"{user}_{place.channel}"
    if granularity == Granularity.SENDER or is_direct or place.thread_ts is None:
        return user
    return f"{user}_{place.channel}_{place.thread_ts}"


def place_of(sender_id: str) -> Place | None:
    """Return where a conversation is found; None for names that are not Slack's."""
    match = _SENDER_ID.fullmatch(sender_id)
    return Place(match["channel"] or match["user"], match["thread"]) if match else None
