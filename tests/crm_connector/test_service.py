"""Tickets, escalations, recommendations, opportunities and surveys."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy.orm import Session

from crm_connector import (
    agents,
    database,
    escalations,
    opportunities,
    products,
    recommendations,
    surveys,
    tickets,
)
from crm_connector.choices import (
    EscalationStatus,
    OrderStatus,
    Priority,
    RecommendationStatus,
    Stage,
    TicketStatus,
)
from crm_connector.recommendations import Purchase
from crm_connector.tables import Escalation, EscalationSentence
from tests.crm_connector import factories


@pytest.mark.parametrize(
    "spelling", ["{0}", " {0} ", "t{1}", "t {1}"], ids=["as-is", "blanks", "short", "split"]
)
def test_tickets_are_found_by_their_number(session: Session, spelling: str) -> None:
    """However the number is written, it finds the ticket, and a customer finds only her own."""
    mara, other = factories.a_customer(session), factories.a_customer(session)
    ticket = tickets.open_ticket(session, factories.new_ticket(mara))
    number = spelling.format(ticket.number, ticket.number[2:])
    assert tickets.find_ticket(session, number) is ticket
    assert tickets.find_ticket(session, number, customer=mara) is ticket
    assert tickets.find_ticket(session, number, customer=other) is None


@pytest.mark.parametrize(
    "number", ["", "T-", "T-1", "T-99999", "T-999999999", "X-10001", "T-10001; --", "T-１０００１"]
)
def test_no_number_no_ticket(session: Session, number: str) -> None:
    """What is no number of a ticket finds nothing and breaks nothing."""
    assert tickets.find_ticket(session, number) is None


def test_a_ticket_has_a_history(session: Session) -> None:
    """Every change is told once, with who did it, what was and what is."""
    ticket = tickets.open_ticket(session, factories.new_ticket(factories.a_customer(session)))
    agent = factories.an_agent(session)
    assert tickets.assign(session, ticket, agent, actor="Ines")
    assert not tickets.assign(session, ticket, agent, actor="Ines")
    assert tickets.set_priority(session, ticket, Priority.HIGH, actor="bot")
    assert tickets.set_status(session, ticket, TicketStatus.PENDING, actor="Ines")
    assert not tickets.set_status(session, ticket, TicketStatus.PENDING, actor="Ines")
    note = tickets.add_note(session, ticket, "called her", actor="Ines", source_key="n-1")
    assert tickets.add_note(session, ticket, "called her", actor="Ines", source_key="n-1") is note
    told = [(row.actor, row.field, row.old_value, row.new_value) for row in tickets.history(session, ticket)]
    assert told == [
        ("bot", "opened", None, "open"),
        ("Ines", "agent_id", None, str(agent.id)),
        ("bot", "priority", "normal", "high"),
        ("Ines", "status", "open", "pending"),
        ("Ines", "note", None, "called her"),
    ]


def test_closed_is_final(session: Session) -> None:
    """A closed ticket changes no more; closing it again is harmless."""
    ticket = tickets.open_ticket(session, factories.new_ticket(factories.a_customer(session)))
    tickets.set_status(session, ticket, TicketStatus.CLOSED, actor="Ines")
    assert not tickets.set_status(session, ticket, TicketStatus.CLOSED, actor="Ines")
    with pytest.raises(tickets.TicketClosed, match=ticket.number):
        tickets.set_status(session, ticket, TicketStatus.OPEN, actor="Ines")
    assert ticket.status == TicketStatus.CLOSED


def test_a_ticket_opened_again_keeps_its_words(session: Session) -> None:
    """The retry gets the first ticket, not its own words over it."""
    customer = factories.a_customer(session)
    first = tickets.open_ticket(session, factories.new_ticket(customer, subject="first"))
    assert tickets.open_ticket(session, factories.new_ticket(customer, subject="second")) is first
    assert first.subject == "first"
    assert tickets.tickets_of(session, customer) == [first]


def test_an_escalation_keeps_its_sources(session: Session) -> None:
    """The summary comes back sentence by sentence with what each rests on."""
    customer = factories.a_customer(session)
    stored = escalations.escalate(session, factories.new_escalation(customer))
    session.expire_all()
    assert [(line.text, line.sources) for line in stored.sentences] == [
        ("The parcel is late.", ["m-1"]),
        ("She is angry.", ["m-2", "slot:sentiment"]),
    ]
    assert escalations.escalate(session, factories.new_escalation(customer)) is stored


def test_a_summary_invents_nothing(session: Session) -> None:
    """A sentence that rests on nothing is refused with the whole escalation."""
    escalation = factories.new_escalation(factories.a_customer(session), sources=())
    with pytest.raises(escalations.UntracedSentence, match="sentence 1"):
        escalations.escalate(session, escalation)
    assert escalations.open_escalations(session) == []


def test_one_agent_accepts_an_escalation(session: Session) -> None:
    """The first one has it, the second is told no, and a solved one is open to nobody."""
    escalation = escalations.escalate(session, factories.new_escalation(factories.a_customer(session)))
    ines, omar = factories.an_agent(session), factories.an_agent(session)
    assert escalations.accept(session, escalation, ines)
    assert escalations.accept(session, escalation, ines)
    assert not escalations.accept(session, escalation, omar)
    assert escalation.agent_id == ines.id
    escalations.resolve(session, escalation)
    assert not escalations.accept(session, escalation, omar)
    assert escalation.status == EscalationStatus.RESOLVED


def test_recommendations_are_decided_once(session: Session) -> None:
    """Offering again gives the same row; a decision keeps its first time."""
    customer, product = factories.a_customer(session), factories.a_product(session)
    first = recommendations.offer(session, factories.new_recommendation(customer, product))
    assert recommendations.offer(session, factories.new_recommendation(customer, product)) is first
    other_turn = factories.new_recommendation(customer, product, source_key="turn-2")
    assert recommendations.offer(session, other_turn) is other_turn
    recommendations.decide(session, first, RecommendationStatus.ACCEPTED)
    decided_at = first.decided_at
    recommendations.decide(session, first, RecommendationStatus.ACCEPTED)
    assert decided_at is not None
    assert first.decided_at == decided_at
    assert recommendations.recommendations_for(session, customer) == [other_turn, first]


def test_purchases_add_up(session: Session) -> None:
    """The matrix counts pieces over all orders but the cancelled ones."""
    mara, omar = factories.a_customer(session), factories.a_customer(session)
    lamp, kettle = factories.a_product(session), factories.a_product(session)
    for status in (OrderStatus.DELIVERED, OrderStatus.SHIPPED, OrderStatus.CANCELLED):
        factories.an_order(session, customer=mara, product=lamp, status=status)
    factories.an_order(session, customer=omar, product=kettle)
    cells = [Purchase(mara.id, lamp.id, 4), Purchase(omar.id, kettle.id, 2)]
    assert recommendations.purchases(session) == cells
    assert recommendations.purchases(session, customer=mara) == cells[:1]


def test_opportunities_end(session: Session) -> None:
    """An opportunity moves freely until it is won or lost."""
    customer = factories.a_customer(session)
    deal = opportunities.open_opportunity(session, factories.new_opportunity(customer))
    assert opportunities.open_opportunity(session, factories.new_opportunity(customer)) is deal
    assert opportunities.set_stage(session, deal, Stage.PROPOSAL)
    assert opportunities.set_stage(session, deal, Stage.QUALIFIED)
    assert deal.closed_at is None
    assert opportunities.set_stage(session, deal, Stage.WON)
    assert not opportunities.set_stage(session, deal, Stage.WON)
    assert deal.closed_at is not None
    with pytest.raises(opportunities.OpportunityClosed, match="won"):
        opportunities.set_stage(session, deal, Stage.LEAD)
    assert opportunities.opportunities_of(session, customer) == [deal]


def test_surveys_count_once(session: Session) -> None:
    """A survey sent twice is one; the mean is over all, none before the first."""
    customer = factories.a_customer(session)
    assert surveys.mean_rating(session) is None
    for source_key, rating in (("a", 5), ("b", 2), ("a", 1)):
        surveys.record_survey(session, factories.new_survey(customer, source_key=source_key, rating=rating))
    assert surveys.mean_rating(session) == 3.5


@pytest.mark.parametrize("rating", [0, 6, -1])
def test_ratings_have_five_steps(session: Session, rating: int) -> None:
    """No other mark is taken."""
    with pytest.raises(ValueError, match="expected 1 to 5"):
        surveys.record_survey(session, factories.new_survey(factories.a_customer(session), rating=rating))


def test_agents_are_known_by_email(session: Session) -> None:
    """The same e-mail is the same agent; who left is not active."""
    ines = agents.find_or_create(session, "Ines@lumen.example ", name="Ines")
    assert agents.find_or_create(session, "ines@LUMEN.example", name="Other") is ines
    omar = agents.find_or_create(session, "omar@lumen.example", name="Omar")
    omar.is_active = False
    assert agents.active_agents(session) == [ines]


def test_products_are_found(session: Session) -> None:
    """By code and name in any spelling, by words in both languages, within a price; not what is off sale."""
    lamp = factories.a_product(session, code="LC-LM-310", name="Nook 310 smart lamp", price="89.90")
    cheap = factories.a_product(session, code="LC-LM-110", name="Dot night light", price="24.90")
    gone = factories.a_product(session, code="LC-LM-999", name="Old smart lamp")
    gone.is_active = False
    for name in ("lc-lm-310", "LCLM310", "nook 310  Smart Lamp"):
        assert products.find_product(session, name) is lamp
    assert products.find_product(session, "Old smart lamp") is None
    assert products.search(session, "SMART lamp please") == [lamp, cheap]
    assert products.search(session, "台灯", limit=1) == [cheap]
    assert products.search(session, "smart lamp", max_price=Decimal(50)) == [cheap]
    assert products.search(session, "lamp", category="kettle") == []
    assert products.search(session, "") == []
    assert products.categories(session) == ["lamp"]
    assert (lamp.name_in("zh"), lamp.name_in(None), lamp.description_in("zh")) == (
        "台灯", "Nook 310 smart lamp", "无频闪的暖光"
    )  # fmt: skip


def test_a_revised_escalation_has_the_new_summary_alone(store: database.Store) -> None:
    """What was written before is gone, however often it is revised, and an invented sentence is refused."""
    with store.session() as session:
        row = escalations.escalate(session, factories.new_escalation(factories.a_customer(session)))
        for _ in range(2):
            new = [EscalationSentence(position=1, text="It is about LC500001.", sources=["m-3"])]
            escalations.revise(
                session, row, wanted="a refund", tried=["asked"], open_questions=[], sentences=new
            )
        invented = [EscalationSentence(position=1, text="All is well.", sources=[])]
        with pytest.raises(escalations.UntracedSentence):
            escalations.revise(session, row, wanted="", tried=[], open_questions=[], sentences=invented)
    with store.reading() as session:
        stored = session.get_one(Escalation, row.id)
        assert [line.text for line in stored.sentences] == ["It is about LC500001."]
        assert (stored.wanted, stored.tried, stored.open_questions) == ("a refund", ["asked"], [])
