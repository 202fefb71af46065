"""Webhooks hear of what they asked for, in the transaction of the change, and of nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_connector import conversations, deliveries, escalations, ownership, tickets
from crm_connector.choices import Outcome, TicketStatus
from crm_connector.columns import JSONObject
from crm_connector.database import Store
from crm_connector.outgoing_events import EventType, hears
from crm_connector.tables import Delivery, Ticket
from tests.crm_connector import factories


def listen(session: Session, **webhooks: Sequence[str]) -> None:
    """Let webhooks hear of events."""
    deliveries.set_targets(session, {f"webhook:{name}": events for name, events in webhooks.items()})


def told(session: Session, name: str = "shop") -> list[JSONObject]:
    """What a webhook is to be told, in order."""
    query = select(Delivery).where(Delivery.channel == f"webhook:{name}").order_by(Delivery.id)
    return [(row.payloads or [{}])[0] for row in session.scalars(query)]


def types(session: Session, name: str = "shop") -> list[str]:
    """The types of what a webhook is to be told."""
    return [str(event["type"]) for event in told(session, name)]


def a_ticket(session: Session, *, source_key: str = "turn-1") -> Ticket:
    """Open a ticket as an action does."""
    customer = factories.a_customer(session)
    return tickets.open_ticket(session, factories.new_ticket(customer, source_key=source_key))


@pytest.mark.parametrize(
    ("patterns", "heard"),
    [
        (["*"], set(EventType)),
        (["ticket.opened"], {EventType.TICKET_OPENED}),
        (["ticket.*"], {EventType.TICKET_OPENED, EventType.TICKET_CHANGED}),
        ([], set()),
    ],
    ids=["all", "one", "a kind", "none"],
)
def test_patterns_name_events(patterns: list[str], heard: set[EventType]) -> None:
    """A name stands for itself, a beginning with a star for all that begin so."""
    assert {event for event in EventType if hears(patterns, event)} == heard


def test_a_tickets_life_is_told(session: Session) -> None:
    """Opening, each change and each note are told once, with what changed and how it stands now."""
    listen(session, shop=["ticket.*"])
    ticket = a_ticket(session)
    assert a_ticket(session) is ticket
    tickets.set_status(session, ticket, TicketStatus.PENDING, actor="Ines")
    tickets.set_status(session, ticket, TicketStatus.PENDING, actor="Ines")
    for _ in range(2):
        tickets.add_note(session, ticket, "called her", actor="Ines", source_key="n1")
    opened, changed, noted = told(session)
    assert types(session) == ["ticket.opened", "ticket.changed", "ticket.changed"]
    assert opened["data"]["number"] == ticket.number
    assert opened["data"]["subject"] == "Late parcel"
    assert changed["data"]["change"] == {"field": "status", "old": "open", "new": "pending"}
    assert changed["data"]["actor"] == "Ines"
    assert noted["data"]["change"] == {"field": "note"}


def test_an_escalations_life_is_told(session: Session) -> None:
    """Opening, accepting and resolving are told once each, however often they are asked for."""
    listen(session, shop=["escalation.*"])
    agent = factories.an_agent(session)
    customer = factories.a_customer(session)
    for _ in range(2):
        escalation = escalations.escalate(session, factories.new_escalation(customer))
    for _ in range(2):
        escalations.accept(session, escalation, agent)
    for _ in range(2):
        escalations.resolve(session, escalation)
    assert types(session) == ["escalation.opened", "escalation.accepted", "escalation.resolved"]
    assert told(session)[1]["data"]["agent"] == "Ines"


def test_a_conversations_owners_are_told(session: Session) -> None:
    """Beginning, queue, agent, and how the stay with people ended."""
    listen(session, shop=["conversation.*"])
    agent = factories.an_agent(session)
    for _ in range(2):
        conversation = conversations.find_or_create(session, "ada", "telegram")
    ownership.request_agent(session, conversation)
    ownership.claim(session, conversation, agent)
    ownership.hand_back(session, conversation, agent)
    ownership.request_agent(session, conversation)
    ownership.claim(session, conversation, agent)
    ownership.hand_back(session, conversation, agent, outcome=Outcome.SOLVED)
    assert types(session) == [
        "conversation.started",
        "conversation.queued",
        "conversation.handed_over",
        "conversation.handed_back",
        "conversation.queued",
        "conversation.handed_over",
        "conversation.resolved",
    ]
    data = told(session)[2]["data"]
    assert (data["sender_id"], data["channel"], data["agent"]) == ("ada", "telegram", "Ines")
    assert told(session)[-1]["data"]["outcome"] == "solved"


def test_each_webhook_hears_what_it_asked_for(session: Session) -> None:
    """One event goes to all who hear of it, under one id, and to nobody else."""
    listen(session, shop=["ticket.opened"], desk=["*"], other=["escalation.*"])
    a_ticket(session)
    assert types(session, "shop") == ["ticket.opened"]
    assert types(session, "other") == []
    assert told(session, "shop")[0]["id"] == told(session, "desk")[-1]["id"]


def test_events_of_one_subject_share_a_lane(session: Session) -> None:
    """What happens to a ticket is told in order, beside what happens to others."""
    listen(session, shop=["ticket.*"])
    first, second = a_ticket(session), a_ticket(session, source_key="turn-2")
    tickets.set_status(session, first, TicketStatus.PENDING, actor="bot")
    lanes = list(session.scalars(select(Delivery.sender_id).order_by(Delivery.id)))
    assert lanes == [f"ticket {first.number}", f"ticket {second.number}", f"ticket {first.number}"]


def test_without_a_webhook_nothing_is_kept(session: Session) -> None:
    """Where nobody listens events leave no rows, whatever channels are queued."""
    deliveries.set_targets(session, {"telegram": ()})
    a_ticket(session)
    assert list(session.scalars(select(Delivery))) == []


def test_an_event_is_told_only_if_the_change_is_kept(store: Store) -> None:
    """What is rolled back has not happened, for webhooks too."""
    with store.session() as session:
        listen(session, shop=["*"])

    def open_and_fail() -> None:
        with store.session() as session:
            a_ticket(session)
            raise LookupError

    with pytest.raises(LookupError):
        open_and_fail()
    with store.reading() as session:
        assert told(session) == []
