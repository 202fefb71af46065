"""Order in the queues of the CRM: a lane is one channel and one `sender_id`, worked off in the order of ids.

The first open row of a lane is its head. Only a head may be worked on, so that whoever takes rows from here
keeps the order, in however many processes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias, TypeVar

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from crm_connector.choices import Progress
from crm_connector.columns import utc_now
from crm_connector.tables import AcceptedMessage, Delivery

OPEN = (Progress.QUEUED, Progress.RUNNING, Progress.RETRYING)

Row = TypeVar("Row", AcceptedMessage, Delivery)
Table: TypeAlias = type[AcceptedMessage] | type[Delivery]


@dataclass(frozen=True, slots=True)
class Head:
    """The row whose turn it is in its lane; `replays` counts its lives, in each of which it is begun."""

    id: int
    channel: str
    sender_id: str
    replays: int
    created_at: datetime

    @property
    def life(self) -> str:
        """What no other life of any row is called, even in a store that counts from 1 again."""
        return f"{self.id}-{self.created_at.timestamp():.6f}-{self.replays}"


def head_of(session: Session, table: Table, channel: str, sender_id: str) -> Head | None:
    """The head of a lane if nobody has begun with it yet."""
    row = session.execute(
        select(table.id, table.channel, table.sender_id, table.replays, table.created_at, table.state)
        .where(table.channel == channel, table.sender_id == sender_id, table.state.in_(OPEN))
        .order_by(table.id)
        .limit(1)
    ).one_or_none()
    return Head(*row[:5]) if row is not None and row.state == Progress.QUEUED else None


def heads(
    session: Session,
    table: Table,
    channels: Collection[str],
    *,
    states: Collection[Progress] = (Progress.QUEUED,),
    limit: int = 500,
) -> list[Head]:
    """The heads of these channels' lanes that are in one of the states, the oldest first."""
    first = (
        select(func.min(table.id))
        .where(table.state.in_(OPEN), table.channel.in_(channels))
        .group_by(table.channel, table.sender_id)
        .scalar_subquery()
    )
    rows = session.execute(
        select(table.id, table.channel, table.sender_id, table.replays, table.created_at)
        .where(table.id.in_(first), table.state.in_(states))
        .order_by(table.id)
        .limit(limit)
    )
    return [Head(*row) for row in rows]


def begin(session: Session, table: type[Row], row_id: int) -> Row | None:
    """Take a row up for one more attempt, and hold it in this transaction; None when it is closed."""
    row = session.get(table, row_id, with_for_update=True)
    if row is None or row.state not in OPEN:
        return None
    row.state, row.next_attempt_at = Progress.RUNNING, None
    row.attempts += 1
    return row


def postpone(session: Session, table: Table, row_id: int, error: str, wait_s: float) -> None:
    """Let an open row wait for its next attempt; nobody of its lane overtakes it."""
    session.execute(
        update(table)
        .where(table.id == row_id, table.state.in_(OPEN))
        .values(
            state=Progress.RETRYING, last_error=error, next_attempt_at=utc_now() + timedelta(seconds=wait_s)
        )
        .execution_options(synchronize_session=False)
    )


def release(session: Session, table: Table, row_id: int) -> None:
    """Let an open row be begun anew, by whoever can; work that was begun on it before means nothing."""
    session.execute(
        update(table)
        .where(table.id == row_id, table.state.in_(OPEN))
        .values(state=Progress.QUEUED, replays=table.replays + 1, next_attempt_at=None)
        .execution_options(synchronize_session=False)
    )


def bury(session: Session, table: Table, row_id: int, error: str) -> None:
    """Give an open row up until an operator has it tried again; its lane goes on."""
    session.execute(
        update(table)
        .where(table.id == row_id, table.state.in_(OPEN))
        .values(state=Progress.DEAD, last_error=error, next_attempt_at=None, closed_at=utc_now())
        .execution_options(synchronize_session=False)
    )


def replay(session: Session, table: Table, ids: Collection[int] | None = None) -> list[int]:
    """Let dead rows be tried again, in their old places; returns their ids. Without ids all of them."""
    return _change(
        session,
        table,
        (Progress.DEAD,),
        ids,
        {
            "state": Progress.QUEUED,
            "attempts": 0,
            "replays": table.replays + 1,
            "closed_at": None,
        },
    )


def drop(session: Session, table: Table, ids: Collection[int] | None = None) -> list[int]:
    """Give rows up for good: those with the ids if they are open or dead, without ids all dead ones."""
    states = (Progress.DEAD,) if ids is None else (*OPEN, Progress.DEAD)
    values = {"state": Progress.DROPPED, "next_attempt_at": None, "closed_at": utc_now()}
    return _change(session, table, states, ids, values)


def forget_closed(session: Session, table: Table, before: datetime) -> int:
    """Delete what was done or dropped before a time; returns how many rows."""
    closed = (Progress.DONE, Progress.DROPPED)
    result = session.execute(
        delete(table)
        .where(table.state.in_(closed), table.closed_at < before)
        .returning(table.id)
        .execution_options(synchronize_session=False)
    )
    return len(result.all())


def counts(session: Session, table: Table) -> dict[Progress, int]:
    """How many rows are in each state that is not over: open, or dead."""
    states = (*OPEN, Progress.DEAD)
    rows = session.execute(
        select(table.state, func.count()).where(table.state.in_(states)).group_by(table.state)
    )
    return dict.fromkeys(states, 0) | dict(rows.all())


def _change(
    session: Session,
    table: Table,
    states: Collection[Progress],
    ids: Collection[int] | None,
    values: Mapping[str, object],
) -> list[int]:
    """Change the rows that are in one of the states; returns their ids, ascending."""
    statement = update(table).where(table.state.in_(states))
    if ids is not None:
        statement = statement.where(table.id.in_(ids))
    changed = session.execute(
        statement.values(**values).returning(table.id).execution_options(synchronize_session=False)
    )
    return sorted(changed.scalars())
