"""Tickets with their history, escalations with their summaries, and failed proofs of identity."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm_connector.choices import (
    ComplaintCategory,
    EscalationStatus,
    Priority,
    Sentiment,
    Severity,
    TicketStatus,
)
from crm_connector.columns import FIRST_NUMBER, Base, choice, utc_now
from crm_connector.tables.people import Customer


class Ticket(Base, kw_only=True):
    """Something that somebody has to look after."""

    __tablename__ = "tickets"
    __table_args__ = (UniqueConstraint("source_key", name="uq_tickets_source_key"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    source_key: Mapped[str]
    customer_id: Mapped[int] = mapped_column(
        ForeignKey("customers.id", name="fk_tickets_customer"), index=True
    )
    conversation_id: Mapped[int | None] = mapped_column(
        ForeignKey("conversations.id", name="fk_tickets_conversation"), default=None, index=True
    )
    order_id: Mapped[int | None] = mapped_column(
        ForeignKey("orders.id", name="fk_tickets_order"), default=None, index=True
    )
    agent_id: Mapped[int | None] = mapped_column(
        ForeignKey("agents.id", name="fk_tickets_agent"), default=None, index=True
    )
    category: Mapped[ComplaintCategory] = mapped_column(choice(ComplaintCategory, "ck_tickets_category"))
    status: Mapped[TicketStatus] = mapped_column(
        choice(TicketStatus, "ck_tickets_status"), default=TicketStatus.OPEN, index=True
    )
    priority: Mapped[Priority] = mapped_column(
        choice(Priority, "ck_tickets_priority"), default=Priority.NORMAL
    )
    subject: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
    customer: Mapped[Customer] = relationship(init=False)
    changes: Mapped[list[TicketChange]] = relationship(init=False, order_by="TicketChange.id", viewonly=True)

    @property
    def number(self) -> str:
        """What customer and agent call the ticket: T- and five digits."""
        return f"T-{FIRST_NUMBER + self.id}"


class TicketChange(Base, kw_only=True):
    """One step in a ticket's history; `field` is `opened`, `note`, or the column that changed."""

    __tablename__ = "ticket_changes"
    __table_args__ = (UniqueConstraint("ticket_id", "source_key", name="uq_ticket_changes_source_key"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    ticket_id: Mapped[int] = mapped_column(
        ForeignKey("tickets.id", name="fk_ticket_changes_ticket", ondelete="CASCADE"), index=True
    )
    source_key: Mapped[str | None] = mapped_column(default=None)
    actor: Mapped[str]
    field: Mapped[str]
    old_value: Mapped[str | None] = mapped_column(default=None)
    new_value: Mapped[str | None] = mapped_column(default=None)
    created_at: Mapped[datetime] = mapped_column(default_factory=utc_now)


class TicketMerge(Base, kw_only=True):
    """A duplicate that went into another ticket, which goes on for both."""

    __tablename__ = "ticket_merges"
    __table_args__ = (UniqueConstraint("ticket_id", name="uq_ticket_merges_ticket"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    ticket_id: Mapped[int] = mapped_column(
        ForeignKey("tickets.id", name="fk_ticket_merges_ticket", ondelete="CASCADE")
    )
    into_id: Mapped[int] = mapped_column(ForeignKey("tickets.id", name="fk_ticket_merges_into"), index=True)
    actor: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default_factory=utc_now)


class Escalation(Base, kw_only=True):
    """A complaint that a person must see, with a summary of how it came to it."""

    __tablename__ = "escalations"
    __table_args__ = (UniqueConstraint("source_key", name="uq_escalations_source_key"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    source_key: Mapped[str]
    customer_id: Mapped[int] = mapped_column(
        ForeignKey("customers.id", name="fk_escalations_customer"), index=True
    )
    conversation_id: Mapped[int | None] = mapped_column(
        ForeignKey("conversations.id", name="fk_escalations_conversation"), default=None, index=True
    )
    ticket_id: Mapped[int | None] = mapped_column(
        ForeignKey("tickets.id", name="fk_escalations_ticket"), default=None, index=True
    )
    agent_id: Mapped[int | None] = mapped_column(
        ForeignKey("agents.id", name="fk_escalations_agent"), default=None, index=True
    )
    category: Mapped[ComplaintCategory] = mapped_column(choice(ComplaintCategory, "ck_escalations_category"))
    severity: Mapped[Severity] = mapped_column(choice(Severity, "ck_escalations_severity"))
    sentiment: Mapped[Sentiment] = mapped_column(choice(Sentiment, "ck_escalations_sentiment"))
    status: Mapped[EscalationStatus] = mapped_column(
        choice(EscalationStatus, "ck_escalations_status"), default=EscalationStatus.OPEN, index=True
    )
    wanted: Mapped[str] = mapped_column(default="")
    tried: Mapped[list[str]] = mapped_column(default_factory=list)
    open_questions: Mapped[list[str]] = mapped_column(default_factory=list)
    created_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
    customer: Mapped[Customer] = relationship(init=False)
    sentences: Mapped[list[EscalationSentence]] = relationship(
        default_factory=list, order_by="EscalationSentence.position"
    )


class EscalationSentence(Base, kw_only=True):
    """One sentence of a summary; `sources` are ids of messages, or `slot:` and a slot's name."""

    __tablename__ = "escalation_sentences"
    __table_args__ = (UniqueConstraint("escalation_id", "position", name="uq_escalation_sentences_position"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    escalation_id: Mapped[int] = mapped_column(
        ForeignKey("escalations.id", name="fk_escalation_sentences_escalation", ondelete="CASCADE"),
        init=False,
    )
    position: Mapped[int]
    text: Mapped[str]
    sources: Mapped[list[str]]


class FailedCheck(Base, kw_only=True):
    """A proof of identity that failed; `order_number` is what was tried, there may be no such order."""

    __tablename__ = "failed_checks"
    __table_args__ = (
        UniqueConstraint("source_key", name="uq_failed_checks_source_key"),
        Index("ix_failed_checks_order", "order_number", "failed_at"),
        Index("ix_failed_checks_sender", "sender_id", "failed_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    source_key: Mapped[str]
    order_number: Mapped[str]
    sender_id: Mapped[str]
    failed_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
