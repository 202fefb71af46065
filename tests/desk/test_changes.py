"""Open pages hear of what changes, whoever changes it, and what waits is given out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from crm_connector import conversations, database, ownership, tickets
from crm_connector.choices import ComplaintCategory, Owner, Presence, Role
from crm_connector.columns import utc_now
from crm_connector.desk import accounts, assignment, audit
from crm_connector.desk.opening_hours import OpeningHours
from crm_connector.tables import Account, Clock, Conversation, Customer, ServiceLevel, Ticket
from desk.access import Desk
from desk.changes import Changes, News
from desk.deeds import conversations as deeds


def _conversation(desk: Desk, sender_id: str = "ada") -> int:
    with desk.store.session() as session:
        return conversations.find_or_create(session, sender_id, "rest").id


def _say(desk: Desk, conversation_id: int) -> None:
    with desk.store.session() as session:
        conversation = session.get_one(Conversation, conversation_id)
        conversations.append_events(session, conversation, [{"event": "user", "text": "x", "timestamp": 1.0}])


async def _until(news: list[News], holds: Callable[[News], object]) -> News:
    """The first news for which something holds."""
    async with asyncio.timeout(60):
        while True:
            for one in news:
                if holds(one):
                    return one
            await asyncio.sleep(0.02)


async def test_pages_hear_of_new_messages(desk: Desk) -> None:
    """Each conversation with something new is named; who stopped listening hears nothing."""
    id_ = _conversation(desk)
    heard: list[News] = []
    unheard: list[News] = []
    changes = Changes(desk.store, is_giving_out=False)
    changes.subscribe(heard.append)
    stop = changes.subscribe(unheard.append)
    stop()
    changes.start()
    try:
        await _say_until_heard(desk, id_, heard)
    finally:
        await changes.close()
    assert unheard == []


async def test_what_waits_is_given_to_who_is_there(desk: Desk, signed_in: Callable[..., str]) -> None:
    """The agent is told; the conversation is hers."""
    signed_in(Role.AGENT)
    id_ = _conversation(desk)
    with desk.store.session() as session:
        account = accounts.all_accounts(session)[0]
        assignment.sign_of_life(session, account, Presence.ONLINE, datetime.now(UTC))
        ownership.request_agent(session, session.get_one(Conversation, id_))
    heard: list[News] = []
    changes = Changes(desk.store)
    changes.subscribe(heard.append)
    changes.start()
    try:
        alert = (await _until(heard, lambda one: one.alerts)).alerts[0]
    finally:
        await changes.close()
    assert (alert.conversation_id, alert.agent_id) == (id_, account.agent_id)
    with desk.store.reading() as session:
        assert session.get_one(Conversation, id_).owner == Owner.AGENT


async def _say_until_heard(desk: Desk, conversation_id: int, heard: list[News]) -> None:
    """What was said before the watcher's first look is no news: say it again."""
    async with asyncio.timeout(60):
        while not any(one.conversation_ids for one in heard):
            await asyncio.to_thread(_say, desk, conversation_id)
            await asyncio.sleep(0.3)
    assert {one.conversation_ids for one in heard if one.conversation_ids} == {frozenset({conversation_id})}


def _promised(store: database.Store, *, ago: timedelta) -> None:
    """A promise to somebody who waits, broken so long ago."""
    with store.session() as session:
        conversation = conversations.find_or_create(session, "ada", "rest")
        session.add(ServiceLevel(name="all", hours=OpeningHours().as_json(), first_response_min=30))
        session.flush()
        ownership.request_agent(session, conversation)
        for clock in session.scalars(select(Clock)):
            clock.due_at = clock.warn_at = utc_now() - ago


def _told(heard: list[News]) -> list[tuple[str, bool]]:
    return [(alert.text, alert.is_urgent) for one in heard for alert in one.alerts]


async def test_a_promise_that_ran_out_while_nothing_was_running_is_told_once(desk: Desk) -> None:
    """The first server that somebody listens to tells it, and none after it; also without giving out."""
    _promised(desk.store, ago=timedelta(hours=9))
    heard: list[News] = []
    changes = Changes(desk.store, is_giving_out=False)
    changes.subscribe(heard.append)
    changes.start()
    await _until(heard, lambda one: one.alerts)
    await changes.close()
    again = Changes(desk.store)
    again.subscribe(heard.append)
    again._give_out(is_heard=True)
    await changes.close()
    assert _told(heard) == [("Too late: first response for Visitor ada", True)]
    with desk.store.reading() as session:
        [line] = audit.entries(session)
        assert (line.actor, line.action) == ("desk", "promise.broken")


def test_an_alarm_names_the_customer(desk: Desk) -> None:
    """Whoever hears of it knows whom to answer, and of which ticket it is."""
    with desk.store.session() as session:
        session.add(
            ServiceLevel(name="all", hours=OpeningHours().as_json(), first_response_min=30, resolution_min=60)
        )
        customer = Customer(name="Ada Lovelace", email="ada@example.com")
        session.add(customer)
        session.flush()
        conversation = conversations.find_or_create(session, "ada", "rest", customer_id=customer.id)
        ownership.request_agent(session, conversation)
        ticket = Ticket(
            source_key="t", customer_id=customer.id, category=ComplaintCategory.DELIVERY, subject="Late"
        )
        tickets.open_ticket(session, ticket)
        for clock in session.scalars(select(Clock)):
            clock.warn_at = utc_now() - timedelta(minutes=1)
    changes = Changes(desk.store)
    before, _ = changes._look(None)
    changes._give_out(is_heard=True)
    _, news = changes._look(before)
    assert news is not None
    assert sorted(alert.text for alert in news.alerts) == [
        "Due soon: first response for Ada Lovelace",
        "Due soon: resolution for Ada Lovelace",
        "Due soon: resolution for Ada Lovelace, ticket T-10001",
    ]


async def test_what_nobody_would_hear_waits_for_the_first_page(desk: Desk) -> None:
    """A server that starts before its agents come keeps the alarm for them."""
    _promised(desk.store, ago=timedelta(minutes=1))
    changes = Changes(desk.store)
    changes._give_out(is_heard=False)
    with desk.store.reading() as session:
        assert audit.entries(session) == []
    heard: list[News] = []
    changes.start()
    changes.subscribe(heard.append)
    await _until(heard, lambda one: one.alerts)
    await changes.close()
    assert _told(heard) == [("Too late: first response for Visitor ada", True)]


@pytest.mark.postgresql
async def test_two_processes_tell_their_own_pages_once_each(new_postgresql: Callable[[], str]) -> None:
    """Whichever of them finds the breach, the agents of both hear of it, and it is written down once."""
    url = new_postgresql()
    with database.open(url) as one, database.open(url) as other:
        processes = [Changes(store) for store in (one, other)]
        heard: list[list[News]] = [[], []]
        for changes, into in zip(processes, heard, strict=True):
            changes.subscribe(into.append)
            changes.start()
        await asyncio.sleep(0)
        await asyncio.to_thread(_promised, one, ago=timedelta(minutes=1))
        for into in heard:
            await _until(into, lambda news: news.alerts)
        for changes in processes:
            await asyncio.to_thread(changes._give_out, is_heard=True)
        await asyncio.gather(*(changes.close() for changes in processes))
        assert [_told(into) for into in heard] == [[("Too late: first response for Visitor ada", True)]] * 2
        with one.reading() as session:
            assert [line.action for line in audit.entries(session)] == ["promise.broken"]


async def test_an_alarm_goes_to_who_has_the_matter_unless_she_is_gone(
    desk: Desk, signed_in: Callable[..., str]
) -> None:
    """What only somebody absent would hear is told to all."""
    signed_in(Role.AGENT)
    _promised(desk.store, ago=timedelta(minutes=1))
    changes = Changes(desk.store, is_giving_out=False)
    with desk.store.session() as session:
        account = accounts.all_accounts(session)[0]
        assignment.sign_of_life(session, account, Presence.ONLINE, utc_now())
        [conversation] = ownership.waiting(session)
        ownership.claim(session, conversation, account.agent)
    before, _ = changes._look(None)
    changes._give_out(is_heard=True)
    marks, news = changes._look(before)
    assert news is not None
    assert [alert.agent_id for alert in news.alerts] == [account.agent_id]
    with desk.store.session() as session:
        for clock in session.scalars(select(Clock)):
            clock.breached_at = None
        gone = session.get_one(Account, account.id)
        assignment.sign_of_life(session, gone, Presence.OFFLINE, utc_now())
    changes._give_out(is_heard=True)
    _, news = changes._look(marks)
    assert news is not None
    assert [alert.agent_id for alert in news.alerts] == [None]


@pytest.mark.parametrize("gives_out", [True, False])
def test_whose_agent_is_gone_waits_again(desk: Desk, signed_in: Callable[..., str], gives_out: bool) -> None:
    """Also where conversations are not given out: she would wait for ever."""
    signed_in(Role.AGENT)
    id_ = _conversation(desk)
    with desk.store.session() as session:
        account, conversation = accounts.all_accounts(session)[0], session.get_one(Conversation, id_)
        ownership.request_agent(session, conversation)
        ownership.claim(session, conversation, account.agent)
        assignment.sign_of_life(session, account, Presence.ONLINE, utc_now() - timedelta(minutes=3))
    Changes(desk.store, is_giving_out=gives_out)._give_out(is_heard=False)
    with desk.store.reading() as session:
        assert session.get_one(Conversation, id_).owner == Owner.QUEUE
        assert [line.action for line in audit.entries(session)] == ["conversation.release"]


async def test_who_gives_a_conversation_to_somebody_lets_her_know(
    desk: Desk, signed_in: Callable[..., str]
) -> None:
    """The one who gets it hears of it; the one who gives does not."""
    giver, getter = signed_in(Role.SUPERVISOR, name="Boss"), signed_in(Role.AGENT, name="Anna")
    id_ = _conversation(desk)
    with desk.store.session() as session:
        ownership.request_agent(session, session.get_one(Conversation, id_))
    changes = Changes(desk.store, is_giving_out=False)
    before, _ = changes._look(None)
    visitor = desk.visitor(getter)
    assert visitor is not None
    deeds.pass_on(desk, giver, id_, visitor.account_id)
    deeds.pass_on(desk, getter, id_, visitor.account_id)
    _, news = changes._look(before)
    assert news is not None
    assert [(alert.agent_id, alert.conversation_id) for alert in news.alerts] == [(visitor.agent_id, id_)]


async def test_the_bots_own_talk_is_told_apart(desk: Desk, signed_in: Callable[..., str]) -> None:
    """Lists of what is with people need not be read again for it; from asking to the hand-back they do."""
    token = signed_in(Role.AGENT)
    id_ = _conversation(desk)
    changes = Changes(desk.store, is_giving_out=False)
    marks, _ = changes._look(None)
    with desk.store.session() as session:
        conversation = session.get_one(Conversation, id_)
        conversation.owner_since_at = utc_now() - timedelta(hours=1)

    def told(act: Callable[[], object]) -> bool:
        nonlocal marks
        act()
        marks, news = changes._look(marks)
        assert news is not None
        return news.is_of_people

    def ask() -> None:
        with desk.store.session() as session:
            ownership.request_agent(session, session.get_one(Conversation, id_))

    assert not told(lambda: _say(desk, id_))
    assert told(ask)
    assert told(lambda: _say(desk, id_))
    assert told(lambda: deeds.claim(desk, token, id_))
    assert told(lambda: deeds.give_back(desk, token, id_))


async def test_nothing_to_do_takes_no_lock(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """While nothing waits and nothing is due, the watcher only reads."""

    def write(_: object) -> None:
        raise AssertionError("the store was written to")

    monkeypatch.setattr(database.Store, "session", write)
    Changes(desk.store)._give_out(is_heard=True)


async def test_a_store_that_is_away_is_asked_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Failed looks do not end the watch."""
    id_ = _conversation(desk)
    heard: list[News] = []
    changes = Changes(desk.store, is_giving_out=False)
    look, failures = changes._look, iter([RuntimeError("away"), RuntimeError("away")])

    def fails_first(marks: Any) -> object:
        error = next(failures, None)
        if error is not None:
            raise error
        return look(marks)

    monkeypatch.setattr(changes, "_look", fails_first)
    changes.subscribe(heard.append)
    changes.start()
    try:
        await _say_until_heard(desk, id_, heard)
    finally:
        await changes.close()
