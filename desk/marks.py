"""How far the store has come, in one small question: whatever agents can see has left a mark there."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm_connector.tables import AuditEntry, ConversationEvent, Handoff, Note


@dataclass(frozen=True, slots=True)
class Marks:
    """The last ids."""

    event: int
    handoff: int
    note: int
    audit: int

    def covers(self, other: Marks) -> bool:
        """Whether what was read here knows all that was there at the other one."""
        return (
            self.event >= other.event
            and self.handoff >= other.handoff
            and self.note >= other.note
            and self.audit >= other.audit
        )


_LAST = select(
    *(
        select(func.coalesce(func.max(table.id), 0)).scalar_subquery()
        for table in (ConversationEvent, Handoff, Note, AuditEntry)
    )
)


def read_marks(session: Session) -> Marks:
    """Where the store is now."""
    return Marks(*session.execute(_LAST).one())
