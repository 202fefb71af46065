"""Retries are normal: whatever is called how often and by how many at once, the rows are the same."""

from __future__ import annotations

import threading
from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm_connector import (
    agents,
    conversations,
    customers,
    database,
    escalations,
    identity_checks,
    opportunities,
    orders,
    ownership,
    recommendations,
    surveys,
    tickets,
)
from crm_connector.choices import Owner, TicketStatus
from crm_connector.columns import Base
from crm_connector.tables import (
    Conversation,
    ConversationEvent,
    Customer,
    InboundMessage,
    Product,
    Ticket,
    TicketChange,
)
from tests.crm_connector import factories
from tests.crm_connector.conftest import empty

THREADS = 4

Call = Callable[[Session], object]


def _customer(session: Session) -> Customer:
    return customers.find_or_create(session, "rest", "ada")


def _append(session: Session) -> None:
    conversation = conversations.find_or_create(session, "ada", "rest")
    key = conversations.MessageKey("rest", "m-1")
    if conversations.seen_message(session, conversation, key) is None:
        conversations.append_events(session, conversation, [{"event": "user", "text": "hi"}], inbound=key)


def _return(session: Session) -> None:
    order = orders.find_order(session, "LC500001", email="anna@example.com")
    assert order is not None
    orders.request_return(session, order, order.lines[0].product, "too bright", now=factories.NOW)


def _recommend(session: Session) -> None:
    product = session.scalars(select(Product)).one()
    recommendations.offer(session, factories.new_recommendation(_customer(session), product))


CALLS: dict[str, Call] = {
    "customer": _customer,
    "events": _append,
    "ticket": lambda s: tickets.open_ticket(s, factories.new_ticket(_customer(s))),
    "escalation": lambda s: escalations.escalate(s, factories.new_escalation(_customer(s))),
    "opportunity": lambda s: opportunities.open_opportunity(s, factories.new_opportunity(_customer(s))),
    "survey": lambda s: surveys.record_survey(s, factories.new_survey(_customer(s))),
    "recommendation": _recommend,
    "return": _return,
    "agent": lambda s: agents.find_or_create(s, "ines@lumen.example", name="Ines"),
    "failed check": lambda s: identity_checks.note_failure(s, "LC500001", "ada", source_key="turn-1"),
    "queue": lambda s: ownership.request_agent(s, conversations.find_or_create(s, "ada", "rest")),
}


def _prepare(store: database.Store) -> None:
    empty(store)
    with store.session() as session:
        factories.an_order(session, number="LC500001")


def _counts(store: database.Store) -> dict[str, int]:
    """How many rows each table has."""
    with store.reading() as session:
        return {
            table.name: session.scalar(select(func.count()).select_from(table)) or 0
            for table in Base.metadata.sorted_tables
        }


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=15)
@given(names=st.lists(st.sampled_from(sorted(CALLS)), max_size=12))
def test_any_sequence_of_retries_leaves_the_same_rows(store: database.Store, names: list[str]) -> None:
    """Calls repeated in any order leave as many rows as each of them once."""
    _prepare(store)
    for name in dict.fromkeys(names):
        with store.session() as session:
            CALLS[name](session)
    once = _counts(store)
    _prepare(store)
    for name in names:
        with store.session() as session:
            CALLS[name](session)
    assert _counts(store) == once


def _together(store: database.Store, *calls: Call) -> list[object]:
    """Run each call in a thread and a transaction of its own, all at once; results by call, errors raised."""
    results: list[object] = [None] * len(calls)
    barrier = threading.Barrier(len(calls))

    def run(index: int, call: Call) -> None:
        try:
            barrier.wait(timeout=30)
            with store.session() as session:
                results[index] = call(session)
        except Exception as error:  # noqa: BLE001 - the thread of the test raises it
            results[index] = error

    threads = [threading.Thread(target=run, args=item) for item in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    for result in results:
        if isinstance(result, Exception):
            raise result
    return results


def test_the_same_ticket_at_once_is_one_ticket(store: database.Store) -> None:
    """Threads that open one key get one row with one history."""
    with store.session() as session:
        customer = factories.a_customer(session)
    opened = _together(
        store, *[lambda s: tickets.open_ticket(s, factories.new_ticket(customer)).id] * THREADS
    )
    assert len(set(opened)) == 1
    counts = _counts(store)
    assert (counts["tickets"], counts["ticket_changes"]) == (1, 1)


def test_the_same_sender_at_once_is_one_customer(store: database.Store) -> None:
    """Threads that hear a new sender for the first time make one customer, and none without an identity."""
    found = _together(store, *[lambda s: _customer(s).id] * THREADS)
    assert len(set(found)) == 1
    counts = _counts(store)
    assert (counts["customers"], counts["channel_identities"]) == (1, 1)


def test_the_same_message_at_once_is_heard_once(store: database.Store) -> None:
    """Of threads that append the turn of one message one wins, the others are told of the duplicate."""
    with store.session() as session:
        conversation_id = factories.a_conversation(session).id

    def append(session: Session) -> bool:
        conversation = session.get_one(Conversation, conversation_id)
        key = conversations.MessageKey("rest", "m-1")
        try:
            with session.begin_nested():
                conversations.append_events(session, conversation, [{"event": "user"}] * 3, inbound=key)
        except conversations.DuplicateMessage:
            return False
        return True

    assert sorted(map(bool, _together(store, *[append] * THREADS))) == [False] * (THREADS - 1) + [True]
    counts = _counts(store)
    assert (counts[ConversationEvent.__tablename__], counts[InboundMessage.__tablename__]) == (3, 1)


def test_events_of_many_writers_have_no_gaps(store: database.Store) -> None:
    """Threads that append to one conversation number their events one after the other."""
    with store.session() as session:
        conversation_id = factories.a_conversation(session).id

    def append(session: Session) -> tuple[int, int]:
        conversation = session.get_one(Conversation, conversation_id)
        return conversations.append_events(session, conversation, [{"event": "bot"}, {"event": "action"}])

    ranges = _together(store, *[append] * THREADS)
    assert sorted(ranges, key=str) == [(1, 3), (3, 5), (5, 7), (7, 9)]
    with store.reading() as session:
        conversation = session.get_one(Conversation, conversation_id)
        assert conversation.last_sequence == 2 * THREADS
        stored = conversations.load_events(session, conversation)
    assert [event.sequence for event in stored] == list(range(1, 2 * THREADS + 1))
    assert [event.data["event"] for event in stored] == ["bot", "action"] * THREADS


def test_two_agents_claim_and_one_wins(store: database.Store) -> None:
    """A waiting conversation goes to exactly one of those who reach for it."""
    with store.session() as session:
        conversation = factories.a_conversation(session)
        hands = [factories.an_agent(session) for _ in range(THREADS)]
        ownership.request_agent(session, conversation)

    def claiming(index: int) -> Call:
        return lambda s: ownership.claim(s, s.get_one(Conversation, conversation.id), hands[index])

    won = _together(store, *map(claiming, range(THREADS)))
    assert won.count(True) == 1
    with store.reading() as session:
        owned = session.get_one(Conversation, conversation.id)
        assert (owned.owner, owned.agent_id) == (Owner.AGENT, hands[won.index(True)].id)


def test_the_same_return_at_once_is_one_return(store: database.Store) -> None:
    """A double click sends a product back once."""
    _prepare(store)
    _together(store, *[_return] * THREADS)
    assert _counts(store)["returns"] == 1


def test_a_status_set_at_once_is_told_once(store: database.Store) -> None:
    """Threads that resolve one ticket leave one line in its history."""
    with store.session() as session:
        ticket_id = tickets.open_ticket(session, factories.new_ticket(factories.a_customer(session))).id

    def resolve(session: Session) -> bool:
        ticket = session.get_one(Ticket, ticket_id)
        return tickets.set_status(session, ticket, TicketStatus.RESOLVED, actor="Ines")

    assert sorted(map(bool, _together(store, *[resolve] * THREADS))) == [False] * (THREADS - 1) + [True]
    with store.reading() as session:
        told = session.scalars(select(TicketChange.field).where(TicketChange.ticket_id == ticket_id)).all()
    assert sorted(told) == ["opened", "status"]
