"""Customers, the names channels know them by, and the people at the desk."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from crm_connector.choices import ProofKind
from crm_connector.columns import Base, choice, utc_now


class Customer(Base, kw_only=True):
    """Somebody who writes or buys. E-mail and phone are what she said: not unique, no proof of who she is."""

    __tablename__ = "customers"

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    name: Mapped[str | None] = mapped_column(default=None)
    email: Mapped[str | None] = mapped_column(default=None, index=True)
    phone: Mapped[str | None] = mapped_column(default=None, index=True)
    language: Mapped[str | None] = mapped_column(default=None)
    street: Mapped[str | None] = mapped_column(default=None)
    postal_code: Mapped[str | None] = mapped_column(default=None)
    city: Mapped[str | None] = mapped_column(default=None)
    country: Mapped[str | None] = mapped_column(default=None)
    created_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default_factory=utc_now)


class ChannelIdentity(Base, kw_only=True):
    """The name under which a channel knows a customer."""

    __tablename__ = "channel_identities"
    __table_args__ = (UniqueConstraint("channel", "sender_id", name="uq_channel_identities_channel_sender"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    customer_id: Mapped[int] = mapped_column(
        ForeignKey("customers.id", name="fk_channel_identities_customer"), index=True
    )
    channel: Mapped[str]
    sender_id: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default_factory=utc_now)


class ProvenIdentity(Base, kw_only=True):
    """Something of a customer that a channel has verified: whoever proves the same is the same customer."""

    __tablename__ = "proven_identities"
    __table_args__ = (UniqueConstraint("kind", "value", name="uq_proven_identities_value"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    customer_id: Mapped[int] = mapped_column(
        ForeignKey("customers.id", name="fk_proven_identities_customer"), index=True
    )
    kind: Mapped[ProofKind] = mapped_column(choice(ProofKind, "ck_proven_identities_kind"))
    value: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default_factory=utc_now)


class Invitation(Base, kw_only=True):
    """A word that a customer takes to another channel to prove there who she is; only its hash is kept."""

    __tablename__ = "invitations"
    __table_args__ = (UniqueConstraint("word_hash", name="uq_invitations_word"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    word_hash: Mapped[str]
    customer_id: Mapped[int] = mapped_column(
        ForeignKey("customers.id", name="fk_invitations_customer"), index=True
    )
    expires_at: Mapped[datetime]


class Agent(Base, kw_only=True):
    """A person at the desk."""

    __tablename__ = "agents"
    __table_args__ = (UniqueConstraint("email", name="uq_agents_email"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    name: Mapped[str]
    email: Mapped[str]
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
