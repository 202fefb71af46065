"""Order within a conversation across processes, here across two lock stores on one Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import redis

from bot.dialogue.messages import UserMessage
from bot.errors import SettingsError
from bot.runtime.locks import LocksUnavailable
from bot.runtime.redis_address import RedisAddress
from bot.runtime.redis_locks import LIFETIME, RedisLockOptions, RedisLocks, lifetime_from_environment
from tests.runtime.stand_ins import events_of, processor, texts

Open = Callable[..., RedisLocks]


@pytest.fixture
async def open_locks(redis_url: str, redis_prefix: str) -> AsyncIterator[Open]:
    """Open lock stores as processes of one assistant do."""
    opened: list[RedisLocks] = []

    def make(**options: float) -> RedisLocks:
        opened.append(RedisLocks(RedisAddress(url=redis_url, key_prefix=redis_prefix), **options))
        return opened[-1]

    yield make
    for locks in opened:
        await locks.close()


pytestmark = pytest.mark.redis


async def test_turns_of_all_processes_go_in_the_order_they_came(open_locks: Open) -> None:
    """None begins before the one before it has ended, whichever process it is in."""
    stores, order = (open_locks(), open_locks()), []
    entered = asyncio.Event()
    go_on = asyncio.Event()

    async def turn(number: int) -> None:
        async with stores[number % 2].hold("s"):
            order.append(f"begin {number}")
            entered.set()
            await go_on.wait()
            order.append(f"end {number}")

    turns = [asyncio.create_task(turn(0))]
    await entered.wait()
    for number in range(1, 6):
        turns.append(asyncio.create_task(turn(number)))
        await _until_queued(stores[0], number + 1)
    go_on.set()
    await asyncio.gather(*turns)
    assert order == [f"{step} {number}" for number in range(6) for step in ("begin", "end")]


async def test_turns_of_one_process_keep_the_order_of_the_calls(open_locks: Open) -> None:
    """Tickets are not drawn in the order in which connections happen to answer."""
    locks, order = open_locks(), []

    async def turn(number: int) -> None:
        async with locks.hold("s"):
            order.append(number)

    await asyncio.gather(*(turn(number) for number in range(30)))
    assert order == list(range(30))


async def test_conversations_do_not_wait_for_each_other(open_locks: Open) -> None:
    """A held lock of one sender lets another sender in."""
    locks = open_locks()
    async with locks.hold("a"), locks.hold("b"):
        assert await _queued(locks, "a") == await _queued(locks, "b") == 1


async def test_a_turn_that_breaks_lets_the_next_one_in_and_leaves_nothing(
    open_locks: Open, redis_url: str, redis_prefix: str
) -> None:
    """The ticket is given back whatever happens, also when a waiting turn is cancelled."""
    locks = open_locks()
    with pytest.raises(ZeroDivisionError):
        async with locks.hold("s"):
            raise ZeroDivisionError
    async with locks.hold("s"):
        waiting = asyncio.create_task(_enter(locks))
        await _until_queued(locks, 2)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await _queued(locks, "s") == 1
    with redis.Redis.from_url(redis_url) as client:
        assert list(client.scan_iter(f"{redis_prefix}:*")) == []


async def test_a_ticket_of_a_process_that_died_ends(open_locks: Open) -> None:
    """After its lifetime the next turn is served, though nobody gave the ticket back."""
    dead = open_locks(lifetime_s=0.05)
    await dead._wait("s", "ticket of the dead")
    locks = open_locks()
    async with locks.hold("s"):
        assert await _queued(locks, "s") == 1


async def test_a_long_turn_keeps_its_lock(open_locks: Open) -> None:
    """It renews its ticket: others find it valid after several lifetimes."""
    locks, other = open_locks(lifetime_s=0.3), open_locks()
    renewed: list[int] = []
    keep = locks._keep

    async def count(**arguments: object) -> int:
        renewed.append(int(await keep(**arguments)))
        if len(renewed) == 6:
            enough.set()
        return renewed[-1]

    enough = asyncio.Event()
    locks._keep = count
    async with locks.hold("s"):
        waiting = asyncio.create_task(_enter(other))
        await enough.wait()
        assert not waiting.done()
    await waiting
    assert renewed == [0] * 6


async def test_a_lost_lock_is_logged(open_locks: Open, caplog: pytest.LogCaptureFixture) -> None:
    """A process that stood still for too long says so when it finds its ticket gone."""
    locks = open_locks()
    await locks._wait("s", "ticket")
    await locks._give_back("s", "ticket")
    locks._lifetime_s = 0.0
    await locks._renew("s", "ticket")
    assert "lost its lock" in caplog.text


async def test_a_message_gets_an_apology_while_redis_is_away(caplog: pytest.LogCaptureFixture) -> None:
    """No turn begins without its order; the log names the server."""
    locks = RedisLocks(RedisAddress(host="127.0.0.1", port=1, password="secret"))
    with pytest.raises(LocksUnavailable, match=r"redis at 127\.0\.0\.1:1/0 does not answer"):
        await _enter(locks)
    bot = processor(locks=locks)
    (said,) = texts(await bot.handle(UserMessage("greet", "s")))
    assert said is not None
    assert said.startswith("Sorry, something went wrong")
    assert events_of(bot, "s") == []
    assert "does not answer" in caplog.text
    assert "secret" not in caplog.text
    await locks.close()


@pytest.mark.parametrize("found", ["0", "-1", "soon", "inf", "nan"])
def test_a_lifetime_is_seconds_above_zero(found: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anything else in the environment is refused."""
    monkeypatch.setenv(LIFETIME, found)
    with pytest.raises(SettingsError, match=f"{LIFETIME} is '{found}', expected seconds above 0"):
        lifetime_from_environment()


async def test_rasas_options_open_locks(
    redis_url: str, redis_prefix: str, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    """Host, port and database as Rasa's projects write them, and the lifetime of the environment."""
    monkeypatch.setenv(LIFETIME, "7.5")
    parts = redis.connection.parse_url(redis_url)
    options = RedisLockOptions(
        url=parts["host"],
        port=parts.get("port", 6379),
        password=parts.get("password"),
        key_prefix=redis_prefix,
    )
    locks = options.open_locks(tmp_path)  # type: ignore[arg-type]
    assert locks._lifetime_s == 7.5
    await _enter(locks)
    await locks.close()


async def _enter(locks: RedisLocks) -> None:
    async with locks.hold("s"):
        pass


async def _queued(locks: RedisLocks, sender_id: str) -> int:
    return int(await locks._client.zcard(locks._address.key(f"lock:{{{sender_id}}}:queue")))


async def _until_queued(locks: RedisLocks, count: int) -> None:
    while await _queued(locks, "s") < count:
        pass
