"""Conversations in Redis: one list of events per conversation, and where its present session begins."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.dialogue.events import ActionExecuted, Event, SessionStarted, event_from_dict
from bot.dialogue.messages import UserMessage
from bot.runtime.optional_library import require
from bot.runtime.redis_address import RedisAddress
from bot.runtime.tracker_store import StoredConversation, StoreUnavailable

# ARGV: 1 to start anew, seconds to live (0: for ever), place of the session's first event or -1, the events.
_APPEND = """
if ARGV[1] == '1' then redis.call('DEL', KEYS[1], KEYS[2]) end
local before = redis.call('LLEN', KEYS[1])
for index = 4, #ARGV do redis.call('RPUSH', KEYS[1], ARGV[index]) end
if tonumber(ARGV[3]) >= 0 then redis.call('SET', KEYS[2], before + ARGV[3]) end
if tonumber(ARGV[2]) > 0 then
  redis.call('EXPIRE', KEYS[1], ARGV[2])
  redis.call('EXPIRE', KEYS[2], ARGV[2])
end
return redis.call('LLEN', KEYS[1])
"""
_SESSION = "return redis.call('LRANGE', KEYS[1], tonumber(redis.call('GET', KEYS[2]) or '0'), -1)"


@dataclass(frozen=True, slots=True)
class RedisTrackerStoreOptions(RedisAddress):
    """`tracker_store: {type: redis}`; a conversation ends `record_exp` seconds after its last turn."""

    record_exp: float = 0.0

    def open_store(self, root: Path) -> RedisTrackerStore:  # noqa: ARG002 (nothing lies beside the project)
        """Return the store.

        Raises:
            SettingsError: The library is missing.
        """
        require("redis", extra="redis", purpose="tracker_store of type redis")
        return RedisTrackerStore(self)


class RedisTrackerStore:
    """A tracker store in Redis; an event's sequence is its place in the list, from 1."""

    def __init__(self, options: RedisTrackerStoreOptions) -> None:
        import redis.backoff  # noqa: PLC0415 (an extra, needed only where it is configured)
        import redis.retry  # noqa: PLC0415 (as above)

        self._options = options
        self._failures = (redis.exceptions.RedisError, OSError)
        # Nothing is sent twice: a turn whose answer was lost may have been stored.
        self._client: Any = options.connect(redis.Redis, redis.retry.Retry(redis.backoff.NoBackoff(), 0))
        self._add = self._client.register_script(_APPEND)
        self._session = self._client.register_script(_SESSION)

    def load(self, message: UserMessage) -> StoredConversation:
        """Return the present session; see `TrackerStore.load`."""
        with self._available():
            return StoredConversation(_events(self._session(keys=self._keys(message.sender_id))))

    def append(self, message: UserMessage, events: Sequence[Event]) -> None:
        """Add the events of a turn at once; see `TrackerStore.append`."""
        self._write(message, events, anew=False)

    def replace(self, message: UserMessage, events: Sequence[Event]) -> None:
        """Put other events in the place of a conversation; see `ConversationStore.replace`."""
        self._write(message, events, anew=True)

    async def transcript(self, sender_id: str, after: int) -> Sequence[tuple[int, Event]]:
        """Return the events with a sequence greater than `after`; sequences start at 1."""
        return await asyncio.to_thread(self._transcript, sender_id, after)

    def _transcript(self, sender_id: str, after: int) -> list[tuple[int, Event]]:
        with self._available():
            rows = self._client.lrange(self._keys(sender_id)[0], after, -1)
            return list(enumerate(_events(rows), start=after + 1))

    def sender_ids(self) -> list[str]:
        """Return the sender ids of all conversations, sorted."""
        before, after = self._options.key("tracker:{"), "}:events"
        with self._available():
            keys = [key.decode() for key in self._client.scan_iter(match=f"{before}*{after}")]
        return sorted(key.removeprefix(before).removesuffix(after) for key in keys)

    def events_of(self, *kinds: str) -> list[tuple[str, Event]]:
        """Return the events of these kinds in all conversations; see `FindsEvents`."""
        marks = [f'"event": "{kind}"'.encode() for kind in kinds]
        found: list[tuple[str, Event]] = []
        for sender_id in self.sender_ids():
            with self._available():
                rows = self._client.lrange(self._keys(sender_id)[0], 0, -1)
            wanted = [row for row in rows if any(mark in row for mark in marks)]
            found += [(sender_id, event) for event in _events(wanted) if event.event in kinds]
        return found

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def _write(self, message: UserMessage, events: Sequence[Event], *, anew: bool) -> None:
        rows = [json.dumps(event.as_dict()) for event in events]
        arguments = [int(anew), round(self._options.record_exp), _session_start(events), *rows]
        with self._available():
            self._add(keys=self._keys(message.sender_id), args=arguments)

    def _keys(self, sender_id: str) -> list[str]:
        # The braces keep both keys on one node of a Redis cluster.
        return [self._options.key(f"tracker:{{{sender_id}}}:{name}") for name in ("events", "session")]

    @contextmanager
    def _available(self) -> Iterator[None]:
        try:
            yield
        except self._failures as error:
            raise StoreUnavailable(f"tracker store: {self._options.place}: {error}") from error


def _events(rows: Sequence[bytes]) -> list[Event]:
    return [event_from_dict(json.loads(row)) for row in rows]


def _session_start(events: Sequence[Event]) -> int:
    """Return the place of the last session's first event among new events, -1 if none starts."""
    for index in range(len(events) - 1, -1, -1):
        if isinstance(events[index], SessionStarted):
            before = events[index - 1] if index else None
            begins_earlier = isinstance(before, ActionExecuted) and before.name == "action_session_start"
            return index - 1 if begins_earlier else index
    return -1
