"""What is on its way to customers and to webhooks, and how far it has come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from crm_connector import lanes
from crm_connector.choices import Progress
from crm_connector.columns import JSONObject, storable, utc_now
from crm_connector.database import insert_once
from crm_connector.tables import Conversation, Delivery, DeliveryTarget


@dataclass(frozen=True, slots=True)
class Parcel:
    """What one delivery brings: an event, and the requests it takes if they are known already."""

    content: JSONObject
    payloads: Sequence[JSONObject] | None = None


def queue(session: Session, channel: str, sender_id: str, parcels: Sequence[Parcel], *, key: str) -> bool:
    """Queue deliveries at the end of a lane; False when this key was queued before, and nothing is.

    Args:
        session: The transaction: with it goes the queueing.
        channel: Where to; a lane is a channel and a sender.
        sender_id: To whom.
        parcels: In the order of sending.
        key: Names these parcels together for ever.
    """
    for position, parcel in enumerate(parcels):
        row = Delivery(
            channel=channel,
            sender_id=storable(sender_id),
            key=storable(f"{key}/{position}"),
            content=parcel.content,
            said_at=float(parcel.content.get("timestamp") or utc_now().timestamp()),
            payloads=None if parcel.payloads is None else list(parcel.payloads),
        )
        if insert_once(session, row, Delivery.key == row.key) is not row:
            return False
    return True


def queue_said(session: Session, conversation: Conversation, said: JSONObject, *, key: str) -> bool:
    """Queue what a person wrote in a conversation, if its channel is one that leaves through the queue.

    Args:
        session: The transaction that also appends the event.
        conversation: Its channel and sender say where to.
        said: A `bot` or `agent` event in Rasa's wire form, with its timestamp.
        key: Names the words for ever.
    """
    if session.get(DeliveryTarget, conversation.channel) is None:
        return False
    return queue(session, conversation.channel, conversation.sender_id, [Parcel(said)], key=key)


def set_targets(session: Session, targets: Mapping[str, Sequence[str]], *, replaced: str = "") -> None:
    """Write down where deliveries may go.

    Args:
        session: The transaction.
        targets: For each queued channel its name and no events, for each webhook the events it hears.
        replaced: What the names begin with of which only those in `targets` stay.
    """
    session.execute(
        delete(DeliveryTarget).where(
            DeliveryTarget.name.startswith(replaced, autoescape=True), DeliveryTarget.name.not_in(targets)
        )
    )
    for name, events in targets.items():
        known = insert_once(
            session, DeliveryTarget(name=name, events=list(events)), DeliveryTarget.name == name
        )
        known.events = list(events)


def begin(
    session: Session, row_id: int, payloads: Sequence[JSONObject], *, can_ask: bool
) -> tuple[Delivery, bool] | None:
    """Take a delivery up for one more attempt; None when nothing of it is left to be sent.

    Args:
        session: A transaction of its own: once it is committed, the next request counts as under way.
        row_id: Of the delivery.
        payloads: What it takes; written down if nothing was before.
        can_ask: Whether the peer can say what has arrived.

    Returns:
        The delivery, and whether its present request may have arrived in an earlier attempt.
    """
    row = lanes.begin(session, Delivery, row_id)
    if row is None:
        return None
    if row.payloads is None:
        row.payloads = list(payloads)
    if row.parts_sent >= len(row.payloads):
        _close(row)
        return None
    was_in_doubt, row.is_in_doubt = row.is_in_doubt, True
    row.is_doubtful = row.is_doubtful or (was_in_doubt and not can_ask)
    return row, was_in_doubt


def part_sent(session: Session, row_id: int, part: int, peer_id: str | None) -> bool:
    """Note that the peer took a request.

    Args:
        session: The transaction.
        row_id: Of the delivery.
        part: Which request, from 0; noted before, it is not noted again.
        peer_id: The peer's name for it.

    Returns:
        Whether it was the last one, and the delivery is done.
    """
    row = session.get_one(Delivery, row_id, with_for_update=True)
    if row.parts_sent == part:
        row.parts_sent, row.attempts, row.is_in_doubt, row.last_error = part + 1, 0, False, None
        row.peer_ids = row.peer_ids if peer_id is None else [*row.peer_ids, peer_id]
    if row.state in lanes.OPEN and row.parts_sent >= len(row.payloads or ()):
        _close(row)
    return row.state not in lanes.OPEN


def not_sent(session: Session, row_id: int, part: int) -> None:
    """Note that the peer has certainly not taken a request."""
    row = session.get_one(Delivery, row_id, with_for_update=True)
    if row.parts_sent == part:
        row.is_in_doubt = False


def failing_since(session: Session, channel: str, after: datetime) -> datetime | None:
    """Return when the first delivery was given up after which a target took none; None when it works.

    Args:
        session: A transaction.
        channel: The target.
        after: What was given up earlier means nothing any more.
    """
    closed = select(Delivery.closed_at).where(Delivery.channel == channel, Delivery.closed_at > after)
    given_up = closed.where(Delivery.state == Progress.DEAD)
    # What was given up is rare, what was taken is not.
    if session.scalar(given_up.limit(1)) is None:
        return None
    taken = session.scalar(
        closed.where(Delivery.state == Progress.DONE).order_by(Delivery.closed_at.desc()).limit(1)
    )
    if taken is not None:
        given_up = given_up.where(Delivery.closed_at > taken)
    return session.scalar(given_up.order_by(Delivery.closed_at).limit(1))


def of_conversation(session: Session, sender_id: str, channel: str | None = None) -> list[Delivery]:
    """All deliveries to a sender that are still known, in the order of queueing."""
    query = select(Delivery).where(Delivery.sender_id == sender_id)
    if channel is not None:
        query = query.where(Delivery.channel == channel)
    return list(session.scalars(query.order_by(Delivery.id)))


def _close(row: Delivery) -> None:
    row.state, row.closed_at, row.content, row.payloads = Progress.DONE, utc_now(), {}, None
