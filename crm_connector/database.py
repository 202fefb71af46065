"""Opening a CRM store by URL: SQLite by default, PostgreSQL beyond; sessions are the unit of work."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import sqlalchemy
from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    StaticPool,
    create_engine,
    event,
    make_url,
    select,
    text,
)
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import ArgumentError, DatabaseError, IntegrityError, InterfaceError
from sqlalchemy.orm import Session

from crm_connector.address import DEFAULT_URL
from crm_connector.columns import Base
from crm_connector.held import HeldConnection

Row = TypeVar("Row", bound=Base)

_MIGRATIONS = Path(__file__).parent / "migrations"
_READING = "crm_reading"  # execution option: a transaction that only reads takes no write lock
_HASTY = "crm_hasty"  # execution option: a transaction begins at once or not at all
_alembic = threading.Lock()  # Alembic keeps the running migration in its module
_writing: dict[str, threading.Lock] = {}  # by the path of an SQLite file: who of this process writes there
_MIGRATION_LOCK = 7_206_119  # key of the advisory lock on PostgreSQL; any number that nobody else uses


class StoreUnavailable(Exception):
    """The store is away, locked, or its address is wrong; trying again later may help."""


class WouldWait(Exception):
    """Another writer is at work, or the database is reached over a network; nothing was done."""


class Store:
    """An open CRM store; `busy_timeout_s` is how long a transaction waits for another one."""

    def __init__(self, engine: Engine, *, busy_timeout_s: float = 20.0) -> None:
        self.engine = engine
        self._busy_timeout_s = busy_timeout_s
        self._reading = engine.execution_options(**{_READING: True})
        self._hasty = HeldConnection(engine.execution_options(**{_HASTY: True}), "PRAGMA busy_timeout = 0")
        self._asking = HeldConnection(self._reading)
        self._writing = _writers_of(engine.url)

    @property
    def is_local(self) -> bool:
        """Whether it is asked over no network: a small question takes less time than changing threads."""
        return self.engine.dialect.name == "sqlite"

    @property
    def address(self) -> str:
        """The URL without its password."""
        return self.engine.url.render_as_string(hide_password=True)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """One transaction: committed when the block ends, rolled back when it raises.

        Rows stay readable afterwards. On SQLite the block holds the only write lock: no slow work in it.

        Raises:
            StoreUnavailable: The database is locked, away, or broken.
        """
        with (
            _unavailable(self.engine),
            self._turn_to_write(),
            Session(self.engine, expire_on_commit=False) as session,
            session.begin(),
        ):
            yield session

    @contextmanager
    def transaction(self, *, at_once: bool = False) -> Iterator[Connection]:
        """What `session` is, without objects: for the statements that every message costs.

        Raises:
            WouldWait: With `at_once`: it could not begin without waiting.
            StoreUnavailable: The database is locked, away, or broken.
        """
        if at_once:
            with self._transaction_at_once() as connection:
                yield connection
            return
        with _unavailable(self.engine), self._turn_to_write(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session for reading: it waits for nobody, and nothing it changes is kept.

        Raises:
            StoreUnavailable: The database is away or broken.
        """
        with _unavailable(self.engine), Session(self._reading, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def reading_transaction(self) -> Iterator[Connection]:
        """What `reading` is, without objects.

        Raises:
            StoreUnavailable: The database is away or broken.
        """
        with _unavailable(self.engine), self._reading.connect() as connection:
            connection.begin()
            yield connection

    @contextmanager
    def asking(self) -> Iterator[Connection]:
        """A connection for single statements that read, on the driver's cursor (`Prepared.rows`).

        Raises:
            StoreUnavailable: The database is away or broken.
        """
        with _unavailable(self.engine), self._asking.use() as connection:
            yield connection

    @contextmanager
    def _transaction_at_once(self) -> Iterator[Connection]:
        if not self.is_local:
            raise WouldWait(f"{self.address} is not in this process")
        with (
            _unavailable(self.engine),
            self._turn_to_write(at_once=True),
            self._hasty.use() as connection,
            connection.begin(),
        ):
            yield connection

    @contextmanager
    def _turn_to_write(self, *, at_once: bool = False) -> Iterator[None]:
        """Let the threads of this process write one after the other.

        SQLite itself lets a waiting one sleep longer and longer between two tries, up to 100 ms, while others
        come and go.
        """
        if self._writing is None:
            yield
            return
        if not self._writing.acquire(timeout=0 if at_once else self._busy_timeout_s):
            if at_once:
                raise WouldWait(f"another thread writes to {self.address}")
            raise StoreUnavailable(
                f"CRM store {self.address} is not available: another thread has been writing for "
                f"{self._busy_timeout_s:g} s"
            )
        try:
            yield
        finally:
            self._writing.release()

    def close(self) -> None:
        """Close all connections."""
        self._hasty.close()
        self._asking.close()
        self.engine.dispose()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open(  # noqa: A001 - reads as `database.open(url)`
    url: str = DEFAULT_URL, *, must_exist: bool = False, busy_timeout_s: float = 20.0
) -> Store:
    """Open a store and bring its tables up to date.

    Args:
        url: SQLAlchemy's, such as `sqlite:///crm.db` or `postgresql+psycopg://name@host/database`.
        must_exist: Refuse an SQLite file that is not there instead of making it.
        busy_timeout_s: How long to wait for a locked file or row, or for PostgreSQL to answer.

    Raises:
        StoreUnavailable: The address is wrong, or the database locked, away, or no database.
    """
    engine = create_store_engine(url, must_exist=must_exist, busy_timeout_s=busy_timeout_s)
    try:
        upgrade(engine)
    except BaseException:
        engine.dispose()
        raise
    return Store(engine, busy_timeout_s=busy_timeout_s)


def create_store_engine(url: str, *, must_exist: bool = False, busy_timeout_s: float = 20.0) -> Engine:
    """Make the engine for a URL without touching tables; arguments and errors as for `open`."""
    address = _parse(url)
    if address.get_backend_name() == "postgresql":
        own = address.query.get("options", "")
        arguments = {
            "connect_timeout": max(2, round(busy_timeout_s)),  # the driver's least is two seconds
            "options": f"-c lock_timeout={round(busy_timeout_s * 1000)} {own}".strip(),
        }
        return create_engine(address, pool_pre_ping=True, connect_args=arguments)
    if must_exist and address.database and not Path(address.database).exists():
        raise StoreUnavailable(
            f"no CRM store at {address.database}; `python -m crm_connector fill` makes one"
        )
    engine = create_engine(
        address,
        poolclass=StaticPool if _is_in_memory(address) else None,
        connect_args={"timeout": busy_timeout_s, "check_same_thread": False},
    )
    event.listen(engine, "connect", _set_pragmas)
    event.listen(engine, "begin", _begin)
    return engine


def _is_in_memory(address: URL) -> bool:
    return not address.database or address.database == ":memory:"


def _writers_of(address: URL) -> threading.Lock | None:
    """Where the writers of this process wait for each other; on PostgreSQL they need not."""
    if address.get_backend_name() != "sqlite":
        return None
    if _is_in_memory(address):
        return threading.Lock()
    return _writing.setdefault(str(Path(address.database or "").absolute()), threading.Lock())


def upgrade(engine: Engine) -> None:
    """Run the migrations that are missing, all in one transaction; two processes at once wait for each other.

    Raises:
        StoreUnavailable: The database is locked, away, no database, or of a later version.
    """
    with _alembic, _unavailable(engine):
        if _is_current(engine):
            return
        # Alembic takes a fifth of a second to load, at every start but the first one for nothing.
        from alembic import command  # noqa: PLC0415
        from alembic.config import Config  # noqa: PLC0415

        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def revisions() -> list[str]:
    """The revisions of the tables, the oldest first: the numbers that the migrations' files begin with."""
    return sorted(path.name.partition("_")[0] for path in (_MIGRATIONS / "versions").glob("[0-9]*.py"))


def _is_current(engine: Engine) -> bool:
    """Whether nothing is to be done: then no lock is taken."""
    with engine.connect().execution_options(**{_READING: True}) as connection:
        is_new = not sqlalchemy.inspect(connection).has_table("alembic_version")
        revision = None if is_new else connection.scalar(text("SELECT version_num FROM alembic_version"))
    known = revisions()
    if revision is not None and revision not in known:
        address = engine.url.render_as_string(hide_password=True)
        raise StoreUnavailable(
            f"CRM store {address} is of a later version ({revision}), this one knows {known[-1]}"
        )
    return revision == known[-1]


@contextmanager
def within(connection: Connection) -> Iterator[Session]:
    """A session in a transaction that is under way; who began it ends it."""
    with Session(connection, expire_on_commit=False) as session:
        yield session
        session.flush()


def insert_once(session: Session, row: Row, *key: ColumnElement[bool]) -> Row:
    """Store a row, or return the one that is already there under its natural key.

    Safe against another transaction that inserts the same key at the same time: the unique constraint
    decides, and the loser reads the winner's row. `result is row` tells whether the row is new.

    Args:
        session: The transaction.
        row: The new row; left alone when there is one already.
        key: Conditions that find the row by its natural key.
    """
    stored = session.scalars(select(type(row)).where(*key)).one_or_none()
    if stored is not None:
        return stored
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        stored = session.scalars(select(type(row)).where(*key)).one_or_none()
        if stored is None:  # another constraint was broken, not the natural key
            raise
        return stored
    return row


def _parse(url: str) -> URL:
    """Refuse what cannot be an address, naming what would be one."""
    try:
        address = make_url(url)
        backend = address.get_backend_name()
    except ArgumentError as error:
        raise StoreUnavailable(
            f"{url!r} is no database URL, expected for instance {DEFAULT_URL!r}"
        ) from error
    if backend not in ("sqlite", "postgresql"):
        raise StoreUnavailable(f"database {backend!r} is not supported, expected sqlite or postgresql")
    # A bare `postgresql://` would ask for psycopg2.
    return address.set(drivername="postgresql+psycopg") if address.drivername == "postgresql" else address


@contextmanager
def _unavailable(engine: Engine) -> Iterator[None]:
    """Say what is wrong with the store in one line, whichever library or driver found it out."""
    driver = engine.dialect.loaded_dbapi
    try:
        yield
    except (DatabaseError, InterfaceError, sqlalchemy.exc.TimeoutError, driver.Error) as error:
        found = getattr(error, "orig", None) or error
        # A broken constraint or a wrong statement is no matter of the store's health.
        about_health = driver.OperationalError, driver.InterfaceError, sqlalchemy.exc.TimeoutError
        if not isinstance(found, about_health) and type(found) is not driver.DatabaseError:
            raise
        address = engine.url.render_as_string(hide_password=True)
        raise StoreUnavailable(
            f"CRM store {address} is not available: {str(found).strip().splitlines()[0]}"
        ) from error


def _set_pragmas(connection: Any, _record: object) -> None:
    """Leave transactions to SQLAlchemy (savepoints need it), read beside a writer, check references."""
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin(connection: Connection) -> None:
    """Take SQLite's write lock at once: a transaction that has read cannot wait for it any more."""
    options = connection.get_execution_options()
    # The driver's own cursor: SQLAlchemy's way takes as long as a small transaction's other steps together.
    cursor = connection.connection.cursor()
    if options.get(_READING, False):
        cursor.execute("BEGIN")
    elif options.get(_HASTY, False):
        _begin_hastily(cursor)
    else:
        cursor.execute("BEGIN IMMEDIATE")
    cursor.close()


def _begin_hastily(cursor: DBAPICursor) -> None:
    try:
        cursor.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        raise WouldWait(str(error)) from error
