"""What a customer brings along to a channel: files she sends, and the account she is signed in with."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from crm_connector.columns import Base, utc_now


class Attachment(Base, kw_only=True):
    """A file that a customer sent; its bytes lie in a folder under `file_id`, which nobody can guess.

    `source_key` is what the channel calls the upload, in the channel's own words with the sender before
    them: an upload that is repeated is stored once. `media_type` is what the bytes say, not the sender.
    """

    __tablename__ = "attachments"
    __table_args__ = (
        UniqueConstraint("file_id", name="uq_attachments_file"),
        UniqueConstraint("source_key", name="uq_attachments_source_key"),
        Index("ix_attachments_sender", "channel", "sender_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    file_id: Mapped[str]
    source_key: Mapped[str]
    channel: Mapped[str]
    sender_id: Mapped[str]
    name: Mapped[str]
    media_type: Mapped[str]
    size_bytes: Mapped[int]
    sha256: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default_factory=utc_now)


class AccountConversation(Base, kw_only=True):
    """The conversation that goes on for whoever is signed in with an account, whichever device she uses.

    `account_id` is the company's own name for the customer, proven by the company's signature.
    """

    __tablename__ = "account_conversations"
    __table_args__ = (
        UniqueConstraint("channel", "account_id", name="uq_account_conversations_account"),
        UniqueConstraint("channel", "sender_id", name="uq_account_conversations_sender"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    channel: Mapped[str]
    account_id: Mapped[str]
    sender_id: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
