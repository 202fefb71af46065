"""Customers are told who answers, and which place in the queue they have."""

from __future__ import annotations

from sqlalchemy.orm import Session

from crm_connector import conversations, ownership
from crm_connector.choices import Owner, Severity
from crm_connector.columns import utc_now
from crm_connector.desk.standings import ConversationStanding, standings
from crm_connector.ownership import Matter
from crm_connector.tables import Conversation
from tests.crm_connector.factories import an_agent


def begun(session: Session, sender_id: str) -> Conversation:
    """A conversation of one event."""
    conversation = conversations.find_or_create(session, sender_id, "web_widget")
    conversations.append_events(session, conversation, [{"event": "user", "text": "hi"}])
    return conversation


def test_each_conversation_stands_where_it_is(session: Session) -> None:
    """The bot's, those that wait with their places, an agent's; one that does not exist is left out."""
    agent = an_agent(session)
    begun(session, "with bot")
    ownership.request_agent(session, begun(session, "patient"))
    ownership.request_agent(session, begun(session, "urgent"), Matter(severity=Severity.CRITICAL))
    claimed = begun(session, "with agent")
    ownership.request_agent(session, claimed)
    ownership.claim(session, claimed, agent)
    found = standings(session, ["with bot", "patient", "urgent", "with agent", "nobody"], utc_now())
    assert {standing.sender_id: standing for standing in found} == {
        "with bot": ConversationStanding("with bot", Owner.BOT, 1),
        "patient": ConversationStanding("patient", Owner.QUEUE, 1, position=2),
        "urgent": ConversationStanding("urgent", Owner.QUEUE, 1, position=1),
        "with agent": ConversationStanding("with agent", Owner.AGENT, 2, agent=agent.name),
    }


def test_a_place_counts_all_who_wait(session: Session) -> None:
    """Who asks for one conversation learns its place among all, not among those asked for."""
    for sender_id in ("first", "second"):
        ownership.request_agent(session, begun(session, sender_id))
    [second] = standings(session, ["second"], utc_now())
    assert second.position == 2
