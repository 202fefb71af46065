"""A connection that stays open between the small transactions of one thread."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from crm_connector import database
from crm_connector.held import HeldConnection

_MAKE = text("CREATE TABLE trial (name TEXT)")


@pytest.fixture
def held(tmp_path: Path) -> HeldConnection:
    """One to a new file."""
    return HeldConnection(database.create_store_engine(f"sqlite:///{tmp_path / 'new.db'}"))


def _make_and_break(connection: Connection) -> None:
    connection.execute(_MAKE)
    raise ZeroDivisionError


def _driver(held: HeldConnection) -> object:
    with held.use() as connection:
        return connection.connection.dbapi_connection


def test_it_stays_open(held: HeldConnection) -> None:
    """Also when what was done with it failed for another reason, until it is closed."""
    first = _driver(held)
    with pytest.raises(ZeroDivisionError), held.use():
        raise ZeroDivisionError
    assert _driver(held) is first
    held.close()
    assert _driver(held) is not first


def test_a_broken_one_is_opened_anew(held: HeldConnection) -> None:
    """What the driver or SQLAlchemy refuses may have left it in any state."""
    first = _driver(held)
    with pytest.raises(sqlite3.Error), held.use() as connection:
        connection.connection.cursor().execute("SELECT * FROM nothing")
    second = _driver(held)
    with pytest.raises(SQLAlchemyError), held.use() as connection:
        connection.execute(text("SELECT * FROM nothing"))
    assert len({id(first), id(second), id(_driver(held))}) == 3


def test_a_transaction_at_once_leaves_nothing_behind(tmp_path: Path) -> None:
    """One that fails is rolled back, the next one begins, and single statements see what is kept."""
    with database.open(f"sqlite:///{tmp_path / 'crm.db'}") as store:
        with pytest.raises(ZeroDivisionError), store.transaction(at_once=True) as connection:
            _make_and_break(connection)
        with store.transaction(at_once=True) as connection:
            connection.execute(_MAKE)
        with store.asking() as connection:
            counted = connection.connection.cursor().execute("SELECT count(*) FROM trial")
            assert counted is not None
            assert counted.fetchall() == [(0,)]
