"""The servers that some tests need: skipped with the reason where one is away, failing in CI."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from typing import NoReturn

import pika
import pytest
import redis
from pika.exceptions import AMQPError
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError

POSTGRES = os.environ.get(
    "FRONTDESK_TEST_POSTGRES_URL", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
)
REDIS = os.environ.get("FRONTDESK_TEST_REDIS_URL", "redis://127.0.0.1:6379/0")
RABBITMQ = os.environ.get("FRONTDESK_TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672/")


def _away(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def _execute(url: str, statement: str) -> None:
    """Run a statement outside any transaction."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 3})
    try:
        with engine.connect() as connection:
            connection.execute(text(statement))
    finally:
        engine.dispose()


@pytest.fixture(scope="session")
def new_postgresql() -> Iterator[Callable[[], str]]:
    """Make empty schemas in a database that only this run has, and drop exactly that one in the end."""
    name = f"frontdesk_test_{uuid.uuid4().hex}"
    address = make_url(POSTGRES).set(database=name)
    url = address.render_as_string(hide_password=False)

    def make() -> str:
        schema = f"store_{uuid.uuid4().hex}"
        _execute(url, f"CREATE SCHEMA {schema}")
        with_schema = address.update_query_dict({"options": f"-c search_path={schema}"})
        return with_schema.render_as_string(hide_password=False)

    try:
        _execute(POSTGRES, f"CREATE DATABASE {name}")
    except OperationalError as error:
        _away(f"PostgreSQL is not reachable at {make_url(POSTGRES)!r}: {error.orig}")
    yield make
    _execute(POSTGRES, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def redis_url() -> str:
    """Return the address of a Redis server that answers."""
    try:
        with redis.Redis.from_url(REDIS, socket_connect_timeout=3) as client:
            client.ping()
    except redis.exceptions.RedisError as error:
        _away(f"Redis is not reachable at {REDIS}: {error}")
    return REDIS


@pytest.fixture
def redis_prefix(redis_url: str) -> Iterator[str]:
    """Give a prefix that no other test has, and delete what was stored under it."""
    prefix = f"test{uuid.uuid4().hex}"
    yield prefix
    with redis.Redis.from_url(redis_url) as client:
        for key in client.scan_iter(f"{prefix}:*"):
            client.delete(key)


@pytest.fixture
def rabbitmq() -> Iterator[tuple[pika.adapters.blocking_connection.BlockingChannel, str]]:
    """Give a channel, and a name for an exchange and a queue that no other test has."""
    try:
        connection = pika.BlockingConnection(pika.URLParameters(RABBITMQ))
    except (AMQPError, OSError) as error:
        _away(f"RabbitMQ is not reachable at {RABBITMQ}: {error!r}")
    channel, name = connection.channel(), f"test_{uuid.uuid4().hex}"
    yield channel, name
    channel.queue_delete(name)
    channel.exchange_delete(name)
    connection.close()
