"""Conversations, their events, and the messages that were answered."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from crm_connector.choices import Owner
from crm_connector.columns import Base, JSONObject, choice, utc_now


class Conversation(Base, kw_only=True):
    """All that was ever said under one sender_id; `last_sequence` counts its events, 0 before the first."""

    __tablename__ = "conversations"
    __table_args__ = (UniqueConstraint("sender_id", name="uq_conversations_sender"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    sender_id: Mapped[str]
    channel: Mapped[str]
    customer_id: Mapped[int | None] = mapped_column(
        ForeignKey("customers.id", name="fk_conversations_customer"), default=None, index=True
    )
    owner: Mapped[Owner] = mapped_column(choice(Owner, "ck_conversations_owner"), default=Owner.BOT)
    agent_id: Mapped[int | None] = mapped_column(
        ForeignKey("agents.id", name="fk_conversations_agent"), default=None, index=True
    )
    owner_since_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
    language: Mapped[str | None] = mapped_column(default=None)
    last_sequence: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
    last_activity_at: Mapped[datetime] = mapped_column(default_factory=utc_now, index=True)


class ConversationEvent(Base, kw_only=True):
    """One event of a conversation in Rasa's wire form; never changed, `sequence` starts at 1."""

    __tablename__ = "conversation_events"
    __table_args__ = (
        UniqueConstraint("conversation_id", "sequence", name="uq_conversation_events_sequence"),
        Index("ix_conversation_events_type", "conversation_id", "type_name", "sequence"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    conversation_id: Mapped[int] = mapped_column(
        ForeignKey("conversations.id", name="fk_conversation_events_conversation", ondelete="CASCADE")
    )
    sequence: Mapped[int]
    type_name: Mapped[str]
    data: Mapped[JSONObject]
    created_at: Mapped[datetime] = mapped_column(default_factory=utc_now)


class InboundMessage(Base, kw_only=True):
    """A message that was answered; its turn is the events from `first_sequence` to `last_sequence` inclusive.

    The id of the conversation is part of the key: a foreign sender who guesses the id of a message neither
    reads its answer nor keeps it from being heard.
    """

    __tablename__ = "inbound_messages"
    __table_args__ = (
        UniqueConstraint(
            "channel", "external_id", "conversation_id", name="uq_inbound_messages_channel_external"
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    conversation_id: Mapped[int] = mapped_column(
        ForeignKey("conversations.id", name="fk_inbound_messages_conversation", ondelete="CASCADE"),
        index=True,
    )
    channel: Mapped[str]
    external_id: Mapped[str]
    first_sequence: Mapped[int]
    last_sequence: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
