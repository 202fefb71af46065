"""Updates keep coming, by webhook or by asking, although Telegram and the store come and go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from benchmarks.peers.faults import Fault, Faults
from benchmarks.peers.telegram import TOKEN, TelegramPeer
from bot.channels.telegram.api import BotApi
from bot.channels.telegram.connection import Connection
from bot.channels.telegram.settings import TelegramSettings
from bot.runtime.tracker_store import StoreUnavailable
from tests.channels.in_loop import until
from tests.channels.memory_queue import MemoryQueue
from tests.channels.scripted import ScriptedProcessor
from tests.channels.telegram.door import MIA, SECRET, WEBHOOK, opened, settings


class Pauses(list[float]):
    """Remembers how long should have been slept."""

    async def sleep(self, pause_s: float) -> None:
        """Give way, and come back at once."""
        self.append(pause_s)
        await asyncio.sleep(0)


@asynccontextmanager
async def connection(peer: TelegramPeer, **more: Any) -> AsyncIterator[tuple[Connection, Pauses, list[Any]]]:
    """Open a connection that takes updates into a list, and does not wait."""
    chosen = TelegramSettings.from_credentials(settings(peer, **more))
    api, pauses, taken = BotApi(chosen, poll_s=1), Pauses(), list[Any]()

    async def take(update: Any) -> None:
        taken.append(update)

    opened = Connection(api, chosen, take, sleep=pauses.sleep)
    opened.open()
    yield opened, pauses, taken
    await opened.close()
    await api.close()


async def test_a_webhook_is_opened_when_telegram_is_back() -> None:
    """Each pause is twice the one before, and a rate limit's own length is kept."""
    async with TelegramPeer(faults=Faults(retry_after_s=9)) as peer:
        peer.faults.expect("getMe", *[Fault.SERVER_ERROR] * 3, Fault.DROP_BEFORE)
        peer.faults.expect("setWebhook", Fault.RATE_LIMIT)
        async with connection(peer, webhook_url=WEBHOOK, secret_token=SECRET) as (_, pauses, _):
            await until(lambda: peer.webhook.get("url"), "the webhook is opened")
        assert pauses == [1.0, 2.0, 4.0, 8.0, 9.0]


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"access_token": f"{TOKEN}-old"}, id="a token that is no longer one"),
        pytest.param({"verify": "another_bot"}, id="the token of another bot"),
    ],
)
async def test_a_wrong_token_is_not_tried_for_ever(
    wrong: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The operator reads it once, and nothing is opened."""
    async with TelegramPeer() as peer:
        section = {"webhook_url": WEBHOOK, "secret_token": SECRET, **wrong}
        async with connection(peer, **section) as (_, pauses, _):
            logged: list[str] = []

            def is_logged() -> bool:
                logged.append(capsys.readouterr().out)
                return "channel not opened, check 'access_token'" in "".join(logged)

            await until(is_logged, "the operator is told")
        assert [method for method, _ in peer.requests] == ["getMe"]
        assert (peer.webhook, pauses) == ({}, [])


async def test_the_name_may_be_written_as_people_do() -> None:
    """`verify` is compared without the @ and without case."""
    section = {"webhook_url": WEBHOOK, "secret_token": SECRET, "verify": "@Shop_Bot"}
    async with TelegramPeer() as peer, connection(peer, **section):
        await until(lambda: peer.webhook.get("url"), "the webhook is opened")


async def test_without_a_webhook_updates_are_asked_for() -> None:
    """An old webhook is closed, and what waited is answered first."""
    async with TelegramPeer() as peer:
        await peer.write(MIA, "before the start")
        async with opened(peer, webhook_url=None, secret_token=None) as door:
            await until(lambda: peer.said_to(MIA), "what waited is answered")
            await peer.write(MIA, "after it")
            await until(lambda: len(peer.said_to(MIA)) == 2, "what came is answered")
            assert peer.said_to(MIA) == ["You said: before the start", "You said: after it"]
            assert door.calls("deleteWebhook") == [{"drop_pending_updates": False}]


async def test_what_could_not_be_stored_is_asked_for_again() -> None:
    """Telegram hears that an update has arrived only when it is stored; none after it is taken first."""
    async with TelegramPeer() as peer:
        queue = MemoryQueue(ScriptedProcessor())
        queue.failing = StoreUnavailable("locked")
        for text in ("one", "two", "three"):
            await peer.write(MIA, text)
        async with opened(peer, queue=queue, webhook_url=None, secret_token=None) as door:
            await until(lambda: door.calls("getUpdates"), "Telegram is asked")
            queue.failing = None
            await until(lambda: len(peer.said_to(MIA)) == 3, "everything is answered")
            assert peer.said_to(MIA) == ["You said: one", "You said: two", "You said: three"]
            assert queue.redelivered == []


async def test_what_was_taken_and_not_confirmed_comes_again_and_is_dropped() -> None:
    """A process that dies between storing and asking again finds the update once more."""
    async with TelegramPeer() as peer:
        queue = MemoryQueue(ScriptedProcessor())
        await peer.write(MIA, "hello")
        [update] = peer.waiting
        async with opened(peer, queue=queue, webhook_url=None, secret_token=None) as door:
            await until(lambda: not peer.waiting, "the update is confirmed")
            peer.waiting.append(update)
            await peer.write(MIA, "again")
            await until(lambda: len(peer.said_to(MIA)) == 2, "what came is answered")
            await door.settle()
            assert peer.said_to(MIA) == ["You said: hello", "You said: again"]
            assert len(queue.redelivered) == 1


async def test_an_update_that_cannot_be_read_holds_nothing_up() -> None:
    """It is logged and confirmed, and what comes after it is answered."""
    async with TelegramPeer() as peer:
        await peer.bring({"message": {"message_id": 1}})
        await peer.write(MIA, "hello")
        async with opened(peer, webhook_url=None, secret_token=None):
            await until(lambda: peer.said_to(MIA), "the next one is answered")
            await until(lambda: not peer.waiting, "both are confirmed")


async def test_a_token_that_is_revoked_ends_the_questions(capsys: pytest.CaptureFixture[str]) -> None:
    """Asking on would help nobody; the log says what is to be done."""
    async with TelegramPeer() as peer, connection(peer) as (_, pauses, taken):
        await peer.write(MIA, "hello")
        await until(lambda: taken, "the update comes")
        peer.token = "123456:another"
        logged: list[str] = []

        def is_logged() -> bool:
            logged.append(capsys.readouterr().out)
            return "no updates any more, the token is refused" in "".join(logged)

        await until(is_logged, "the operator is told")
        assert pauses == []


async def test_two_processes_that_ask_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    """Telegram gives updates to one of them; the log says what is wrong."""
    async with TelegramPeer() as peer:
        peer.faults.expect("getUpdates", Fault.SERVER_ERROR, Fault.DROP_BEFORE)
        async with connection(peer) as (_, pauses, taken):
            await until(lambda: len(pauses) == 2, "two questions failed")
            peer.webhook = {"url": WEBHOOK}
            await until(lambda: len(pauses) >= 3, "another one has the updates")
            peer.webhook = {}
            await peer.write(MIA, "hello")
            await until(lambda: taken, "the update comes")
        assert pauses[:3] == [1.0, 2.0, 4.0]
    assert "another process asks for the updates of this bot" in capsys.readouterr().out
