"""The people at the desk."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_connector.database import insert_once
from crm_connector.tables import Agent


def find_or_create(session: Session, email: str, *, name: str) -> Agent:
    """The agent with this e-mail; an existing one keeps the name she has."""
    email = email.strip().lower()
    return insert_once(session, Agent(email=email, name=name), Agent.email == email)


def active_agents(session: Session) -> list[Agent]:
    """All agents who work here now, by name."""
    return list(session.scalars(select(Agent).where(Agent.is_active).order_by(Agent.name, Agent.id)))
