"""Stores, locks and broker of a project together."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.dialogue.messages import UserMessage
from bot.errors import SettingsError
from bot.runtime.crm_tracker_store import CrmTrackerStore
from bot.runtime.event_brokers.file_broker import FileBrokerOptions
from bot.runtime.locks import ConversationLocks
from bot.runtime.redis_locks import RedisLockOptions
from bot.runtime.stores.opened import OpenedStores
from bot.runtime.stores.registry import InMemoryStoreOptions
from bot.runtime.stores.sql_tracker_store import SqlTrackerStoreOptions
from bot.runtime.tracker_store import StoreUnavailable
from crm_connector import agents, conversations, database, ownership
from tests.runtime.stand_ins import kinds, processor, texts


@pytest.fixture
def crm(tmp_path: Path) -> Iterator[database.Store]:
    """A CRM in a file."""
    with database.open(f"sqlite:///{tmp_path / 'crm.db'}", busy_timeout_s=0.1) as store:
        yield store


async def test_without_settings_conversations_live_in_the_crm(crm: database.Store, tmp_path: Path) -> None:
    """Order is held in this process, and nothing is published."""
    stores = OpenedStores.open(tmp_path, crm, None, None, None)
    assert isinstance(stores.tracker_store, CrmTrackerStore)
    assert isinstance(stores.locks, ConversationLocks)
    await stores.close()


async def test_a_turn_goes_to_the_store_and_then_to_the_broker(crm: database.Store, tmp_path: Path) -> None:
    """What the broker got is what another process finds in the store."""
    options = SqlTrackerStoreOptions()
    stores = OpenedStores.open(tmp_path, crm, options, None, FileBrokerOptions())
    assert texts(await processor(store=stores.tracker_store).handle(UserMessage("greet Rome", "s"))) == [
        "hi Rome"
    ]
    await stores.close()
    again = options.open_store(tmp_path)
    stored = [event.as_dict() for event in again.load(UserMessage("", "s")).events]
    again.close()
    published = [json.loads(line) for line in (tmp_path / "rasa_event.log").read_text().splitlines()]
    assert published == [{"sender_id": "s", **event} for event in stored]
    assert "user" in [event["event"] for event in published]


async def test_the_bot_is_silent_while_an_agent_owns_the_conversation(
    crm: database.Store, tmp_path: Path
) -> None:
    """The CRM says who owns it, wherever the conversation is stored."""
    stores = OpenedStores.open(tmp_path, crm, InMemoryStoreOptions(), None, None)
    bot = processor(store=stores.tracker_store)
    assert texts(await bot.handle(UserMessage("greet", "s"))) == ["hi None"]
    with crm.session() as session:
        agent = agents.find_or_create(session, "ada@example.org", name="Ada")
        conversation = conversations.find_or_create(session, "s", "rest")
        ownership.request_agent(session, conversation)
        assert ownership.claim(session, conversation, agent)
    assert await bot.handle(UserMessage("greet", "s")) == []
    seen = await stores.tracker_store.transcript("s", 0)
    assert kinds([event for _, event in seen])[-1] == "user"
    await stores.close()


async def test_a_lock_store_that_is_away_is_no_health(crm: database.Store, tmp_path: Path) -> None:
    """No turn could begin."""
    stores = OpenedStores.open(tmp_path, crm, None, RedisLockOptions("127.0.0.1", port=1), None)
    assert not await stores.is_reachable()
    await stores.close()


async def test_a_crm_that_is_away_is_unavailable(crm: database.Store, tmp_path: Path) -> None:
    """Without knowing the owner nobody answers."""
    stores = OpenedStores.open(tmp_path, crm, InMemoryStoreOptions(), None, None)
    assert await stores.is_reachable()
    with crm.session() as session:
        session.connection().exec_driver_sql("DROP TABLE conversations")
    with pytest.raises(StoreUnavailable):
        stores.tracker_store.load(UserMessage("", "s"))
    assert not await stores.is_reachable()


def test_a_store_that_cannot_be_opened_stops_the_start(crm: database.Store, tmp_path: Path) -> None:
    """No thread and no connection is left of the others."""
    with pytest.raises(SettingsError, match="unable to open database file"):
        OpenedStores.open(tmp_path, crm, SqlTrackerStoreOptions(db="no/x.db"), None, FileBrokerOptions())
