"""What stands in `endpoints.yml` about stores, locks, brokers and other servers."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from bot.errors import SettingsError
from bot.runtime.custom_actions import ActionEndpoint
from bot.runtime.event_brokers.file_broker import FileBrokerOptions
from bot.runtime.event_brokers.rabbitmq_broker import RabbitMqOptions
from bot.runtime.event_brokers.sql_broker import SqlBrokerOptions
from bot.runtime.http_endpoint import HttpEndpoint
from bot.runtime.locks import ConversationLocks
from bot.runtime.redis_locks import RedisLockOptions
from bot.runtime.stores.redis_tracker_store import RedisTrackerStoreOptions
from bot.runtime.stores.registry import InMemoryLockOptions, InMemoryStoreOptions, OwnStoreOptions
from bot.runtime.stores.sql_tracker_store import SqlTrackerStoreOptions
from bot.runtime.tracker_store import InMemoryTrackerStore
from bot.settings import LogSettings, Settings


def read(root: Path, endpoints: str) -> Settings:
    """Read a project folder with these endpoints."""
    (root / "endpoints.yml").write_text(endpoints, encoding="utf-8")
    return Settings.read(root)


def test_nothing_is_set_in_an_empty_project(tmp_path: Path) -> None:
    """Conversations live in the CRM, order is held in the process, nobody else is asked."""
    settings = Settings.read(tmp_path)
    assert settings.tracker_store is settings.lock_store is settings.event_broker is None
    assert settings.nlg is settings.nlu is None


@pytest.mark.parametrize(
    ("endpoints", "expected"),
    [
        ("{type: SQL}", SqlTrackerStoreOptions("sqlite", db="rasa.db")),
        (
            "{type: SQL, dialect: postgresql, url: db, port: 5433, db: bot, username: u, password: p,"
            " query: {sslmode: require}}",
            SqlTrackerStoreOptions(
                *("postgresql", "db", None, 5433, "bot", "u", "p"), query={"sslmode": "require"}
            ),
        ),
        ('{type: sql, dialect: "postgresql", port: "5433", password: 123}',
         SqlTrackerStoreOptions("postgresql", port=5433, password="123")),
        ("{type: redis, url: cache, record_exp: 30, use_ssl: yes}",
         RedisTrackerStoreOptions("cache", record_exp=30, use_ssl=True)),
        ("{type: InMemory}", InMemoryStoreOptions()),
        ("{type: in_memory}", InMemoryStoreOptions()),
        ("{type: my.store.Keeper, place: here}", OwnStoreOptions("my.store.Keeper", {"place": "here"})),
    ],
)  # fmt: skip
def test_tracker_stores_are_read_as_rasa_spells_them(
    endpoints: str, expected: object, tmp_path: Path
) -> None:
    """Numbers and switches may be texts, as they come out of the environment."""
    assert read(tmp_path, f"tracker_store: {endpoints}\n").tracker_store == expected


@pytest.mark.parametrize(
    ("endpoints", "expected"),
    [
        ("{type: redis, url: redis-service, port: 6379, db: 0}", RedisLockOptions("redis-service", db=0)),
        ("{type: redis, key_prefix: shop, socket_timeout: 3}",
         RedisLockOptions(key_prefix="shop", socket_timeout=3, db=1)),
        ("{type: in_memory}", InMemoryLockOptions()),
    ],
)  # fmt: skip
def test_lock_stores_are_read_as_rasa_spells_them(endpoints: str, expected: object, tmp_path: Path) -> None:
    """Redis locks lie in database 1 unless told otherwise."""
    assert read(tmp_path, f"lock_store: {endpoints}\n").lock_store == expected


@pytest.mark.parametrize(
    ("endpoints", "expected"),
    [
        ("{url: rabbit, username: u, password: p, queues: [a, b]}",
         RabbitMqOptions("rabbit", "u", "p", queues=("a", "b"))),
        ("{type: pika, url: rabbit, queues: a, exchange_name: x, raise_on_failure: true}",
         RabbitMqOptions("rabbit", queues=("a",), exchange_name="x", raise_on_failure=True)),
        ("{type: SQL, db: log.db}", SqlBrokerOptions(db="log.db")),
        ("{type: file, path: log.jsonl}", FileBrokerOptions("log.jsonl")),
    ],
)  # fmt: skip
def test_event_brokers_are_read_as_rasa_spells_them(endpoints: str, expected: object, tmp_path: Path) -> None:
    """A broker without a type is RabbitMQ."""
    assert read(tmp_path, f"event_broker: {endpoints}\n").event_broker == expected


@pytest.mark.parametrize(
    ("endpoints", "message"),
    [
        ("tracker_store:\n  type: SQL\n  dialct: sqlite", r"endpoints\.yml:3: tracker_store has no setting "
         r"'dialct', did you mean 'dialect'\?; expected dialect, url, host"),
        ("tracker_store: {type: SQL, port: high}", r"tracker_store\.port is 'high', expected a whole number"),
        ("tracker_store: {type: SQL, db: [a]}", r"tracker_store\.db is \['a'\], expected text"),
        ("tracker_store: {type: SQL, query: x}", r"tracker_store\.query is 'x', expected a mapping"),
        ("tracker_store: {type: SQL, dialect: postgre}", "dialect 'postgre' is not supported, did you mean"),
        ("tracker_store: {type: SQL, dialect: mysql}", "'mysql' is not supported; expected sqlite or postgr"),
        ("tracker_store: {type: SQL, url: 'mysql://db/x'}", "dialect 'mysql' is not supported"),
        ("tracker_store: {type: sqll}", "tracker_store has no type 'sqll', did you mean 'sql'"),
        ("tracker_store: {type: mongod, url: x}", "tracker_store: MongoDB is not supported; use type SQL"),
        ("tracker_store: {type: dynamo}", "DynamoDB is not supported; use type SQL"),
        ("tracker_store: sql", "tracker_store is 'sql', expected a mapping"),
        ("lock_store: {type: rdis}", "lock_store has no type 'rdis', did you mean 'redis'"),
        ("lock_store: {type: redis, hots: x}", "lock_store has no setting 'hots', did you mean 'host'"),
        ("lock_store: {type: redis, use_ssl: maybe}", "use_ssl is 'maybe', expected true or false"),
        ("lock_store: {type: redis, key_prefix: 'a:b'}", "key_prefix is 'a:b', expected letters and digits"),
        ("lock_store: {type: redis, url: 'http://x'}", "lock_store: url is 'http://x', expected a host"),
        ("event_broker: {type: kafka}", r"event_broker: Kafka is not supported; use type pika \(RabbitMQ\)"),
        ("event_broker: {queue: x}", "event_broker has no setting 'queue', did you mean 'queues'"),
        ("event_broker: {url: 'http://x'}", "event_broker: url is 'http://x', expected a host"),
        ("nlg: {token: x}", "nlg is .*, expected 'url:'"),
        ("nlg: {url: x, tokn: y}", "nlg has no setting 'tokn', did you mean 'token'"),
        ("nlg: {url: x, type: magic}", "nlg.type is 'magic', expected a server"),
        ("nlu: {url: x, timeout: 0}", "nlu.timeout is 0, expected seconds above 0"),
        ("tracker_stor: {type: SQL}", "unknown section 'tracker_stor', did you mean 'tracker_store'"),
    ],
)  # fmt: skip
def test_a_wrong_setting_is_refused(endpoints: str, message: str, tmp_path: Path) -> None:
    """The error says where, what was found, what was expected and the nearest name."""
    with pytest.raises(SettingsError, match=message):
        read(tmp_path, endpoints + "\n")


def test_other_servers_are_read(tmp_path: Path) -> None:
    """The keys are those of every endpoint; the domain writes the responses where `nlg` says so."""
    settings = read(
        tmp_path,
        "nlg: {url: 'http://nlg', token: x, token_name: key, basic_auth: {username: u, password: p}}\n"
        "nlu: {url: 'http://nlu', timeout: 3, headers: {a: b}}\n",
    )
    assert settings.nlg == HttpEndpoint("http://nlg", token="x", token_name="key", username="u", password="p")
    assert settings.nlu == HttpEndpoint("http://nlu", timeout_s=3, headers={"a": "b"})
    assert read(tmp_path, "nlg: {type: response}\n").nlg is None


def test_the_environment_fills_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets need not stand in the file."""
    monkeypatch.setenv("DB_PASSWORD", "s3cret")
    store = read(tmp_path, "tracker_store:\n  type: SQL\n  password: ${DB_PASSWORD}\n").tracker_store
    assert isinstance(store, SqlTrackerStoreOptions)
    assert store.password == "s3cret"
    assert "s3cret" not in repr(store)


OWN = """
from bot.runtime.tracker_store import InMemoryTrackerStore

class Keeper(InMemoryTrackerStore):
    def __init__(self, place):
        super().__init__()
        self.place = place

class Rasas:
    async def save(self, tracker): ...
"""


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("{type: own_store.Kepper}", "'own_store.Kepper' cannot be used: .*no attribute 'Kepper'"),
        ("{type: no_such_store.Keeper}", "No module named 'no_such_store'"),
        ("{type: own_store.Keeper, plce: x}", "unexpected keyword argument 'plce'"),
        ("{type: own_store.Rasas}", "has no method 'load'; a store that was written for Rasa must be ported"),
    ],
)
def test_a_store_of_the_projects_own_is_checked(
    section: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the path and what is wrong with it."""
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "own_store.py").write_text(OWN)
    options = read(tmp_path, f"tracker_store: {section}\n").tracker_store
    assert options is not None
    with pytest.raises(SettingsError, match=message):
        options.open_store(tmp_path)


def test_a_store_of_the_projects_own_is_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It gets the section's other keys."""
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "own_store.py").write_text(OWN)
    options = read(tmp_path, "tracker_store: {type: own_store.Keeper, place: attic}\n").tracker_store
    assert options is not None
    store = options.open_store(tmp_path)
    assert isinstance(store, InMemoryTrackerStore)
    assert vars(store)["place"] == "attic"


def test_what_lives_in_memory_is_opened(tmp_path: Path) -> None:
    """Nothing else is needed for it."""
    settings = read(tmp_path, "tracker_store: {type: InMemory}\nlock_store: {type: in_memory}\n")
    assert settings.tracker_store is not None
    assert settings.lock_store is not None
    assert isinstance(settings.tracker_store.open_store(tmp_path), InMemoryTrackerStore)
    assert isinstance(settings.lock_store.open_locks(tmp_path), ConversationLocks)


def test_rasas_variables_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Logs and the calls of the action server are set by the environment."""
    assert LogSettings.from_environment() == LogSettings(False, logging.INFO, logging.WARNING)
    monkeypatch.setenv("LOG_LEVEL", "debug")
    monkeypatch.setenv("LOG_LEVEL_LIBRARIES", "ERROR")
    monkeypatch.setenv("FORCE_JSON_LOGGING", "True")
    monkeypatch.setenv("COMPRESS_ACTION_SERVER_REQUEST", "true")
    assert LogSettings.from_environment() == LogSettings(True, logging.DEBUG, logging.ERROR)
    actions = read(tmp_path, "action_endpoint: {url: 'http://actions'}\n").actions
    assert isinstance(actions, ActionEndpoint)
    assert actions.compressed


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("LOG_LEVEL", "loud", "LOG_LEVEL is 'LOUD', expected one of CRITICAL"),
        ("FORCE_JSON_LOGGING", "maybe", "FORCE_JSON_LOGGING is 'maybe', expected true or false"),
    ],
)
def test_a_wrong_variable_is_refused(
    name: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names it and what it may be."""
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=message):
        LogSettings.from_environment()
