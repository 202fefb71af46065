"""What was changed can be read later, and nobody can change what was written about it."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, text, update
from sqlalchemy.exc import DatabaseError, IntegrityError, InternalError
from sqlalchemy.orm import Session

from crm_connector import database
from crm_connector.desk import audit
from crm_connector.tables import AuditEntry

REFUSALS = (IntegrityError, InternalError, DatabaseError)


def test_changes_can_be_read_again(store: database.Store) -> None:
    """The log tells who, what, of which row, newest first."""
    with store.session() as session:
        audit.note(session, "anna@example.com", "ticket.status", "ticket T-10042", {"to": "resolved"})
        audit.note(session, "ben@example.com", "role\x00", "account 安娜", {"roles": ["agent"], "when": None})
    with store.reading() as session:
        newest, older = audit.entries(session, limit=2)
        assert (newest.actor, newest.subject) == ("ben@example.com", "account 安娜")
        assert older.detail == {"to": "resolved"}
        assert audit.entries(session, subject="ticket T-10042", before=newest.id)[0].id == older.id
        assert {entry.actor for entry in audit.entries(session, actor="anna@example.com")} == {
            "anna@example.com"
        }


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(update(AuditEntry).values(actor="nobody"), id="update"),
        pytest.param(delete(AuditEntry), id="delete"),
    ],
)
def test_the_database_refuses_changes(store: database.Store, change: object) -> None:
    """Neither update nor delete gets through, also by plain SQL."""
    with store.session() as session:
        audit.note(session, "anna@example.com", "note", "conversation 1")
    with pytest.raises(REFUSALS, match="never changed"), store.session() as session:
        session.execute(change)


def test_a_row_changed_behind_the_databases_back_shows(store: database.Store) -> None:
    """Without the triggers a row can be changed; its seal then does not fit any more."""
    with store.session() as session:
        first = audit.note(session, "anna@example.com", "refund", "order LC1", {"amount": "10.00"}).id
        audit.note(session, "anna@example.com", "note", "order LC1")
        assert audit.first_broken(session) is None
    with store.session() as session:
        _drop_triggers(session)
        session.execute(update(AuditEntry).where(AuditEntry.id == first).values(actor="ben@example.com"))
        broken = audit.first_broken(session)
        assert broken is not None
        assert broken.id == first
        session.rollback()  # others use the store too


def _drop_triggers(session: Session) -> None:
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("ALTER TABLE audit_entries DISABLE TRIGGER USER"))
    else:
        session.execute(text("DROP TRIGGER audit_entries_no_update"))
