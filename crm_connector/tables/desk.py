"""The desk: who signs in, what went through people's hands, what they wrote for each other, the audit log."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text, true
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm_connector.choices import ComplaintCategory, Outcome, Presence, Sentiment, Severity
from crm_connector.columns import Base, JSONObject, choice, utc_now
from crm_connector.tables.people import Agent
from crm_connector.tables.talk import Conversation


class Account(Base, kw_only=True):
    """How an agent signs in, what she may do, what she can do, and whether she is there.

    `roles` are values of `Role`; `languages` (ISO 639-1) and `topics` (`ComplaintCategory`) are her skills,
    none means all. `capacity` is how many conversations she can hold at once. `subject` is how an identity
    provider knows her: its issuer, a space, its name for her. `has_letter_keys` says whether she works at the
    desk with keys of single letters, which get in the way of whoever speaks to her computer.
    """

    __tablename__ = "accounts"
    __table_args__ = (
        UniqueConstraint("agent_id", name="uq_accounts_agent"),
        UniqueConstraint("subject", name="uq_accounts_subject"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    agent_id: Mapped[int] = mapped_column(ForeignKey("agents.id", name="fk_accounts_agent"))
    roles: Mapped[list[str]]
    password_hash: Mapped[str | None] = mapped_column(default=None)
    subject: Mapped[str | None] = mapped_column(default=None)
    languages: Mapped[list[str]] = mapped_column(default_factory=list)
    topics: Mapped[list[str]] = mapped_column(default_factory=list)
    capacity: Mapped[int] = mapped_column(default=5)
    presence: Mapped[Presence] = mapped_column(
        choice(Presence, "ck_accounts_presence"), default=Presence.OFFLINE
    )
    seen_at: Mapped[datetime | None] = mapped_column(default=None)
    has_letter_keys: Mapped[bool] = mapped_column(default=True, server_default=true())
    created_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
    agent: Mapped[Agent] = relationship(init=False)


class SignIn(Base, kw_only=True):
    """A signed-in browser; the token itself is known to the browser alone, here stands its SHA-256."""

    __tablename__ = "sign_ins"
    __table_args__ = (UniqueConstraint("token_hash", name="uq_sign_ins_token"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    account_id: Mapped[int] = mapped_column(
        ForeignKey("accounts.id", name="fk_sign_ins_account", ondelete="CASCADE"), index=True
    )
    token_hash: Mapped[str]
    address: Mapped[str]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
    created_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
    account: Mapped[Account] = relationship(init=False)


class FailedSignIn(Base, kw_only=True):
    """An attempt to sign in that failed; there may be nobody of that e-mail."""

    __tablename__ = "failed_sign_ins"
    __table_args__ = (
        Index("ix_failed_sign_ins_email", "email", "failed_at"),
        Index("ix_failed_sign_ins_address", "address", "failed_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    email: Mapped[str]
    address: Mapped[str]
    failed_at: Mapped[datetime] = mapped_column(default_factory=utc_now)


class AuditEntry(Base, kw_only=True):
    """Who changed what. Rows are never changed or deleted: triggers refuse it, each seal covers those before.

    `subject` names the row: `ticket T-10042`, `account anna@example.com`.
    """

    __tablename__ = "audit_entries"
    __table_args__ = (Index("ix_audit_entries_subject", "subject", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    actor: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    detail: Mapped[JSONObject]
    noted_at: Mapped[datetime]
    seal: Mapped[str]


class Handoff(Base, kw_only=True):
    """One stay of a conversation with people: from the wish for a person to the hand-back.

    `waiting_since_at` is when the customer wrote what nobody has answered yet, None when it is her turn.
    `card` is what an agent reads first: `wanted`, `tried`, `open_questions`, `slots`, and `sentences`, each
    with its `text` and its `sources` (ids of messages, or `slot:` and a slot's name).
    """

    __tablename__ = "handoffs"
    __table_args__ = (
        Index("uq_handoffs_open", "conversation_id", unique=True, sqlite_where=text("ended_at IS NULL"),
              postgresql_where=text("ended_at IS NULL")),
        Index("ix_handoffs_requested", "requested_at"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    conversation_id: Mapped[int] = mapped_column(
        ForeignKey("conversations.id", name="fk_handoffs_conversation", ondelete="CASCADE"), index=True
    )
    reason: Mapped[str]
    topic: Mapped[ComplaintCategory] = mapped_column(
        choice(ComplaintCategory, "ck_handoffs_topic"), default=ComplaintCategory.OTHER
    )
    severity: Mapped[Severity] = mapped_column(choice(Severity, "ck_handoffs_severity"), default=Severity.LOW)
    sentiment: Mapped[Sentiment] = mapped_column(
        choice(Sentiment, "ck_handoffs_sentiment"), default=Sentiment.NEUTRAL
    )
    card: Mapped[JSONObject] = mapped_column(default_factory=dict)
    language: Mapped[str | None] = mapped_column(default=None)
    agent_id: Mapped[int | None] = mapped_column(
        ForeignKey("agents.id", name="fk_handoffs_agent"), default=None, index=True
    )
    requested_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
    waiting_since_at: Mapped[datetime | None] = mapped_column(default_factory=utc_now)
    claimed_at: Mapped[datetime | None] = mapped_column(default=None)
    first_reply_at: Mapped[datetime | None] = mapped_column(default=None)
    snoozed_until_at: Mapped[datetime | None] = mapped_column(default=None)
    ended_at: Mapped[datetime | None] = mapped_column(default=None)
    outcome: Mapped[Outcome | None] = mapped_column(choice(Outcome, "ck_handoffs_outcome"), default=None)
    conversation: Mapped[Conversation] = relationship(init=False)


class Note(Base, kw_only=True):
    """What agents wrote for each other about a conversation; no customer and no channel ever sees it."""

    __tablename__ = "notes"
    __table_args__ = (UniqueConstraint("source_key", name="uq_notes_source_key"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    source_key: Mapped[str]
    conversation_id: Mapped[int] = mapped_column(
        ForeignKey("conversations.id", name="fk_notes_conversation", ondelete="CASCADE"), index=True
    )
    agent_id: Mapped[int] = mapped_column(ForeignKey("agents.id", name="fk_notes_agent"))
    text: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
    agent: Mapped[Agent] = relationship(init=False)


class Draft(Base, kw_only=True):
    """An answer that an agent has begun; `is_note` drafts are private notes."""

    __tablename__ = "drafts"
    __table_args__ = (
        UniqueConstraint("conversation_id", "agent_id", "is_note", name="uq_drafts_conversation_agent"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    conversation_id: Mapped[int] = mapped_column(
        ForeignKey("conversations.id", name="fk_drafts_conversation", ondelete="CASCADE")
    )
    agent_id: Mapped[int] = mapped_column(ForeignKey("agents.id", name="fk_drafts_agent"))
    text: Mapped[str]
    is_note: Mapped[bool] = mapped_column(default=False)
    updated_at: Mapped[datetime] = mapped_column(default_factory=utc_now)


class CannedReply(Base, kw_only=True):
    """An answer written once: found by `/` and its shortcut; `{slot}` is filled from the conversation."""

    __tablename__ = "canned_replies"
    __table_args__ = (UniqueConstraint("shortcut", "language", name="uq_canned_replies_shortcut"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    shortcut: Mapped[str]
    language: Mapped[str]
    text: Mapped[str]
    updated_at: Mapped[datetime] = mapped_column(default_factory=utc_now)


class Viewing(Base, kw_only=True):
    """An agent has a conversation before her; rows that are not renewed within seconds mean nothing."""

    __tablename__ = "viewings"
    __table_args__ = (UniqueConstraint("conversation_id", "agent_id", name="uq_viewings_conversation_agent"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    conversation_id: Mapped[int] = mapped_column(
        ForeignKey("conversations.id", name="fk_viewings_conversation", ondelete="CASCADE")
    )
    agent_id: Mapped[int] = mapped_column(ForeignKey("agents.id", name="fk_viewings_agent"))
    seen_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
