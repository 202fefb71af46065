"""Statements on the driver's own cursor: values as the columns want them, errors as everywhere else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import bindparam, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from crm_connector import conversations, database
from crm_connector.choices import Owner
from crm_connector.conversations import MessageKey
from crm_connector.prepared import Prepared
from crm_connector.tables import Base, Conversation, ConversationEvent
from tests.crm_connector import factories

_EVENTS, _TALKS = (Base.metadata.tables[name] for name in ("conversation_events", "conversations"))
_ADD = Prepared(
    insert(_EVENTS).inline(), columns=("conversation_id", "sequence", "type_name", "data", "created_at")
)
_COUNT = Prepared(select(_EVENTS.c.sequence).where(_EVENTS.c.conversation_id == bindparam("of")))
_CHANGE = Prepared(
    update(_TALKS).where(_TALKS.c.sender_id == bindparam("sender")).values(channel=bindparam("to"))
)
NOON = datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=2)))


def test_values_go_in_as_their_columns_say(store: database.Store) -> None:
    """Zones, JSON and what no database takes are dealt with as in every other statement."""
    with store.session() as session:
        conversation = factories.a_conversation(session)
    rows = [
        {
            "conversation_id": conversation.id,
            "sequence": sequence,
            "type_name": "sl\x00ot",
            "data": {"value": ["ä", None, 0.5]},
            "created_at": NOON,
        }
        for sequence in (1, 2)
    ]
    with store.transaction() as connection:
        assert _ADD.run(connection, *rows) == 2
    with store.reading_transaction() as connection:
        assert _COUNT.rows(connection, {"of": conversation.id}) == [(1,), (2,)]
        assert _COUNT.rows(connection, {"of": 0}) == []
    with store.reading() as session:
        first = session.scalars(select(ConversationEvent).order_by(ConversationEvent.sequence)).first()
    assert first is not None
    assert (first.type_name, first.data, first.created_at) == (
        "slot",
        {"value": ["ä", None, 0.5]},
        NOON.astimezone(UTC),
    )


def test_a_statement_says_how_much_it_changed(store: database.Store) -> None:
    """Who changes nothing learns of it."""
    with store.session() as session:
        sender_id = factories.a_conversation(session).sender_id
    with store.transaction() as connection:
        assert _CHANGE.run(connection, {"sender": sender_id, "to": "x"}) == 1
        assert _CHANGE.run(connection, {"sender": "nobody", "to": "x"}) == 0


def test_a_failed_transaction_leaves_nothing(store: database.Store) -> None:
    """What was written before the mistake goes with it."""

    def fail() -> None:
        with store.transaction() as connection:
            conversations.append_turn(connection, "ada", "rest", [{"event": "restart"}])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with store.reading() as session:
        assert conversations.find(session, "ada") is None


def test_a_reading_transaction_keeps_nothing(store: database.Store) -> None:
    """It is for reading: what it changes is gone."""
    with store.session() as session:
        factories.a_conversation(session, sender_id="ada")
    with store.reading_transaction() as connection:
        _CHANGE.run(connection, {"sender": "ada", "to": "x"})
    with store.reading() as session:
        assert [row.channel for row in session.scalars(select(Conversation))] != ["x"]


def test_a_broken_constraint_is_no_matter_of_health(store: database.Store) -> None:
    """The driver's error goes through, as SQLAlchemy's does."""
    row = {"conversation_id": 0, "sequence": 1, "type_name": "slot", "data": {}, "created_at": NOON}
    driver = store.engine.dialect.loaded_dbapi
    with pytest.raises((driver.IntegrityError, IntegrityError)), store.transaction() as connection:
        _ADD.run(connection, row)


def test_a_turn_beside_a_writer_is_told_that_the_store_is_locked(tmp_path: Path) -> None:
    """Neither SQLAlchemy's errors nor the driver's reach who appends a turn."""
    url = f"sqlite:///{tmp_path}/crm.db"
    key = MessageKey("rest", "m-1")
    # Two engines of one process would wait for each other before SQLite is asked.
    with database.open(url) as one, database.open(url, busy_timeout_s=0.05) as other:
        other._writing = None
        with one.transaction() as connection:
            conversations.append_turn(connection, "ada", "rest", [])
            with pytest.raises(database.StoreUnavailable, match="locked"), other.transaction() as late:
                conversations.append_turn(late, "ada", "rest", [])
        with other.reading_transaction() as connection:
            standing = conversations.standing(connection, "ada", key)
    assert standing is not None
    assert (standing.owner, standing.is_whole, standing.is_answered) == (Owner.BOT, False, False)


@pytest.mark.postgresql
def test_a_lost_connection_makes_the_store_unavailable_for_a_moment(
    new_postgresql: Callable[[], str],
) -> None:
    """The turn is told, and the next one is stored over a new connection."""

    def lose(store: database.Store) -> None:
        with store.transaction() as connection:
            own = connection.scalar(text("SELECT pg_backend_pid()"))
            with store.reading() as other:
                other.execute(text("SELECT pg_terminate_backend(:own)"), {"own": own})
            conversations.append_turn(connection, "ada", "rest", [])

    with database.open(new_postgresql()) as store:
        with pytest.raises(database.StoreUnavailable, match="not available"):
            lose(store)
        with store.transaction() as connection:
            assert conversations.append_turn(connection, "ada", "rest", []).first == 1
