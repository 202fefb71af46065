"""Reminders come at their date, once, unless something happened that makes them pointless."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest

from bot.dialogue.events import (
    BotUttered,
    Event,
    ReminderCancelled,
    ReminderScheduled,
    Restarted,
    SessionStarted,
    UserUttered,
)
from bot.dialogue.messages import UserMessage
from bot.dialogue.tracker import Tracker
from bot.runtime.action_runner import ActionRunner
from bot.runtime.conversations import ConversationProcessor, ConversationStore
from bot.runtime.locks import ConversationLocks
from bot.runtime.reminders import Reminders, is_due, pending
from bot.runtime.stores.opened import OpenedStores
from bot.runtime.stores.redis_tracker_store import RedisTrackerStoreOptions
from bot.runtime.stores.sql_tracker_store import SqlTrackerStoreOptions
from bot.runtime.tracker_store import InMemoryTrackerStore, StoreUnavailable
from crm_connector import database
from tests.runtime.stand_ins import PLAN, Script, Server, Words, domain, texts

NOW = 1_800_000_000.0
PAST = "2001-01-01T00:00:00+00:00"


def at(seconds: float) -> str:
    """Return a date so many seconds after NOW."""
    return (datetime.fromtimestamp(NOW, UTC) + timedelta(seconds=seconds)).isoformat()


def reminder(name: str | None = "later", *, date_time: str = PAST, **more: Any) -> ReminderScheduled:
    """Return a reminder of the greeting, long due unless a date is given."""
    return ReminderScheduled(intent="greet", date_time=date_time, name=name, **more)


class Fired:
    """Keeps what fired; `wait` ends with the next one."""

    def __init__(self) -> None:
        self.all: list[tuple[str, str | None]] = []
        self._queue: asyncio.Queue[None] = asyncio.Queue()

    async def __call__(self, sender_id: str, event: ReminderScheduled) -> None:
        """Keep it."""
        self.all.append((sender_id, event.name))
        await self._queue.put(None)

    async def wait(self) -> None:
        """Wait for one."""
        await asyncio.wait_for(self._queue.get(), 10)


@asynccontextmanager
async def reminders(fire: Any) -> AsyncIterator[Reminders]:
    """Give reminders at NOW, and let go of them."""
    made = Reminders(fire, clock=lambda: NOW)
    yield made
    await made.close()


async def test_a_reminder_fires_once_when_its_date_has_come() -> None:
    """A reminder fires at its date, one whose date has passed at once, and neither a second time."""
    fired = Fired()
    async with reminders(fired) as timers:
        timers.note("mia", [reminder("soon", date_time=at(0.01)), reminder("late")])
        await fired.wait()
        await fired.wait()
        assert len(timers) == 0
    assert sorted(fired.all) == [("mia", "late"), ("mia", "soon")]


async def test_a_name_is_one_reminder_of_one_conversation() -> None:
    """The same name replaces a reminder of the same conversation, and of no other; without one all count."""
    async with reminders(Fired()) as timers:
        later = at(60)
        timers.note("mia", [reminder(date_time=later), reminder(date_time=at(90))])
        timers.note("bob", [reminder(date_time=later)])
        assert len(timers) == 2
        unnamed = [reminder(None, date_time=later, timestamp=moment) for moment in (1.0, 2.0)]
        timers.note("mia", unnamed)
        assert len(timers) == 4


@pytest.mark.parametrize(
    ("cancelled", "left"),
    [
        pytest.param(ReminderCancelled(), 1, id="all of the conversation"),
        pytest.param(ReminderCancelled(name="a"), 2, id="by name"),
        pytest.param(ReminderCancelled(intent="greet"), 1, id="by intent"),
        pytest.param(ReminderCancelled(entities={"city": "Oslo"}), 2, id="by entities"),
        pytest.param(ReminderCancelled(name="a", intent="ask"), 3, id="all filters must fit"),
    ],
)
async def test_cancelling_drops_what_fits(cancelled: ReminderCancelled, left: int) -> None:
    """Reminders of the conversation that fit every given filter are dropped."""
    async with reminders(Fired()) as timers:
        own = [reminder("a", date_time=at(9)), reminder("b", date_time=at(9), entities={"city": "Oslo"})]
        timers.note("mia", own)
        timers.note("bob", [reminder("a", date_time=at(9))])
        timers.note("mia", [cancelled])
        assert len(timers) == left


async def test_a_reminder_set_after_a_cancellation_stays() -> None:
    """Events count in their order."""
    async with reminders(Fired()) as timers:
        timers.note("mia", [ReminderCancelled(name="later"), reminder(date_time=at(9))])
        assert len(timers) == 1


async def test_a_date_nobody_can_read_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """A reminder without a date is none."""
    async with reminders(Fired()) as timers:
        timers.note("mia", [reminder(date_time="tomorrow")])
        assert len(timers) == 0
    assert "expected ISO 8601" in caplog.text


async def test_a_reminder_that_breaks_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """An error in what a reminder triggers ends nothing else."""
    broke = asyncio.Event()

    async def break_off(_: str, __: ReminderScheduled) -> None:
        broke.set()
        raise RuntimeError("broken")

    async with reminders(break_off) as timers:
        timers.note("mia", [reminder()])
        await broke.wait()
    assert "reminder 'later' of conversation 'mia' failed" in caplog.text


SAID = UserUttered(text="hi")


@pytest.mark.parametrize(
    ("before", "after", "kills", "due"),
    [
        pytest.param([], [], True, True, id="nothing happened"),
        pytest.param([SAID], [], True, True, id="said before"),
        pytest.param([], [SAID], True, False, id="killed by a message"),
        pytest.param([], [SAID], False, True, id="outlives messages"),
        pytest.param([], [UserUttered(text=None)], True, True, id="a turn without words"),
        pytest.param([], [Restarted()], False, False, id="restarted"),
        pytest.param([], [SessionStarted()], False, False, id="a new session"),
        pytest.param([], [ReminderCancelled(name="later")], False, False, id="cancelled in another process"),
        pytest.param([], [ReminderCancelled(name="other")], False, True, id="another was cancelled"),
        pytest.param([], [reminder(date_time=at(5))], False, False, id="set anew in another process"),
        pytest.param([], [UserUttered(text="EXTERNAL: greet")], False, False, id="rung in another process"),
        pytest.param([], [UserUttered(text="EXTERNAL: ask")], False, True, id="another has rung"),
    ],
)
def test_what_happened_since_decides(
    before: Sequence[Event], after: Sequence[Event], kills: bool, due: bool
) -> None:
    """A reminder counts while its event does and, unless it may outlive that, the customer is silent."""
    event = reminder(kill_on_user_msg=kills)
    tracker = Tracker.from_events("mia", [*before, event, *after], domain())
    assert is_due(event, tracker) is due


class Heard:
    """A channel's other end."""

    def __init__(self) -> None:
        self.said: asyncio.Queue[tuple[str, str, list[str | None]]] = asyncio.Queue()

    def reaches(self, channel: str | None) -> bool:
        """Reach the widget."""
        return channel == "web_widget"

    async def push(self, channel: str, sender_id: str, utterances: Sequence[BotUttered]) -> None:
        """Keep it, if there is anything."""
        if utterances:
            await self.said.put((channel, sender_id, texts(utterances)))


async def test_an_action_reminds_the_customer_over_her_channel() -> None:
    """A reminder that an action sets is answered over the latest channel, with its entities in the slots."""
    due = reminder(entities={"city": "Oslo"}).as_dict()
    store, heard = InMemoryTrackerStore(), Heard()
    used = domain()
    bot = ConversationProcessor(
        domain=used,
        parser=Words(),
        policies=Script(PLAN),
        runner=ActionRunner(used, Server({"events": [due]})),
        store=store,
        delivery=heard,
    )
    bot.reminders.fire = bot.remind
    replies = await bot.handle(UserMessage("ask", "mia", "web_widget"))
    assert texts(replies) == ["bye"]
    assert await asyncio.wait_for(heard.said.get(), 10) == ("web_widget", "mia", ["hi Oslo"])
    external = [event for event in store.events_of("mia") if isinstance(event, UserUttered)][-1]
    assert (external.text, external.metadata) == ("EXTERNAL: greet", {"is_external": True})
    assert (external.intent_name, external.input_channel) == ("greet", "web_widget")
    await bot.reminders.close()


async def test_a_reminder_is_silent_after_a_message() -> None:
    """A customer who has written meanwhile is not reminded."""
    store, heard, used = InMemoryTrackerStore(), Heard(), domain()
    bot = ConversationProcessor(
        domain=used,
        parser=Words(),
        policies=Script(PLAN),
        runner=ActionRunner(used, Server()),
        store=store,
        delivery=heard,
    )
    event = reminder(date_time=at(1e9))
    await bot.append("mia", [event])
    assert len(bot.reminders) == 0, "without side effects an event sets no timer"
    await bot.handle(UserMessage("greet", "mia"))
    before = len(store.events_of("mia"))
    await bot.remind("mia", event)
    assert heard.said.empty()
    assert len(store.events_of("mia")) == before


def test_what_is_stored_tells_what_is_still_to_come() -> None:
    """The last reminder of a name counts, unless it was cancelled or is long past."""
    stored = [
        ("mia", reminder("a", date_time=at(9))),
        ("mia", reminder("a", date_time=at(8))),
        ("mia", reminder("b", date_time=at(9))),
        ("bob", reminder("a", date_time=at(7))),
        ("mia", ReminderCancelled(name="b")),
        ("mia", reminder("late", date_time=at(-5))),
        ("mia", reminder("past")),
        ("mia", reminder("odd", date_time="tomorrow")),
        ("eve", ReminderCancelled()),
    ]
    found = [(sender, held.name, held.date_time) for sender, held in pending(stored, NOW - 60)]
    assert found == [("mia", "a", at(8)), ("mia", "late", at(-5)), ("bob", "a", at(7))]


async def test_reminders_are_taken_up_by_the_next_process() -> None:
    """One that a turn has set meanwhile is newer; a store that is away is asked again."""
    fired = Fired()
    asked = 0

    def stored() -> list[tuple[str, Event]]:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise StoreUnavailable("away")
        return [("mia", reminder("a", date_time=at(0.01))), ("mia", reminder("b", date_time=at(9)))]

    async with reminders(fired) as timers:
        timers.note("mia", [reminder("b", date_time=at(8))])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("bot.runtime.reminders._ASK_AGAIN_S", 0.0)
            timers.resume(stored)
            await fired.wait()
        assert fired.all == [("mia", "a")]
        assert len(timers) == 1


class StoreOptions(Protocol):
    """Opens a store again, as the next process would."""

    def open_store(self, root: Path) -> ConversationStore:
        """Open it."""
        ...


@pytest.fixture(
    params=[
        "crm",
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.postgresql),
        pytest.param("redis", marks=pytest.mark.redis),
    ]
)
def options(request: pytest.FixtureRequest) -> StoreOptions | None:
    """Each kind of store that outlives a process; None for the CRM."""
    if request.param == "redis":
        url, prefix = request.getfixturevalue("redis_url"), request.getfixturevalue("redis_prefix")
        return RedisTrackerStoreOptions(url=url, key_prefix=prefix)
    if request.param == "postgresql":
        return SqlTrackerStoreOptions(url=request.getfixturevalue("new_postgresql")())
    return SqlTrackerStoreOptions(db="tracker.db") if request.param == "sqlite" else None


async def test_a_reminder_outlives_its_process(options: StoreOptions | None, tmp_path: Path) -> None:
    """Set in one process, it rings in the next one, over the customer's channel, and once in all of them."""
    date = (datetime.now(UTC) + timedelta(seconds=1.5)).isoformat()
    heard, used, shared = Heard(), domain(), ConversationLocks()

    def process() -> tuple[ConversationProcessor, OpenedStores]:
        stores = OpenedStores.open(tmp_path, crm, options, None, None)
        runner = ActionRunner(used, Server({"events": [reminder("later", date_time=date).as_dict()]}))
        bot = ConversationProcessor(
            domain=used,
            parser=Words(),
            policies=Script(PLAN),
            runner=runner,
            store=stores.tracker_store,
            locks=shared,
            delivery=heard,
        )
        bot.reminders.fire = bot.remind
        return bot, stores

    with database.open(f"sqlite:///{tmp_path / 'crm.db'}") as crm:
        first, stores = process()
        await first.handle(UserMessage("ask", "mia", "web_widget"))
        await first.reminders.close()
        await stores.close()
        after = [process() for _ in range(2)]
        for bot, opened in after:
            bot.reminders.resume(opened.reminders)
        channel, sender_id, _ = await asyncio.wait_for(heard.said.get(), 20)
        assert (channel, sender_id) == ("web_widget", "mia")
        await asyncio.sleep(0.3)
        assert heard.said.empty()
        for bot, opened in after:
            await bot.reminders.close()
            await opened.close()
