"""Order within a conversation across processes: tickets in Redis, served first come, first served."""

from __future__ import annotations

import asyncio
import logging
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.errors import SettingsError
from bot.runtime.locks import ConversationLocks, LocksUnavailable
from bot.runtime.optional_library import require
from bot.runtime.redis_address import RedisAddress

logger = logging.getLogger(__name__)

LIFETIME = "TICKET_LOCK_LIFETIME"
DEFAULT_LIFETIME_S = 60.0
# How often a waiting turn asks whether it is served: only turns of one conversation wait for each other.
ASK_AGAIN_S = 0.02

# Two sorted sets per conversation: tickets by their place in the queue, and by when their lease ends. The
# ticket of a process that died is taken out by whoever looks after that. The clock is the server's.
_BEGIN = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function lease()
  redis.call('ZADD', KEYS[2], now + ARGV[2], ARGV[1])
  redis.call('PEXPIRE', KEYS[1], 2 * ARGV[2])
  redis.call('PEXPIRE', KEYS[2], 2 * ARGV[2])
end
local function place()
  for _, dead in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', '(' .. now)) do
    redis.call('ZREM', KEYS[1], dead)
    redis.call('ZREM', KEYS[2], dead)
  end
  return redis.call('ZRANK', KEYS[1], ARGV[1])
end
"""
_DRAW = (
    _BEGIN
    + """
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
  redis.call('ZADD', KEYS[1], (last[2] or 0) + 1, ARGV[1])
end
lease()
return place()
"""
)
_KEEP = (
    _BEGIN
    + """
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return -1 end
lease()
return place()
"""
)
_RELEASE = "redis.call('ZREM', KEYS[1], ARGV[1]); return redis.call('ZREM', KEYS[2], ARGV[1])"


@dataclass(frozen=True, slots=True)
class RedisLockOptions(RedisAddress):
    """`lock_store: {type: redis}`; a ticket lives `TICKET_LOCK_LIFETIME` seconds after its last renewal."""

    db: int = 1

    def open_locks(self, root: Path) -> RedisLocks:  # noqa: ARG002 (nothing lies beside the project)
        """Return the locks.

        Raises:
            SettingsError: The library is missing, or the lifetime is wrong.
        """
        require("redis", extra="redis", purpose="lock_store of type redis")
        return RedisLocks(self, lifetime_s=lifetime_from_environment())


def lifetime_from_environment() -> float:
    """Return Rasa's `TICKET_LOCK_LIFETIME` in seconds.

    Raises:
        SettingsError: It is not a number above 0.
    """
    found = os.environ.get(LIFETIME)
    try:
        lifetime_s = DEFAULT_LIFETIME_S if found is None else float(found)
    except ValueError:
        lifetime_s = 0.0
    if not 0 < lifetime_s < float("inf"):
        raise SettingsError(f"{LIFETIME} is {found!r}, expected seconds above 0")
    return lifetime_s


class RedisLocks:
    """Locks that all processes with the same Redis database and prefix share.

    Turns of one conversation are served in the order in which they drew their tickets. A ticket is renewed
    as long as its process waits or works, so a slow turn keeps its lock and that of a dead process ends.
    """

    def __init__(self, address: RedisAddress, *, lifetime_s: float = DEFAULT_LIFETIME_S) -> None:
        import redis.asyncio  # noqa: PLC0415 (an extra, needed only where it is configured)
        import redis.asyncio.retry  # noqa: PLC0415 (as above)
        import redis.backoff  # noqa: PLC0415 (as above)

        self._address = address
        self._lifetime_s = lifetime_s
        self._failures = (redis.exceptions.RedisError, OSError, TimeoutError)
        # Once more at once, for a connection that broke while it was idle: scripts may run twice unharmed.
        retry = redis.asyncio.retry.Retry(redis.backoff.NoBackoff(), 1)
        self._client: Any = address.connect(redis.asyncio.Redis, retry)
        self._draw = self._client.register_script(_DRAW)
        self._keep = self._client.register_script(_KEEP)
        self._release = self._client.register_script(_RELEASE)
        # Within this process tickets are drawn one after the other, so that they keep the order of the calls.
        self._drawing = ConversationLocks()

    @asynccontextmanager
    async def hold(self, sender_id: str) -> AsyncIterator[None]:
        """Wait until it is this turn's time, and keep others of the same sender out, in all processes.

        Raises:
            LocksUnavailable: Redis is away; the turn has not begun.
        """
        ticket = uuid.uuid4().hex
        try:
            await self._wait(sender_id, ticket)
            renewal = asyncio.create_task(self._renew(sender_id, ticket))
            try:
                yield
            finally:
                renewal.cancel()
                await asyncio.wait([renewal])
        finally:
            await asyncio.shield(self._give_back(sender_id, ticket))

    async def ping(self) -> None:
        """Ask whether Redis is there.

        Raises:
            LocksUnavailable: It is not.
        """
        try:
            await self._client.ping()
        except self._failures as error:
            raise LocksUnavailable(f"lock store: {self._address.place} does not answer: {error}") from error

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def _wait(self, sender_id: str, ticket: str) -> None:
        """Draw a ticket and wait until it is served; one that lapsed meanwhile is drawn again."""
        try:
            async with self._drawing.hold(sender_id):
                place = await self._ask(self._draw, sender_id, ticket)
            while place != 0:
                await asyncio.sleep(ASK_AGAIN_S)
                place = await self._ask(self._keep, sender_id, ticket)
                if place < 0:
                    place = await self._ask(self._draw, sender_id, ticket)
        except self._failures as error:
            raise LocksUnavailable(f"lock store: {self._address.place} does not answer: {error}") from error

    async def _renew(self, sender_id: str, ticket: str) -> None:
        """Keep the ticket alive while its turn runs."""
        while True:
            await asyncio.sleep(self._lifetime_s / 3)
            try:
                if await self._ask(self._keep, sender_id, ticket) != 0:
                    logger.error(
                        "a turn of conversation %r lost its lock: this process stood still for over %g s",
                        sender_id,
                        self._lifetime_s,
                    )
                    return
            except self._failures as error:
                logger.warning("the lock of conversation %r was not renewed: %s", sender_id, error)

    async def _give_back(self, sender_id: str, ticket: str) -> None:
        """Let the next one in; if Redis is away, the ticket ends with its lease."""
        try:
            await self._ask(self._release, sender_id, ticket)
        except self._failures as error:
            logger.warning("the lock of conversation %r was not given back: %s", sender_id, error)

    async def _ask(self, script: Any, sender_id: str, ticket: str) -> int:
        # The braces keep both keys on one node of a Redis cluster.
        keys = [self._address.key(f"lock:{{{sender_id}}}:{name}") for name in ("queue", "leases")]
        return int(await script(keys=keys, args=[ticket, round(self._lifetime_s * 1000)]))
