"""Sales that may come of a conversation."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_connector.choices import Stage
from crm_connector.columns import storable, utc_now
from crm_connector.database import insert_once
from crm_connector.tables import Customer, Opportunity

_FINAL = (Stage.WON, Stage.LOST)


class OpportunityClosed(Exception):
    """The opportunity is won or lost, and that is final."""


def open_opportunity(session: Session, opportunity: Opportunity) -> Opportunity:
    """Store an opportunity, or return the one that was opened under the same `source_key` before."""
    opportunity.source_key = storable(opportunity.source_key)
    return insert_once(session, opportunity, Opportunity.source_key == opportunity.source_key)


def opportunities_of(session: Session, customer: Customer) -> list[Opportunity]:
    """All opportunities of a customer, newest first."""
    query = select(Opportunity).where(Opportunity.customer_id == customer.id)
    return list(session.scalars(query.order_by(Opportunity.id.desc())))


def set_stage(session: Session, opportunity: Opportunity, stage: Stage) -> bool:
    """Move an opportunity, forwards or back; False when it was there already.

    Raises:
        OpportunityClosed: It is won or lost.
    """
    session.refresh(opportunity, with_for_update=True)
    if opportunity.stage == stage:
        return False
    if opportunity.stage in _FINAL:
        raise OpportunityClosed(
            f"opportunity {opportunity.id} is {opportunity.stage}, it cannot become {stage}"
        )
    opportunity.stage = stage
    opportunity.updated_at = utc_now()
    opportunity.closed_at = opportunity.updated_at if stage in _FINAL else None
    session.flush()
    return True
