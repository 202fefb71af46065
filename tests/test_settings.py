"""What stands in `endpoints.yml` about stores, locks, brokers and other servers."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from bot.errors import SettingsError
from bot.runtime.custom_actions import ActionEndpoint
from bot.runtime.event_brokers.file_broker import FileBrokerOptions
from bot.runtime.event_brokers.publisher import BrokerUnavailable
from bot.runtime.event_brokers.rabbitmq_broker import RabbitMqOptions
from bot.runtime.event_brokers.sql_broker import SqlBrokerOptions
from bot.runtime.http_endpoint import HttpEndpoint
from bot.runtime.locks import ConversationLocks
from bot.runtime.model_server import ModelServerOptions
from bot.runtime.postgresql_locks import PostgresqlLockOptions
from bot.runtime.redis_locks import RedisLockOptions
from bot.runtime.stores.redis_tracker_store import RedisTrackerStoreOptions
from bot.runtime.stores.registry import (
    InMemoryLockOptions,
    InMemoryStoreOptions,
    OwnBrokerOptions,
    OwnLockOptions,
    OwnStoreOptions,
)
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
        ("{type: postgresql, url: db, db: shop, key_prefix: a}",
         PostgresqlLockOptions(url="db", db="shop", key_prefix="a")),
        ("{type: my.locks.Keeper, place: here}", OwnLockOptions("my.locks.Keeper", {"place": "here"})),
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
        ("{type: my.brokers.Post, url: here}", OwnBrokerOptions("my.brokers.Post", {"url": "here"})),
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
        ("models: {url: x, wait_time_between_pulls: soon}", "_pulls is 'soon', expected seconds"),
        ("models: {url: x, wait_time_between_pulls: 0}", "is 0, expected seconds above 0, or null"),
        ("models: {token: x}", "models is .*, expected 'url:'"),
        ("models: {url: x, wait_time_between_pull: 3}", "models has no setting 'wait_time_between_pull'"),
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
        ("{type: own_store.Rasas}", "has no method 'load'; a class that was written for Rasa must be ported"),
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


def test_what_other_programs_read_is_passed_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """As in Rasa; the log says where it stands."""
    settings = read(tmp_path, "anonymization:\n  rules: []\naction_endpoint:\n  url: x\n  zone: north\n")
    assert isinstance(settings.actions, ActionEndpoint)
    assert "endpoints.yml:1: unknown section 'anonymization'; it is passed over" in caplog.text
    assert "endpoints.yml:5: action_endpoint has no setting 'zone'; it is passed over" in caplog.text


@pytest.mark.shared
def test_rasas_own_endpoints_are_read(tmp_path: Path) -> None:
    """All of its fixtures but those with a broker that we do not know, and one with a slip of the hand."""
    folder = Path(__file__).parents[2] / "shared/conformance/fixtures/test_endpoints"
    if not folder.exists():
        pytest.skip("needs the conformance corpus beside the project")
    refused = {}
    for file in sorted(folder.rglob("*.yml")):
        try:
            read(tmp_path, file.read_text("utf-8"))
        except SettingsError as error:
            refused[file.stem] = str(error)
    kafka = {name for name, words in refused.items() if "Kafka is not supported" in words}
    assert len(kafka) == 7
    assert set(refused) - kafka == {"model_endpoint"}


OWN_PARTS = """
from contextlib import asynccontextmanager
from rasa.core.brokers.broker import EventBroker

class Locks:
    @asynccontextmanager
    async def hold(self, sender_id):
        yield

class NoLocks: ...

class Post:
    def __init__(self, place):
        self.sent = [place]
    def send(self, event):
        self.sent.append(event["event"])
    def stay_alive(self): ...
    def close(self): ...

class RasasPost(EventBroker):
    def __init__(self, place, loop):
        self.sent, self.loop, self.ready = [place], loop, True
    @classmethod
    async def from_endpoint_config(cls, broker_config, event_loop=None):
        return cls(broker_config.kwargs["place"] + broker_config.url, event_loop)
    def publish(self, event):
        if event["event"] == "bad":
            raise OSError("line is dead")
        self.loop.call_soon(self.sent.append, event["event"])
    def is_ready(self):
        return self.ready
    async def close(self):
        self.sent.append("closed")
"""


@pytest.fixture
def own_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write locks and brokers of the project's own beside its files."""
    monkeypatch.syspath_prepend(str(tmp_path))
    name = f"own_parts_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(OWN_PARTS)
    return tmp_path


def own(root: Path, name: str) -> str:
    """Return the Python path of one of them."""
    return f"own_parts_{root.name}.{name}"


def test_locks_of_the_projects_own_are_built_and_checked(own_parts: Path) -> None:
    """They need `hold`."""
    options = read(own_parts, f"lock_store: {{type: {own(own_parts, 'Locks')}}}\n").lock_store
    assert options is not None
    assert hasattr(options.open_locks(own_parts), "hold")
    options = read(own_parts, f"lock_store: {{type: {own(own_parts, 'NoLocks')}}}\n").lock_store
    assert options is not None
    with pytest.raises(SettingsError, match="has no method 'hold'"):
        options.open_locks(own_parts)


def test_a_broker_of_the_projects_own_is_built(own_parts: Path) -> None:
    """In our form, with the section's other keys as arguments."""
    section = f"{{type: {own(own_parts, 'Post')}, place: attic}}"
    options = read(own_parts, f"event_broker: {section}\n").event_broker
    assert options is not None
    broker = options.open_broker(own_parts)
    broker.send({"event": "user"})
    assert vars(broker)["sent"] == ["attic", "user"]
    options = read(own_parts, f"event_broker: {{type: {own(own_parts, 'Nobody')}}}\n").event_broker
    assert options is not None
    with pytest.raises(SettingsError, match="has no attribute 'Nobody'"):
        options.open_broker(own_parts)


def test_a_broker_that_was_written_for_rasa_runs(own_parts: Path) -> None:
    """It is made of its section, has a loop of its own, and what it refuses will come again."""
    section = f"{{type: {own(own_parts, 'RasasPost')}, url: '!', place: attic}}"
    options = read(own_parts, f"event_broker: {section}\n").event_broker
    assert options is not None
    broker = options.open_broker(own_parts)
    broker.send({"event": "user"})
    broker.stay_alive()
    with pytest.raises(BrokerUnavailable, match="line is dead"):
        broker.send({"event": "bad"})
    theirs = vars(broker)["_broker"]
    theirs.ready = False
    with pytest.raises(BrokerUnavailable, match="is not ready"):
        broker.send({"event": "bot"})
    broker.close()
    assert theirs.sent == ["attic!", "user", "closed"]


def test_a_model_server_is_read_as_rasa_spells_it(tmp_path: Path) -> None:
    """With the keys of every server; it is asked every 100 s unless told otherwise, or once."""
    server = read(tmp_path, "models: {url: 'http://m/shop', token: t}\n").model_server
    assert server == ModelServerOptions(HttpEndpoint("http://m/shop", token="t"), 100.0)
    once = read(tmp_path, "models: {url: 'http://m', wait_time_between_pulls: null}\n").model_server
    assert once is not None
    assert once.wait_s is None
    assert Settings.read(tmp_path / "empty").model_server is None


def test_one_channel_can_be_opened_alone(tmp_path: Path) -> None:
    """With its section of the file, if it has one."""
    (tmp_path / "credentials.yml").write_text("rest:\nsocketio: {user_message_evt: said}\n")
    sections = Settings.read(tmp_path, connector="socketio").credentials
    assert sections == {"socketio": {"user_message_evt": "said"}}
    assert Settings.read(tmp_path, connector="callback").credentials == {"callback": None}


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
