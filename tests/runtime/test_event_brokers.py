"""Each kind of event broker, on the real thing."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from bot.dialogue.messages import JSON
from bot.errors import SettingsError
from bot.runtime.event_brokers.file_broker import FileBrokerOptions
from bot.runtime.event_brokers.publisher import BrokerUnavailable
from bot.runtime.event_brokers.rabbitmq_broker import CERTIFICATE, ENVIRONMENT, KEY, RabbitMqOptions
from bot.runtime.event_brokers.sql_broker import SqlBrokerOptions
from tests.services import RABBITMQ

EVENTS: list[dict[str, JSON]] = [
    {"sender_id": "s", "event": "user", "text": "hi 🙂"},
    {"sender_id": "s", "event": "bot", "text": "你好"},
    {"sender_id": "t", "event": "slot", "name": "x", "value": [1, None]},
]


def test_a_file_holds_one_event_per_line(tmp_path: Path) -> None:
    """It is added to, also after it was moved away."""
    broker = FileBrokerOptions().open_broker(tmp_path)
    for event in EVENTS[:2]:
        broker.send(event)
    log = tmp_path / "rasa_event.log"
    log.rename(tmp_path / "old.log")
    broker.send(EVENTS[2])
    lines = [*(tmp_path / "old.log").read_text().splitlines(), *log.read_text().splitlines()]
    assert [json.loads(line) for line in lines] == EVENTS


def test_a_file_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    """The error names it."""
    broker = FileBrokerOptions("no/such/folder.log").open_broker(tmp_path)
    with pytest.raises(BrokerUnavailable, match=r"no/such/folder\.log: No such file"):
        broker.send(EVENTS[0])


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def test_a_table_holds_one_event_per_row(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """The table and its columns are Rasa's."""
    if kind == "postgresql":
        url = request.getfixturevalue("new_postgresql")()
    else:
        url = f"sqlite:///{tmp_path / 'events.db'}"
    broker = SqlBrokerOptions(url=url).open_broker(tmp_path)
    for event in EVENTS:
        broker.send(event)
    broker.close()
    engine = sqlalchemy.create_engine(url)
    with engine.connect() as connection:
        rows = connection.execute(sqlalchemy.text("SELECT id, sender_id, data FROM events ORDER BY id")).all()
    engine.dispose()
    assert [(row.id, row.sender_id, json.loads(row.data)) for row in rows] == [
        (1, "s", EVENTS[0]),
        (2, "s", EVENTS[1]),
        (3, "t", EVENTS[2]),
    ]


def test_a_database_that_is_away_is_unavailable(tmp_path: Path) -> None:
    """The event is not taken, and the error says why."""
    broker = SqlBrokerOptions(db="no/such/folder.db").open_broker(tmp_path)
    with pytest.raises(BrokerUnavailable, match="unable to open database file"):
        broker.send(EVENTS[0])
    broker.close()


@pytest.mark.rabbitmq
def test_a_queue_gets_the_events_in_order(
    rabbitmq: tuple[Any, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """They are persistent, in a durable queue, and say which environment they come from."""
    channel, name = rabbitmq
    monkeypatch.setenv(ENVIRONMENT, "staging")
    broker = RabbitMqOptions(RABBITMQ, exchange_name=name, queues=(name,)).open_broker(tmp_path)
    for event in EVENTS:
        broker.send(event)
    broker.stay_alive()
    broker.close()
    got = [channel.basic_get(name, auto_ack=True) for _ in EVENTS]
    assert [json.loads(body) for _, _, body in got] == EVENTS
    assert {(sent.app_id, sent.delivery_mode) for _, sent, _ in got} == {("staging", 2)}
    channel.queue_declare(name, durable=True)


@pytest.mark.rabbitmq
def test_a_broken_connection_is_replaced(rabbitmq: tuple[Any, str], tmp_path: Path) -> None:
    """The event that met it is refused, so that it comes again, and then it is taken."""
    channel, name = rabbitmq
    broker = RabbitMqOptions(RABBITMQ, exchange_name=name, queues=(name,)).open_broker(tmp_path)
    broker.send(EVENTS[0])
    broker._connection._impl._transport._sock.shutdown(socket.SHUT_RDWR)
    with pytest.raises(BrokerUnavailable, match="took no event"):
        broker.send(EVENTS[1])
    broker.send(EVENTS[1])
    broker.close()
    got = [channel.basic_get(name, auto_ack=True) for _ in range(2)]
    assert [json.loads(body) for _, _, body in got] == EVENTS[:2]


def test_a_rabbitmq_that_is_away_is_unavailable(tmp_path: Path) -> None:
    """The error names the server, and no password."""
    broker = RabbitMqOptions("127.0.0.1", "me", "secret", port=1).open_broker(tmp_path)
    with pytest.raises(BrokerUnavailable, match=r"RabbitMQ at 127\.0\.0\.1:1 took no event") as refused:
        broker.send(EVENTS[0])
    broker.stay_alive()
    assert "secret" not in str(refused.value)


Read = Callable[[RabbitMqOptions], tuple[Any, ...]]


@pytest.mark.parametrize(
    ("options", "host", "port", "path", "name"),
    [
        (RabbitMqOptions("rabbit"), "rabbit", 5672, "/", "guest"),
        (RabbitMqOptions("rabbit", "me", "x", 5673), "rabbit", 5673, "/", "me"),
        (RabbitMqOptions("amqp://you:y@rabbit:5674/shop"), "rabbit", 5674, "shop", "you"),
        (RabbitMqOptions("amqps://rabbit"), "rabbit", 5671, "/", "guest"),
    ],
    ids=["host", "parts", "address", "secure"],
)
def test_addresses_are_read_as_rasa_reads_them(
    options: RabbitMqOptions, host: str, port: int, path: str, name: str, tmp_path: Path
) -> None:
    """A whole address wins over the parts."""
    found = options.open_broker(tmp_path)._parameters
    assert (found.host, found.port, found.virtual_host, found.credentials.username) == (
        host,
        port,
        path,
        name,
    )
    assert (found.ssl_options is not None) == options.url.startswith("amqps")


def test_a_certificate_that_cannot_be_read_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The message names the variables."""
    monkeypatch.setenv(CERTIFICATE, str(tmp_path / "none.pem"))
    monkeypatch.setenv(KEY, str(tmp_path / "none.key"))
    with pytest.raises(SettingsError, match=f"{CERTIFICATE} and {KEY} cannot be used"):
        RabbitMqOptions("amqps://rabbit").open_broker(tmp_path)


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """So is the extra that brings it."""
    monkeypatch.setitem(sys.modules, "pika", None)
    with pytest.raises(
        SettingsError, match=r"needs the library 'pika': pip install 'frontdesk-crm\[rabbitmq\]'"
    ):
        RabbitMqOptions().open_broker(tmp_path)
