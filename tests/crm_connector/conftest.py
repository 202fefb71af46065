"""A store on each database: SQLite in a file of its own, PostgreSQL in a database of its own."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from crm_connector import database
from crm_connector.tables import AuditEntry, Base


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
    """Delete all rows, but those of the audit log, which nobody can delete."""
    with store.session() as session:
        for table in reversed(Base.metadata.sorted_tables):
            if table.name != AuditEntry.__tablename__:
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
