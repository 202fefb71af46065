"""Messages that channels have taken in, until they are handled."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_connector import lanes
from crm_connector.choices import Progress
from crm_connector.columns import JSONObject, storable, utc_now
from crm_connector.database import insert_once
from crm_connector.tables import AcceptedMessage


def accept(
    session: Session, channel: str, sender_id: str, external_id: str, message: JSONObject
) -> AcceptedMessage | None:
    """Store a message to be handled; None when it was accepted before.

    Args:
        session: The transaction.
        channel: Where it came in.
        sender_id: Who wrote it.
        external_id: The channel's own name for it: with channel and sender the natural key.
        message: All that is known of it, as JSON.
    """
    row = AcceptedMessage(
        channel=channel, sender_id=storable(sender_id), external_id=storable(external_id), message=message
    )
    stored = insert_once(
        session,
        row,
        AcceptedMessage.channel == channel,
        AcceptedMessage.sender_id == row.sender_id,
        AcceptedMessage.external_id == row.external_id,
    )
    return row if stored is row else None


def following(session: Session, row: AcceptedMessage) -> list[AcceptedMessage]:
    """Open messages of the same lane that came after one, in their order, held in this transaction."""
    return list(
        session.scalars(
            select(AcceptedMessage)
            .where(
                AcceptedMessage.channel == row.channel,
                AcceptedMessage.sender_id == row.sender_id,
                AcceptedMessage.id > row.id,
                AcceptedMessage.state.in_(lanes.OPEN),
            )
            .order_by(AcceptedMessage.id)
            .with_for_update()
        )
    )


def handled(session: Session, row_id: int) -> bool:
    """Close a message that has its turn in the transcript; False when it was closed before."""
    row = session.get(AcceptedMessage, row_id, with_for_update=True)
    if row is None or row.closed_at is not None:
        return False
    row.state, row.closed_at, row.last_error, row.message = Progress.DONE, utc_now(), None, {}
    return True
