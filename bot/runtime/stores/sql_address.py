"""Where an SQL database is, in Rasa's words, and the engine for it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import URL, Connection, Engine, StaticPool, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from bot.dialogue.messages import JSON
from bot.errors import FrontdeskError, SettingsError, nearest

SCHEMA = "POSTGRESQL_SCHEMA"
POOL_SIZE = "POSTGRESQL_POOL_SIZE"
MAX_OVERFLOW = "POSTGRESQL_MAX_OVERFLOW"

CONNECT_TIMEOUT_S = 5

# What Rasa projects write, and the driver that is used for it.
_DRIVERS = {
    "sqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "postgresql+psycopg2": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}


class SqlUnavailable(FrontdeskError):
    """The database is away, locked, or refuses what was asked."""


@dataclass(frozen=True, slots=True)
class SqlAddress:
    """Rasa's keys for a database: a `url` (a whole one, or the host's name), or its parts.

    `login_db` is a database that is there already, from which `db` is made if it is missing (PostgreSQL).
    """

    dialect: str = "sqlite"
    url: str | None = None
    host: str | None = None
    port: int | None = None
    db: str = "rasa.db"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    login_db: str | None = None
    query: Mapping[str, JSON] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.location(Path())

    def location(self, root: Path) -> URL:
        """Return SQLAlchemy's address; SQLite files without a folder lie in `root`.

        Raises:
            SettingsError: The dialect is not one of ours, or the address cannot be read.
        """
        host = self.url or self.host
        try:
            address = make_url(host) if host and "://" in host else self._from_parts(host)
        except (ArgumentError, ValueError) as error:
            raise SettingsError(f"no database address can be made of it: {error}") from None
        driver = _DRIVERS.get(address.drivername)
        if driver is None:
            guess = nearest(address.drivername, _DRIVERS)
            raise SettingsError(
                f"dialect '{address.drivername}' is not supported{guess}; expected sqlite or postgresql"
            )
        address = address.set(drivername=driver)
        if driver == "sqlite" and address.database and address.database != ":memory:":
            address = address.set(database=str(root / address.database))
        return address

    def _from_parts(self, host: str | None) -> URL:
        parsed = urlsplit(f"//{host}") if host else None
        return URL.create(
            self.dialect,
            self.username,
            self.password,
            parsed.hostname if parsed else None,
            (parsed.port if parsed else None) or self.port,
            self.db,
            {key: str(value) for key, value in self.query.items()},
        )

    def open(self, root: Path) -> Engine:
        """Return an engine; nothing is connected yet, but for making `db` where `login_db` is given.

        Raises:
            SettingsError: A variable of the environment is wrong, or the database cannot be made.
        """
        address = self.location(root)
        if address.get_backend_name() == "sqlite":
            return _open_sqlite(address)
        if self.login_db:
            _create_database(address, self.login_db)
        arguments: dict[str, Any] = {"connect_timeout": CONNECT_TIMEOUT_S}
        if schema := os.environ.get(SCHEMA):
            arguments["options"] = f"-c search_path={schema}"
        sizes = {"pool_size": _whole_number(POOL_SIZE), "max_overflow": _whole_number(MAX_OVERFLOW)}
        given = {name: size for name, size in sizes.items() if size is not None}
        return create_engine(address, pool_pre_ping=True, connect_args=arguments, **given)


def require_schema(engine: Engine) -> None:
    """Refuse a schema that is not there; PostgreSQL would write somewhere else without a word.

    Raises:
        SettingsError: `POSTGRESQL_SCHEMA` names none of the database's.
    """
    schema = os.environ.get(SCHEMA)
    if not schema or engine.dialect.name != "postgresql":
        return
    known = inspect(engine).get_schema_names()
    if schema not in known:
        raise SettingsError(
            f"{SCHEMA} is '{schema}', which the database does not have{nearest(schema, known)}; "
            f"make it with CREATE SCHEMA {schema}"
        )


@contextmanager
def available(engine: Engine) -> Iterator[None]:
    """Say what is wrong with a database in one line.

    Raises:
        SqlUnavailable: The statement could not be run.
    """
    try:
        yield
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        address = engine.url.render_as_string(hide_password=True)
        raise SqlUnavailable(f"{address} is not available: {cause}") from error


def _open_sqlite(address: URL) -> Engine:
    in_memory = address.database in (None, "", ":memory:")
    engine = create_engine(
        address,
        poolclass=StaticPool if in_memory else None,
        connect_args={"timeout": CONNECT_TIMEOUT_S, "check_same_thread": False},
    )
    # One writer at a time waits for the lock before it reads; SQLite cannot wait later.
    event.listen(engine, "connect", _leave_transactions)
    event.listen(engine, "begin", _begin)
    return engine


def _leave_transactions(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.close()


def _begin(connection: Connection) -> None:
    writing = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _create_database(address: URL, login_db: str) -> None:
    engine = create_engine(
        address.set(database=login_db),
        isolation_level="AUTOCOMMIT",
        connect_args={"connect_timeout": CONNECT_TIMEOUT_S},
    )
    try:
        with available(engine), engine.connect() as connection:
            asked = text("SELECT 1 FROM pg_catalog.pg_database WHERE datname = :name")
            if connection.execute(asked, {"name": address.database}).scalar() is None:
                name = connection.dialect.identifier_preparer.quote(address.database or "")
                connection.execute(text(f"CREATE DATABASE {name}"))
    except SqlUnavailable as error:
        raise SettingsError(f"database '{address.database}' cannot be made: {error}") from error
    finally:
        engine.dispose()


def _whole_number(variable: str) -> int | None:
    found = os.environ.get(variable)
    if found is None:
        return None
    if not found.isdigit():
        raise SettingsError(f"{variable} is {found!r}, expected a whole number")
    return int(found)
