"""A store on each database: SQLite in a file of its own, PostgreSQL in a database of its own."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from crm_connector import database
from crm_connector.tables import Base

_SERVER = os.environ.get(
    "FRONTDESK_TEST_POSTGRES_URL", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
)


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
    address = make_url(_SERVER).set(database=name)
    url = address.render_as_string(hide_password=False)

    def make() -> str:
        schema = f"store_{uuid.uuid4().hex}"
        _execute(url, f"CREATE SCHEMA {schema}")
        with_schema = address.update_query_dict({"options": f"-c search_path={schema}"})
        return with_schema.render_as_string(hide_password=False)

    try:
        _execute(_SERVER, f"CREATE DATABASE {name}")
    except OperationalError as error:
        reason = f"PostgreSQL is not reachable at {make_url(_SERVER)!r}: {error.orig}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    yield make
    _execute(_SERVER, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def new_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], str]:
    """Addresses of new, empty databases of one kind."""
    if request.param == "postgresql":
        make: Callable[[], str] = request.getfixturevalue("new_postgresql")
        return make
    folder: Path = tmp_path_factory.mktemp("stores")
    return lambda: f"sqlite:///{folder / uuid.uuid4().hex}.db"


@pytest.fixture(scope="session")
def shared_store(new_url: Callable[[], str]) -> Iterator[database.Store]:
    """One store for the whole run; tests get it emptied as `store`."""
    with database.open(new_url()) as store:
        yield store


def empty(store: database.Store) -> None:
    """Delete all rows."""
    with store.session() as session:
        for table in reversed(Base.metadata.sorted_tables):
            session.execute(table.delete())


@pytest.fixture
def store(shared_store: database.Store) -> database.Store:
    """An open store without rows."""
    empty(shared_store)
    return shared_store


@pytest.fixture
def session(store: database.Store) -> Iterator[Session]:
    """A transaction of an empty store."""
    with store.session() as session:
        yield session
