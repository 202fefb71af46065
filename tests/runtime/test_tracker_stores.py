"""What every tracker store of `endpoints.yml` holds, on each database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy

from bot.dialogue.events import ActionExecuted, BotUttered, Event, SessionStarted, SlotSet, UserUttered
from bot.dialogue.messages import Entity, Intent, ParseResult, UserMessage
from bot.dialogue.tracker import Tracker
from bot.errors import SettingsError
from bot.runtime.conversations import ConversationStore
from bot.runtime.stores import sql_address
from bot.runtime.stores.archive import ListsConversations
from bot.runtime.stores.redis_tracker_store import RedisTrackerStoreOptions
from bot.runtime.stores.sql_tracker_store import SqlTrackerStoreOptions
from bot.runtime.tracker_store import StoreUnavailable
from tests.runtime.stand_ins import Server, domain, kinds, processor, texts

KINDS = [
    "sqlite",
    pytest.param("postgresql", marks=pytest.mark.postgresql),
    pytest.param("redis", marks=pytest.mark.redis),
]


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ConversationStore]:
    """An empty store of each kind."""
    if request.param == "redis":
        url, prefix = request.getfixturevalue("redis_url"), request.getfixturevalue("redis_prefix")
        opened = RedisTrackerStoreOptions(url=url, key_prefix=prefix).open_store(tmp_path)
    elif request.param == "postgresql":
        url = request.getfixturevalue("new_postgresql")()
        opened = SqlTrackerStoreOptions(url=url).open_store(tmp_path)
    else:
        opened = SqlTrackerStoreOptions(db="tracker.db").open_store(tmp_path)
    yield opened
    opened.close()


def message(sender_id: str = "s") -> UserMessage:
    """Return a message of a sender."""
    return UserMessage("hi", sender_id)


def turn() -> list[Event]:
    """Return the events of a turn, with texts that are hard to store."""
    parsed = ParseResult("hi", Intent("greet", 0.5), (Entity("city", "Rome", 0, 2),))
    said = UserUttered(text="hi\x00'\\ 🙂", parse_data=parsed, input_channel="rest", message_id="m")
    return [said, SlotSet(name="city", value=["Rome", None]), BotUttered(text="你好", data={"image": "x"})]


def session() -> list[Event]:
    """Return the events with which a session begins."""
    return [
        ActionExecuted(name="action_session_start"),
        SessionStarted(),
        ActionExecuted(name="action_listen"),
    ]


def test_events_come_back_as_they_went(store: ConversationStore) -> None:
    """The wire form loses nothing, times included, and senders are kept apart."""
    events = turn()
    store.append(message(), events)
    store.append(message("other"), turn()[:1])
    loaded = list(store.load(message()).events)
    assert loaded == events
    assert [event.timestamp for event in loaded] == [event.timestamp for event in events]
    assert store.load(message("nobody")).events == []


def test_the_present_session_is_loaded(store: ConversationStore) -> None:
    """It begins with the action that started it; the whole conversation stays in the transcript."""
    store.append(message(), [*session(), *turn()])
    store.append(message(), [*turn(), *session()])
    store.append(message(), turn()[:1])
    assert kinds(store.load(message()).events) == [
        "action:action_session_start",
        "session_started",
        "action:action_listen",
        "user",
    ]


def test_a_store_lists_its_conversations(store: ConversationStore) -> None:
    """Each sender once, whatever is in the name."""
    assert isinstance(store, ListsConversations)
    assert list(store.sender_ids()) == []
    names = ["mia", "a:b}:events", "{x}", "客户"]
    for name in names * 2:
        store.append(message(name), turn()[:1])
    assert sorted(store.sender_ids()) == sorted(names)


async def test_transcripts_go_on_after_what_was_seen(store: ConversationStore) -> None:
    """Sequences rise and begin above 0."""
    store.append(message(), turn())
    seen = await store.transcript("s", 0)
    assert [event.event for _, event in seen] == ["user", "slot", "bot"]
    numbers = [number for number, _ in seen]
    assert numbers == sorted(set(numbers))
    assert numbers[0] > 0
    store.append(message(), turn()[:1])
    assert [event.event for _, event in await store.transcript("s", numbers[-1])] == ["user"]
    assert await store.transcript("nobody", 0) == []


async def test_a_conversation_can_be_replaced(store: ConversationStore) -> None:
    """Only the new events are left, and only of this sender."""
    store.append(message(), [*session(), *turn()])
    store.append(message("other"), turn())
    store.replace(message(), turn()[:1])
    assert kinds(store.load(message()).events) == ["user"]
    assert [event.event for _, event in await store.transcript("s", 0)] == ["user"]
    assert len(store.load(message("other")).events) == 3
    store.replace(message(), [])
    assert store.load(message()).events == []


async def test_a_conversation_goes_on_from_the_store(store: ConversationStore) -> None:
    """Another process finds slots and session where the first one left them, and knows a redelivery."""
    server = Server({"responses": [{"text": "done"}]})
    await processor(store=store).handle(UserMessage("greet Rome", "s", message_id="1"))
    again = processor(store=store, server=server)
    assert texts(await again.handle(UserMessage("ask", "s", message_id="2"))) == ["done", "bye"]
    assert texts(await again.handle(UserMessage("ask", "s", message_id="2"))) == ["done", "bye"]
    assert server.calls == 1
    events = store.load(message()).events
    assert kinds(events).count("session_started") == 1
    assert Tracker.from_events("s", events, domain()).slots["city"] == "Rome"


# As Rasa 3.6.21 makes it, with the first events of a conversation.
RASA_TABLE = """
CREATE TABLE events (
    id INTEGER NOT NULL, sender_id VARCHAR(255) NOT NULL, type_name VARCHAR(255) NOT NULL, timestamp FLOAT,
    intent_name VARCHAR(255), action_name VARCHAR(255), data TEXT, PRIMARY KEY (id)
)
"""
RASA_ROWS = [
    ("action", None, "action_session_start", {"policy": None, "confidence": 1.0, "action_text": None}),
    ("session_started", None, None, {}),
    ("action", None, "action_listen", {"policy": None, "confidence": None, "hide_rule_turn": False}),
    ("user", "greet", None, {"text": "hi", "parse_data": {"intent": {"name": "greet", "confidence": 0.9}}}),
    ("slot", None, "city", {"value": "Rome"}),
]


async def test_a_database_that_rasa_began_is_gone_on_with(tmp_path: Path) -> None:
    """Its conversations keep their slots, and new rows have the columns that Rasa reads."""
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'rasa.db'}")
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text(RASA_TABLE))
        for number, (kind, intent, name, more) in enumerate(RASA_ROWS):
            data = {"event": kind, "timestamp": 4e9 + number, **({"name": name} if name else {}), **more}
            connection.exec_driver_sql(
                "INSERT INTO events (sender_id, type_name, timestamp, intent_name, action_name, data)"
                " VALUES ('s', ?, ?, ?, ?, ?)",
                (kind, 4e9 + number, intent, name, json.dumps(data)),
            )
    store = SqlTrackerStoreOptions().open_store(tmp_path)
    assert texts(await processor(store=store).handle(UserMessage("greet", "s"))) == ["hi Rome"]
    store.close()
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT id, sender_id, type_name, intent_name, action_name, data FROM events WHERE id > 5"
        ).all()
    engine.dispose()
    assert [row[:5] for row in rows] == [
        (6, "s", "user", "greet", None),
        (7, "s", "action", None, "utter_hi"),
        (8, "s", "bot", None, None),
        (9, "s", "action", None, "action_listen"),
    ]
    assert json.loads(rows[0].data)["parse_data"]["intent"]["name"] == "greet"


def test_a_database_that_goes_away_is_unavailable(tmp_path: Path) -> None:
    """Reading and writing say so in one line, without the password."""
    store = SqlTrackerStoreOptions(db="tracker.db").open_store(tmp_path)
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'tracker.db'}")
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE events")
    engine.dispose()
    with pytest.raises(StoreUnavailable, match="no such table"):
        store.load(message())
    with pytest.raises(StoreUnavailable, match="no such table"):
        store.append(message(), turn())
    store.close()


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (SqlTrackerStoreOptions(db="no/such/folder/x.db"), "unable to open database file"),
        (
            SqlTrackerStoreOptions("postgresql", host="127.0.0.1", port=1, username="u", password="secret"),
            r"u:\*\*\*@127.0.0.1:1/rasa.db is not available",
        ),
    ],
    ids=["sqlite", "postgresql"],
)
def test_a_database_that_cannot_be_opened_stops_the_start(
    options: SqlTrackerStoreOptions, found: str, tmp_path: Path
) -> None:
    """The error names the database, and no password."""
    with pytest.raises(SettingsError, match=found) as refused:
        options.open_store(tmp_path)
    assert "secret" not in str(refused.value)


@pytest.mark.postgresql
def test_rasas_variables_choose_schema_and_pool(
    new_postgresql: object, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The events lie in the schema that the environment names; one that is not there is refused."""
    assert callable(new_postgresql)
    address = sqlalchemy.make_url(new_postgresql())
    schema = str(address.query["options"]).rpartition("=")[2]
    plain = address.set(query={}).render_as_string(hide_password=False)
    monkeypatch.setenv(sql_address.SCHEMA, schema)
    monkeypatch.setenv(sql_address.POOL_SIZE, "2")
    monkeypatch.setenv(sql_address.MAX_OVERFLOW, "0")
    store = SqlTrackerStoreOptions(url=plain).open_store(tmp_path)
    store.append(message(), turn())
    store.close()
    engine = sqlalchemy.create_engine(plain)
    assert sqlalchemy.inspect(engine).get_table_names(schema=schema) == ["events"]
    engine.dispose()
    monkeypatch.setenv(sql_address.SCHEMA, f"{schema}x")
    with pytest.raises(SettingsError, match=rf"does not have, did you mean '{schema}'\?"):
        SqlTrackerStoreOptions(url=plain).open_store(tmp_path)


@pytest.mark.postgresql
def test_a_database_is_made_from_the_one_to_log_in_to(new_postgresql: object, tmp_path: Path) -> None:
    """`login_db` is there already, `db` is made when it is missing, and left alone when it is there."""
    assert callable(new_postgresql)
    server = sqlalchemy.make_url(new_postgresql())
    name = f"{server.database}_own"
    parts = {"host": server.host, "port": server.port, "username": server.username, "db": name}
    options = SqlTrackerStoreOptions(
        "postgresql", password=server.password and str(server.password), login_db=server.database, **parts
    )
    try:
        for _ in range(2):
            store = options.open_store(tmp_path)
            store.append(message(), turn())
            store.close()
        store = options.open_store(tmp_path)
        assert len(store.load(message()).events) == 6
        store.close()
    finally:
        engine = sqlalchemy.create_engine(server, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(sqlalchemy.text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        engine.dispose()


@pytest.mark.redis
def test_conversations_in_redis_end(redis_url: str, redis_prefix: str, tmp_path: Path) -> None:
    """Where `record_exp` is set, everything that is stored has an end; else nothing has."""
    options = RedisTrackerStoreOptions(url=redis_url, key_prefix=redis_prefix, record_exp=600)
    store = options.open_store(tmp_path)
    store.append(message(), session())
    lives = [store._client.ttl(key) for key in store._keys("s")]
    store.close()
    assert [0 < life <= 600 for life in lives] == [True, True]
