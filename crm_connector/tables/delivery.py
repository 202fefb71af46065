"""What waits to be handled or to be sent: messages taken in, deliveries, and where deliveries go."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, MappedAsDataclass, mapped_column

from crm_connector.choices import Progress
from crm_connector.columns import Base, JSONObject, choice, utc_now

_IS_OPEN = text("state IN ('queued', 'running', 'retrying')")


class Queued(MappedAsDataclass, kw_only=True):
    """A row that waits in its lane: rows of one channel and `sender_id` are worked off in the order of ids.

    `attempts` counts those of the present step, `replays` how often the row was begun anew: because an
    operator had a dead one tried again, or because whoever carried it is gone. `next_attempt_at` is set while
    the row is `retrying`.
    """

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    channel: Mapped[str]
    sender_id: Mapped[str]
    attempts: Mapped[int] = mapped_column(default=0)
    replays: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None] = mapped_column(default=None)
    next_attempt_at: Mapped[datetime | None] = mapped_column(default=None)
    created_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
    closed_at: Mapped[datetime | None] = mapped_column(default=None)


class AcceptedMessage(Queued, Base, kw_only=True):
    """A customer's message that its channel has acknowledged.

    `message` is all that the channel said of it; empty when it is done, for then it stands in the transcript.
    """

    __tablename__ = "accepted_messages"
    __table_args__ = (
        UniqueConstraint("channel", "sender_id", "external_id", name="uq_accepted_messages_external"),
        Index(
            "ix_accepted_messages_open",
            "channel",
            "sender_id",
            "id",
            sqlite_where=_IS_OPEN,
            postgresql_where=_IS_OPEN,
        ),
    )

    external_id: Mapped[str]
    message: Mapped[JSONObject]
    state: Mapped[Progress] = mapped_column(
        choice(Progress, "ck_accepted_messages_state"), default=Progress.QUEUED, index=True
    )


class Delivery(Queued, Base, kw_only=True):
    """Words for a customer, or an event for a webhook, on the way out.

    `key` names it for ever. `content` is an event: what was said, in Rasa's wire form, or what a webhook
    tells. `said_at` is that event's time in seconds since the epoch, by which it is found in a transcript.
    `payloads` are the requests it takes, written down by the first attempt at the latest; `parts_sent` is how
    many of them the peer took, `peer_ids` its names for them. What is done keeps neither content nor
    payloads: the words stand in the transcript. While `is_in_doubt` nobody knows whether the present request
    arrived; `is_doubtful` says that one was sent again without knowing, so that it may have arrived twice.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("key", name="uq_deliveries_key"),
        Index("ix_deliveries_said", "sender_id", "channel", "said_at"),
        Index(
            "ix_deliveries_open",
            "channel",
            "sender_id",
            "id",
            sqlite_where=_IS_OPEN,
            postgresql_where=_IS_OPEN,
        ),
    )

    key: Mapped[str]
    content: Mapped[JSONObject]
    said_at: Mapped[float]
    payloads: Mapped[list[JSONObject] | None] = mapped_column(default=None)
    parts_sent: Mapped[int] = mapped_column(default=0)
    peer_ids: Mapped[list[str]] = mapped_column(default_factory=list)
    is_in_doubt: Mapped[bool] = mapped_column(default=False)
    is_doubtful: Mapped[bool] = mapped_column(default=False)
    state: Mapped[Progress] = mapped_column(
        choice(Progress, "ck_deliveries_state"), default=Progress.QUEUED, index=True
    )


class DeliveryTarget(Base, kw_only=True):
    """Where deliveries may go: a queued channel by its name, or a webhook.

    Written by the server when it starts, so that whoever writes to the CRM knows what is to be queued.
    `events` are the types of events that a webhook hears, with `*` at an end for all that begin so; a channel
    has none.
    """

    __tablename__ = "delivery_targets"

    name: Mapped[str] = mapped_column(primary_key=True)
    events: Mapped[list[str]] = mapped_column(default_factory=list)
