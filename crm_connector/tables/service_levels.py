"""Service levels: what was promised, in which working hours, and the clocks that run."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm_connector.choices import Severity, Target
from crm_connector.columns import Base, JSONObject, choice, utc_now
from crm_connector.tables.desk import Handoff
from crm_connector.tables.service import Ticket


class ServiceLevel(Base, kw_only=True):
    """What is promised to customers whose matter is at least this severe; the severest that fits counts.

    The times are working minutes by `hours` (see `crm_connector.desk.opening_hours`); None promises nothing.
    `channels` and `languages` narrow it down, none means all.
    """

    __tablename__ = "service_levels"
    __table_args__ = (UniqueConstraint("name", name="uq_service_levels_name"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    name: Mapped[str]
    hours: Mapped[JSONObject]
    least_severity: Mapped[Severity] = mapped_column(
        choice(Severity, "ck_service_levels_severity"), default=Severity.LOW
    )
    channels: Mapped[list[str]] = mapped_column(default_factory=list)
    languages: Mapped[list[str]] = mapped_column(default_factory=list)
    first_response_min: Mapped[int | None] = mapped_column(default=None)
    next_response_min: Mapped[int | None] = mapped_column(default=None)
    resolution_min: Mapped[int | None] = mapped_column(default=None)
    warn_before_min: Mapped[int] = mapped_column(default=5)
    updated_at: Mapped[datetime] = mapped_column(default_factory=utc_now)


class Clock(Base, kw_only=True):
    """One promised time that runs, ran out, or was kept: for a handoff or a ticket, never both.

    `due_at` is fixed when the clock starts, working hours counted in; it is breached when it is stopped
    later, or not stopped by then. `warned_at` and `breached_at` are when somebody was told.
    """

    __tablename__ = "clocks"
    __table_args__ = (
        UniqueConstraint("source_key", name="uq_clocks_source_key"),
        CheckConstraint("(handoff_id IS NULL) <> (ticket_id IS NULL)", name="ck_clocks_subject"),
        Index("ix_clocks_due", "stopped_at", "due_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    source_key: Mapped[str]
    level_id: Mapped[int] = mapped_column(ForeignKey("service_levels.id", name="fk_clocks_level"))
    target: Mapped[Target] = mapped_column(choice(Target, "ck_clocks_target"))
    due_at: Mapped[datetime]
    warn_at: Mapped[datetime]
    handoff_id: Mapped[int | None] = mapped_column(
        ForeignKey("handoffs.id", name="fk_clocks_handoff", ondelete="CASCADE"), default=None, index=True
    )
    ticket_id: Mapped[int | None] = mapped_column(
        ForeignKey("tickets.id", name="fk_clocks_ticket", ondelete="CASCADE"), default=None, index=True
    )
    started_at: Mapped[datetime] = mapped_column(default_factory=utc_now)
    stopped_at: Mapped[datetime | None] = mapped_column(default=None)
    warned_at: Mapped[datetime | None] = mapped_column(default=None)
    breached_at: Mapped[datetime | None] = mapped_column(default=None)
    level: Mapped[ServiceLevel] = relationship(init=False)
    handoff: Mapped[Handoff | None] = relationship(init=False)
    ticket: Mapped[Ticket | None] = relationship(init=False)
