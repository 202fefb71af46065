"""Opening, upgrading, locking, and the types that both databases must agree on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.orm import Session

from crm_connector import database
from crm_connector.tables import Base, Customer, Order, Product
from tests.crm_connector import factories


def _shape(engine: sqlalchemy.Engine) -> dict[str, object]:
    """All that a database knows about its tables, without the bookkeeping of the migrations."""
    inspector = sqlalchemy.inspect(engine)
    names = sorted(set(inspector.get_table_names()) - {"alembic_version"})

    def text_of(value: object) -> str:
        options = value.items() if isinstance(value, dict) else None
        return str(value) if options is None else str(sorted((key, str(option)) for key, option in options))

    def by_name(rows: list[dict[str, object]]) -> list[str]:
        return sorted(repr(sorted((key, text_of(value)) for key, value in row.items())) for row in rows)

    return {
        name: (
            by_name(inspector.get_columns(name)),
            repr(inspector.get_pk_constraint(name)),
            by_name(inspector.get_foreign_keys(name)),
            by_name(inspector.get_unique_constraints(name)),
            by_name(inspector.get_check_constraints(name)),
            by_name(inspector.get_indexes(name)),
        )
        for name in names
    }


def test_migrations_make_what_the_tables_say(new_url: Callable[[], str]) -> None:
    """A migrated database has the very columns, keys, checks and indexes that the tables declare."""
    declared = database.create_store_engine(new_url())
    Base.metadata.create_all(declared)
    with database.open(new_url()) as store:
        assert _shape(store.engine) == _shape(declared)
        with store.engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, Base.metadata) == []
    declared.dispose()


def test_every_constraint_has_a_name() -> None:
    """A migration can only change a constraint that it can name."""
    unnamed = [
        f"{table.name}: {constraint!r}"
        for table in Base.metadata.sorted_tables
        for constraint in table.constraints
        if not constraint.name
    ]
    assert unnamed == []


def test_a_store_of_a_later_version_is_refused(new_url: Callable[[], str]) -> None:
    """An older program does not touch tables that it does not know."""
    url = new_url()
    with database.open(url) as store, store.session() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(database.StoreUnavailable, match=r"later version \(9999\)"):
        database.open(url)


def test_migrations_can_be_taken_back(new_url: Callable[[], str]) -> None:
    """Downgrading leaves an empty database, and upgrading makes the tables again."""
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    with database.open(new_url()) as store:
        with store.engine.begin() as connection:
            config.attributes["connection"] = connection
            command.downgrade(config, "base")
        assert _shape(store.engine) == {}
        database.upgrade(store.engine)
        assert set(_shape(store.engine)) == set(Base.metadata.tables)


def test_opening_waits_for_no_writer(new_url: Callable[[], str]) -> None:
    """A store that is up to date opens while somebody writes."""
    url = new_url()
    with database.open(url) as store, store.session() as session:
        factories.a_customer(session)
        database.open(url, busy_timeout_s=0.05).close()


def test_a_store_that_is_up_to_date_opens_without_alembic(tmp_path: Path) -> None:
    """It takes longer to load than all else that opening needs."""
    url = f"sqlite:///{tmp_path / 'crm.db'}"
    database.open(url).close()
    script = (
        "import sys; from crm_connector import database as d; d.open(sys.argv[1]).close(); "
        "print('alembic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script, url], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_revisions_are_those_of_the_migrations() -> None:
    """The files are numbered in the order in which they run."""
    folder = Path(database.__file__).parent / "migrations"
    scripts = [script.revision for script in ScriptDirectory(folder).walk_revisions()]
    assert database.revisions() == scripts[::-1]


def test_opening_again_keeps_rows(new_url: Callable[[], str]) -> None:
    """A store that is opened a second time has what it had."""
    url = new_url()
    with database.open(url) as store, store.session() as session:
        factories.a_customer(session)
    with database.open(url) as store, store.reading() as session:
        assert session.scalar(select(func.count(Customer.id))) == 1


def test_two_may_open_a_new_store_at_once(new_url: Callable[[], str]) -> None:
    """Processes that start together make the tables once, and both start."""
    url = new_url()
    script = (
        "import sys; from crm_connector import database as d; d.open(sys.argv[1], busy_timeout_s=60).close()"
    )
    starts = [subprocess.Popen([sys.executable, "-c", script, url]) for _ in range(2)]
    assert [start.wait(timeout=120) for start in starts] == [0, 0]
    engine = database.create_store_engine(url)
    assert "customers" in sqlalchemy.inspect(engine).get_table_names()
    engine.dispose()


def _fail_half_way(store: database.Store) -> None:
    with store.session() as session:
        factories.a_customer(session)
        raise RuntimeError("half way")


def test_a_failed_block_leaves_nothing(store: database.Store) -> None:
    """A session is all or nothing."""
    with pytest.raises(RuntimeError, match="half way"):
        _fail_half_way(store)
    with store.reading() as session:
        assert session.scalar(select(func.count(Customer.id))) == 0


def test_reading_keeps_nothing(store: database.Store) -> None:
    """What a reading session changes is gone."""
    with store.reading() as session:
        factories.a_customer(session)
    with store.reading() as session:
        assert session.scalar(select(func.count(Customer.id))) == 0


def test_reading_waits_for_no_writer(store: database.Store) -> None:
    """While somebody writes, others read what was there before."""
    with store.session() as writing:
        factories.a_customer(writing)
        with store.reading() as reading:
            assert reading.scalar(select(func.count(Customer.id))) == 0


def test_writers_of_a_process_wait_in_line(tmp_path: Path) -> None:
    """Whoever writes into an SQLite file waits for the other threads, whatever store they go through."""
    url = f"sqlite:///{tmp_path / 'crm.db'}"
    with database.open(url) as first, database.open(url, busy_timeout_s=0.01) as second:
        with (
            first.session(),
            pytest.raises(database.StoreUnavailable, match="another thread"),
            second.session(),
        ):
            pass
        with second.session() as session:
            factories.a_customer(session)


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(datetime(2026, 3, 29, 1, 30, tzinfo=UTC), id="utc"),
        pytest.param(datetime(2026, 3, 29, 1, 30, tzinfo=timezone(timedelta(hours=8))), id="shanghai"),
        pytest.param(
            datetime(1999, 12, 31, 23, 59, 59, 999999, tzinfo=timezone(timedelta(hours=-9))), id="far"
        ),
    ],
)
def test_moments_come_back_as_utc(store: database.Store, moment: datetime) -> None:
    """A moment keeps its instant to the microsecond and loses its zone."""
    with store.session() as session:
        factories.stored(session, Customer(created_at=moment))
    with store.reading() as session:
        read = session.scalars(select(Customer.created_at)).one()
    assert read == moment
    assert read.tzinfo is UTC


def test_naive_moments_are_refused(session: Session) -> None:
    """A time without a zone is nobody's time."""
    with pytest.raises(StatementError, match="naive datetime"), session.begin_nested():
        session.add(Customer(created_at=datetime(2026, 1, 1)))  # noqa: DTZ001 - the mistake under test


@pytest.mark.parametrize("amount", ["0.00", "0.10", "129.90", "-5.05", "9999999999.99"])
def test_money_is_exact(store: database.Store, amount: str) -> None:
    """An amount comes back to the cent, also out of a comparison and a sum."""
    with store.session() as session:
        factories.a_product(session, price=amount)
    with store.reading() as session:
        price = session.scalars(select(Product.price).where(Product.price == Decimal(amount))).one()
        assert (str(price), str(session.scalar(select(func.sum(Product.price))))) == (amount, amount)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("a\x00b", "ab"),
        ("half \ud83d", "half ?"),
        ("'; DROP TABLE customers; --", None),
        ("李雷 😀\n<b>", None),
    ],
    ids=["nul", "surrogate", "sql", "unicode"],
)
def test_text_of_any_kind_is_stored(store: database.Store, given: str, kept: str | None) -> None:
    """Whatever a customer writes is kept, but for what a database cannot hold."""
    with store.session() as session:
        factories.stored(session, Customer(name=given))
    with store.reading() as session:
        assert session.scalars(select(Customer.name)).one() == (given if kept is None else kept)


def test_closed_sets_are_closed_in_the_database(session: Session) -> None:
    """A status that nobody knows is refused even to hand-written SQL."""
    order = factories.an_order(session)
    with pytest.raises(IntegrityError, match="ck_orders_status"), session.begin_nested():
        session.execute(text("UPDATE orders SET status = 'lost' WHERE id = :id"), {"id": order.id})


def test_references_are_checked(session: Session) -> None:
    """A row cannot belong to a customer who is not there."""
    ghost = factories.a_customer(session)
    ticket = factories.new_ticket(ghost)
    ticket.customer_id = ghost.id + 1000
    with pytest.raises(IntegrityError), session.begin_nested():
        session.add(ticket)


def test_insert_once_hides_no_other_mistake(session: Session) -> None:
    """Only the natural key is forgiven: another broken constraint is raised."""
    factories.an_order(session, number="LC600001")
    order = Order(
        number="LC600002",
        customer_id=987_654,
        email="x@example.com",
        total=Decimal(1),
        promised_at=factories.NOW,
    )
    with pytest.raises(IntegrityError), session.begin_nested():
        database.insert_once(session, order, Order.number == order.number)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("not a url", "no database URL"),
        ("mysql://root@localhost/crm", "'mysql' is not supported, expected sqlite or postgresql"),
        ("postgresql://nobody@127.0.0.1:1/crm", "not available"),
    ],
    ids=["garbage", "other", "away"],
)
def test_wrong_addresses_are_named(url: str, message: str) -> None:
    """A store that cannot be opened says why in one line."""
    with pytest.raises(database.StoreUnavailable, match=message):
        database.open(url, busy_timeout_s=2)


def test_passwords_stay_out_of_errors() -> None:
    """The address in an error has its password hidden."""
    with pytest.raises(database.StoreUnavailable) as caught:
        database.open("postgresql://me:secret@127.0.0.1:1/crm", busy_timeout_s=2)
    assert "secret" not in str(caught.value)
    assert "me:***@127.0.0.1" in str(caught.value)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    """SQLite in a folder that is not there is unavailable, not a traceback."""
    with pytest.raises(database.StoreUnavailable, match=r"nowhere/crm\.db"):
        database.open(f"sqlite:///{tmp_path}/nowhere/crm.db")


def test_a_missing_file_is_refused_on_request(tmp_path: Path) -> None:
    """Who only wants to look gets no empty store made."""
    with pytest.raises(database.StoreUnavailable, match="no CRM store at"):
        database.open(f"sqlite:///{tmp_path}/crm.db", must_exist=True)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    """Another file's bytes are left alone and refused."""
    path = tmp_path / "crm.db"
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(database.StoreUnavailable, match="not a database"):
        database.open(f"sqlite:///{path}")


def test_a_locked_store_says_so(tmp_path: Path) -> None:
    """While somebody else writes for too long, a writer is told that the store is locked."""
    url = f"sqlite:///{tmp_path}/crm.db"
    with (
        database.open(url) as one,
        database.open(url, busy_timeout_s=0.05) as other,
        one.session() as session,
    ):
        factories.a_customer(session)
        with pytest.raises(database.StoreUnavailable, match="locked"), other.session() as late:
            factories.a_customer(late)


def _lose_connection(store: database.Store) -> None:
    """Begin a transaction whose connection the server ends."""
    with store.session() as session:
        own = session.scalar(text("SELECT pg_backend_pid()"))
        with store.reading() as other:
            other.execute(text("SELECT pg_terminate_backend(:own)"), {"own": own})
        factories.a_customer(session)


@pytest.mark.postgresql
def test_a_lost_connection_says_so(new_postgresql: Callable[[], str]) -> None:
    """A server that goes away in mid-transaction makes the store unavailable until it is back."""
    with database.open(new_postgresql()) as store:
        with pytest.raises(database.StoreUnavailable, match="not available"):
            _lose_connection(store)
        with store.session() as session:
            assert session.scalar(select(func.count(Customer.id))) == 0


def _lock(store: database.Store, customer: Customer) -> None:
    with store.session() as session:
        session.get_one(Customer, customer.id, with_for_update=True)


@pytest.mark.postgresql
def test_a_locked_row_says_so(new_postgresql: Callable[[], str]) -> None:
    """Who waits too long for a row that somebody else changes is told so."""
    url = new_postgresql()
    with database.open(url) as one, database.open(url, busy_timeout_s=0.05) as other:
        with one.session() as session:
            customer = factories.a_customer(session)
        with one.session() as session:
            session.get_one(Customer, customer.id, with_for_update=True)
            with pytest.raises(database.StoreUnavailable, match="lock"):
                _lock(other, customer)
