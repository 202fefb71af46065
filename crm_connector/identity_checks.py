"""Failed proofs of who somebody is, counted over all conversations, so that nobody can go on guessing.

Neither a restarted conversation nor a new sender_id sets the count back: it is kept for the sender and for
the order number. Numbers that no order has are counted like any other: the limit tells nothing about them.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from crm_connector.columns import storable, utc_now
from crm_connector.database import insert_once
from crm_connector.orders import normal_number
from crm_connector.tables import FailedCheck

WINDOW = timedelta(hours=24)  # after it a failure no longer counts
MAX_OF_SENDER = 5  # failures of one sender within the window
MAX_OF_ORDER = (
    10  # for one order number by all senders; more, so that one stranger does not lock the owner out
)


def note_failure(
    session: Session, order_number: str, sender_id: str, *, source_key: str, now: datetime | None = None
) -> None:
    """Count a proof that failed; the same `source_key` counts once."""
    row = FailedCheck(
        source_key=storable(source_key),
        order_number=normal_number(order_number),
        sender_id=storable(sender_id),
        failed_at=now or utc_now(),
    )
    insert_once(session, row, FailedCheck.source_key == row.source_key)


def is_locked(session: Session, order_number: str, sender_id: str, *, now: datetime | None = None) -> bool:
    """Whether too many proofs failed lately, by this sender or for this order number."""
    since = (now or utc_now()) - WINDOW
    return (
        _failures(session, FailedCheck.sender_id == storable(sender_id), since) >= MAX_OF_SENDER
        or _failures(session, FailedCheck.order_number == normal_number(order_number), since) >= MAX_OF_ORDER
    )


def _failures(session: Session, whose: ColumnElement[bool], since: datetime) -> int:
    query = select(func.count(FailedCheck.id)).where(whose, FailedCheck.failed_at > since)
    return session.scalar(query) or 0
