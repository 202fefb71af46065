"""Who could take a conversation, and how much each has to do."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from crm_connector.choices import Owner, Presence, Role
from crm_connector.desk import accounts
from crm_connector.tables import Conversation
from desk.access import Desk, Permission


@dataclass(frozen=True, slots=True)
class Colleague:
    """An agent; `load` is how many conversations she has."""

    account_id: int
    name: str
    presence: Presence
    load: int
    capacity: int


def colleagues(desk: Desk, token: str) -> list[Colleague]:
    """Agents with an open account, by name."""
    with desk.read(token, Permission.CONVERSATIONS) as deed:
        query = (
            select(Conversation.agent_id, func.count())
            .where(Conversation.owner == Owner.AGENT)
            .group_by(Conversation.agent_id)
        )
        loads = {agent_id: count for agent_id, count in deed.session.execute(query)}  # noqa: C416 - for types
        return [
            Colleague(one.id, one.agent.name, one.presence, loads.get(one.agent_id, 0), one.capacity)
            for one in accounts.all_accounts(deed.session)
            if accounts.roles_of(one) & {Role.AGENT, Role.SUPERVISOR}
        ]
