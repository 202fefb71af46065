"""Work goes on where a process left it, in one process at a time, and DBOS learns no words."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from bot.delivery.executors import NumberedProcess, OnlyProcess
from bot.delivery.peer import RetryLater
from bot.delivery.queue_store import QueueStore
from bot.dialogue.events import BotUttered
from bot.errors import SettingsError
from crm_connector import database
from crm_connector.choices import Progress
from crm_connector.database import Store
from tests.delivery.peers import ListChannel, message, rows, started, until


async def test_what_waits_when_a_process_ends_is_done_by_the_next_one(store: Store) -> None:
    """A wait that a peer asked for is kept over a restart, and what was behind it comes after it."""
    channel = ListChannel(outcomes=[RetryLater("busy", after_s=1.0)])
    async with started(store, channel) as served:
        words = [BotUttered(text="one"), BotUttered(text="two")]
        await served.queues.outbox.put("list", "ada", words)
        await until(lambda: rows(store)[0].state is Progress.RETRYING)
    assert channel.taken == []
    async with started(store, channel) as served:
        await served.queues.inbox.accept(message("hi"))
        await served.settled()
    assert channel.texts() == ["one", "two", "You said: hi"]
    assert not any(row.is_doubtful for row in rows(store))


async def test_work_is_found_again_when_the_database_of_dbos_is_lost(store: Store, tmp_path: Path) -> None:
    """The order and the state are in the CRM: without DBOS's memory waits begin anew, nothing else."""
    channel = ListChannel(outcomes=[RetryLater("busy", after_s=3600.0)])
    async with started(store, channel) as served:
        await served.queues.outbox.put("list", "ada", [BotUttered(text="one")])
        await until(lambda: rows(store)[0].state is Progress.RETRYING)
    for file in (tmp_path / ".frontdesk").iterdir():
        file.unlink()
    async with started(store, channel) as served:
        await served.settled()
    assert channel.texts() == ["one"]


def start_anew(folder: Path, empty_file: bytes) -> None:
    """Put an empty store in the place of the one that was."""
    for file in folder.glob("crm.db*"):
        file.unlink()
    (folder / "crm.db").write_bytes(empty_file)


async def test_a_store_that_begins_anew_is_served(store: Store, empty_file: bytes, tmp_path: Path) -> None:
    """Whoever deletes the store but not the queue beside it gets answers: the numbers begin again."""
    for _ in range(2):
        channel = ListChannel()
        async with started(store, channel) as served:
            await served.queues.inbox.accept(message("hi"))
            await served.settled()
        assert channel.texts() == ["You said: hi"]
        store.close()
        start_anew(tmp_path, empty_file)


async def test_a_request_under_way_is_finished_before_a_process_ends(store: Store) -> None:
    """Ending a server lets the peer answer, so that nothing is left in doubt."""
    channel = ListChannel()
    channel.gate = asyncio.Event()
    async with started(store, channel) as served:
        await served.queues.outbox.put("list", "ada", [BotUttered(text="one")])
        await until(lambda: bool(channel.attempts))
        asyncio.get_running_loop().call_later(0.1, channel.gate.set)
    assert [(row.state, row.is_in_doubt) for row in rows(store)] == [(Progress.DONE, False)]


async def test_dbos_holds_no_words(store: Store, tmp_path: Path) -> None:
    """What customers write and hear is in the CRM alone."""
    async with started(store, ListChannel()) as served:
        await served.queues.inbox.accept(message("swordfish"))
        await served.settled()
    files = list((tmp_path / ".frontdesk").iterdir())
    assert (tmp_path / ".frontdesk" / "crm-queue.db") in files
    assert not any(b"swordfish" in file.read_bytes() for file in files)


def test_a_second_process_on_sqlite_is_refused(tmp_path: Path) -> None:
    """Two processes would send in no order: the second one says what several processes need."""
    first = OnlyProcess(tmp_path / "queue.lock")
    with pytest.raises(SettingsError, match="several at once need PostgreSQL"):
        OnlyProcess(tmp_path / "queue.lock", wait_s=0.05)
    first.close()
    OnlyProcess(tmp_path / "queue.lock", wait_s=0.05).close()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """An operator reads which folder is meant."""
    (tmp_path / ".frontdesk").write_text("a file stands in the way")
    with (
        database.open(f"sqlite:///{tmp_path / 'crm.db'}") as store,
        pytest.raises(SettingsError, match="cannot be kept there"),
    ):
        QueueStore.beside(store)


@pytest.fixture
def engine(new_postgresql: Callable[[], str]) -> Iterator[Engine]:
    """Reach an empty schema of PostgreSQL."""
    engine = database.create_store_engine(new_postgresql())
    yield engine
    engine.dispose()


@pytest.mark.postgresql
def test_processes_take_numbers_and_find_the_dead(engine: Engine) -> None:
    """Each living process has a number; a dead one's is found when it was free twice in a row."""
    first, second = NumberedProcess(engine, "q"), NumberedProcess(engine, "q")
    elsewhere = NumberedProcess(engine, "another queue")
    assert [process.name for process in (first, second, elsewhere)] == ["process-1", "process-2", "process-1"]
    assert "process-2" not in first.dead()
    assert "process-2" not in first.dead()
    first.release()
    second.close()
    looks = 0
    found: list[str] = []
    while "process-2" not in found:  # PostgreSQL takes a moment to see that a connection is gone
        found, looks = first.dead(), looks + 1
        first.release()
    assert looks >= 2
    third = NumberedProcess(engine, "q")
    assert third.name == "process-2"
    for process in (first, third, elsewhere):
        process.close()


@pytest.mark.postgresql
def test_a_process_that_loses_its_connection_takes_its_number_again(engine: Engine) -> None:
    """After a moment without PostgreSQL a process is who it was, unless another one is it now."""
    process = NumberedProcess(engine, "q")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        kill = text(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = 1"
            " AND pid <> pg_backend_pid() AND database = (SELECT oid FROM pg_database"
            " WHERE datname = current_database())"
        )
        connection.execute(kill)
        with pytest.raises(Exception, match=r"terminat|closed"):
            process.dead()
        process.dead()
        connection.execute(kill)
        with pytest.raises(Exception, match=r"terminat|closed"):
            process.dead()
        other = NumberedProcess(engine, "q")
        with pytest.raises(SettingsError, match="another process has taken over as process-1"):
            process.dead()
    other.close()


@pytest.mark.postgresql
async def test_postgresql_keeps_the_queue_beside_the_store(new_postgresql: Callable[[], str]) -> None:
    """The workflows stand in a schema named after the store's."""
    channel = ListChannel()
    with database.open(new_postgresql()) as store:
        async with started(store, channel) as served:
            await served.queues.inbox.accept(message("hi"))
            await served.settled()
        with store.reading() as session:
            schema = session.execute(text("SELECT current_schema()")).scalar_one()
            tables = session.execute(
                text("SELECT table_name FROM information_schema.tables WHERE table_schema = :schema"),
                {"schema": f"{schema}_queue"},
            ).scalars()
            assert "workflow_status" in set(tables)
    assert channel.texts() == ["You said: hi"]
