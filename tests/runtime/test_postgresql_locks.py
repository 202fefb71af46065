"""Order within a conversation across processes, by advisory locks of one PostgreSQL."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from bot.dialogue.messages import UserMessage
from bot.errors import SettingsError
from bot.runtime.locks import LocksUnavailable
from bot.runtime.postgresql_locks import PostgresqlLockOptions, PostgresqlLocks
from tests.runtime.stand_ins import processor, texts

Open = Callable[..., PostgresqlLocks]

pytestmark = pytest.mark.postgresql


@pytest.fixture
async def open_locks(new_postgresql: Callable[[], str]) -> AsyncIterator[Open]:
    """Open lock stores as processes of one assistant do."""
    address = make_url(new_postgresql()).set(drivername="postgresql", query={})
    opened: list[PostgresqlLocks] = []

    def make(prefix: str = "") -> PostgresqlLocks:
        opened.append(PostgresqlLocks(address.render_as_string(hide_password=False), prefix=prefix))
        return opened[-1]

    yield make
    for locks in opened:
        await locks.close()


async def _enter(locks: PostgresqlLocks, sender_id: str, order: list[str], name: str) -> None:
    async with locks.hold(sender_id):
        order.append(name)


async def _until_asked(locks: PostgresqlLocks, times: int = 3) -> None:
    """Let a waiting turn ask a few times."""
    for _ in range(times):
        await locks.ping()
        await asyncio.sleep(0.02)


async def test_a_turn_waits_for_another_process(open_locks: Open) -> None:
    """It begins when the other one has ended, and not before."""
    here, there, order = open_locks(), open_locks(), list[str]()
    async with here.hold("s"):
        waiting = asyncio.create_task(_enter(there, "s", order, "there"))
        await _until_asked(there)
        order.append("here")
    await waiting
    assert order == ["here", "there"]


async def test_turns_of_one_process_keep_the_order_of_the_calls(open_locks: Open) -> None:
    """Though one connection would get the same lock twice."""
    locks, order = open_locks(), list[str]()
    await asyncio.gather(*(_enter(locks, "s", order, str(number)) for number in range(20)))
    assert order == [str(number) for number in range(20)]


async def test_conversations_and_assistants_do_not_wait_for_each_other(open_locks: Open) -> None:
    """Another sender, or another prefix, is another lock."""
    order: list[str] = []
    first, other = open_locks(), open_locks("other")
    async with first.hold("a"), first.hold("b"), other.hold("a"):
        await _enter(open_locks("third"), "a", order, "in")
    assert order == ["in"]


async def test_a_turn_that_breaks_or_is_cancelled_lets_the_next_one_in(open_locks: Open) -> None:
    """Nothing stays locked."""
    here, there, order = open_locks(), open_locks(), list[str]()
    with pytest.raises(ZeroDivisionError):
        async with here.hold("s"):
            raise ZeroDivisionError
    async with here.hold("s"):
        waiting = asyncio.create_task(_enter(there, "s", order, "cancelled"))
        await _until_asked(there)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    await _enter(there, "s", order, "next")
    assert order == ["next"]


async def test_a_lock_that_comes_after_its_turn_was_cancelled_is_given_back(
    open_locks: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer was on its way when nobody waited for it any more."""
    locks, order = open_locks(), list[str]()
    ask = locks._ask
    answered = asyncio.Event()

    async def slow(statement: str, key: int) -> bool:
        found = await ask(statement, key)
        answered.set()
        await asyncio.sleep(0)
        return found

    monkeypatch.setattr(locks, "_ask", slow)
    turn = asyncio.create_task(_enter(locks, "s", order, "cancelled"))
    await answered.wait()
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn
    await _enter(open_locks(), "s", order, "next")
    assert order == ["next"]


async def test_the_locks_of_a_process_that_died_are_free(open_locks: Open) -> None:
    """With its connection everything it held is gone."""
    dead, order = open_locks(), list[str]()
    assert await dead._take(dead._key("s"))
    await dead.close()
    await _enter(open_locks(), "s", order, "in")
    assert order == ["in"]


async def _cut(locks: PostgresqlLocks) -> None:
    """Let the server end the connection of a lock store."""
    await locks.ping()
    assert locks._connection
    number = locks._connection.info.backend_pid
    async with await psycopg.AsyncConnection.connect(locks._address, autocommit=True) as other:
        await other.execute("SELECT pg_terminate_backend(%s)", (number,))


async def test_a_connection_that_broke_while_idle_is_made_anew(open_locks: Open) -> None:
    """Nobody hears of it."""
    locks, order = open_locks(), list[str]()
    await _cut(locks)
    await _enter(locks, "s", order, "in")
    assert order == ["in"]


async def test_a_lock_that_was_lost_is_told(open_locks: Open, caplog: pytest.LogCaptureFixture) -> None:
    """The turn ends, and the log names its conversation."""
    locks = open_locks()
    with caplog.at_level(logging.ERROR):
        async with locks.hold("anna"):
            await _cut(locks)
    assert "conversation 'anna' lost its lock" in caplog.text


async def test_without_the_database_no_turn_begins() -> None:
    """The customer is asked to write again, and the place is named without its password."""
    away = PostgresqlLockOptions(host="127.0.0.1", port=1, username="u", password="secret")
    bot = processor(locks=away.open_locks(Path()))
    (reply,) = texts(await bot.handle(UserMessage("greet")))
    assert reply
    with pytest.raises(LocksUnavailable, match=r"127\.0\.0\.1:1") as refused:
        await bot.locks.ping()  # type: ignore[attr-defined]
    assert "secret" not in str(refused.value)


def test_another_database_is_refused() -> None:
    """SQLite has no such locks."""
    with pytest.raises(SettingsError, match="is no PostgreSQL database"):
        PostgresqlLockOptions(dialect="sqlite").open_locks(Path())
