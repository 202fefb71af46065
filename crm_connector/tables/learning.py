"""The training inbox: messages that the assistant was unsure of, and what people said they mean."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm_connector.choices import Sentiment, Verdict
from crm_connector.columns import Base, JSONObject, choice, utc_now
from crm_connector.tables.people import Agent


class DoubtfulMessage(Base, kw_only=True):
    """A message worth a look; `why` is the first that holds of fallback, low_score, near_tie, negative.

    `parsed` is what the assistant understood, in Rasa's JSON with the ranking of the intents. What a person
    said stands in `intent`, `entities` (each `start`, `end`, `entity`, and optional `value`, `role`, `group`)
    and `sentiment`; `exported_at` is when it became training data.
    """

    __tablename__ = "doubtful_messages"
    __table_args__ = (UniqueConstraint("conversation_id", "sequence", name="uq_doubtful_messages_sequence"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    conversation_id: Mapped[int] = mapped_column(
        ForeignKey("conversations.id", name="fk_doubtful_messages_conversation", ondelete="CASCADE")
    )
    sequence: Mapped[int]
    text: Mapped[str]
    language: Mapped[str | None]
    why: Mapped[str] = mapped_column(index=True)
    parsed: Mapped[JSONObject]
    said_at: Mapped[datetime]
    verdict: Mapped[Verdict] = mapped_column(
        choice(Verdict, "ck_doubtful_messages_verdict"), default=Verdict.OPEN, index=True
    )
    intent: Mapped[str | None] = mapped_column(default=None)
    entities: Mapped[list[JSONObject]] = mapped_column(default_factory=list)
    sentiment: Mapped[Sentiment | None] = mapped_column(
        choice(Sentiment, "ck_doubtful_messages_sentiment"), default=None
    )
    agent_id: Mapped[int | None] = mapped_column(
        ForeignKey("agents.id", name="fk_doubtful_messages_agent"), default=None
    )
    decided_at: Mapped[datetime | None] = mapped_column(default=None)
    exported_at: Mapped[datetime | None] = mapped_column(default=None)
    created_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
    agent: Mapped[Agent | None] = relationship(init=False)
