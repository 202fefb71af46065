"""Open pages hear of what changes, whoever changes it, and what waits is given out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from crm_connector import conversations, ownership
from crm_connector.choices import Owner, Presence, Role
from crm_connector.desk import accounts, assignment
from crm_connector.desk.opening_hours import OpeningHours
from crm_connector.tables import Clock, Conversation, ServiceLevel
from desk.access import Desk
from desk.changes import Changes, News


def _conversation(desk: Desk, sender_id: str = "ada") -> int:
    with desk.store.session() as session:
        return conversations.find_or_create(session, sender_id, "rest").id


def _say(desk: Desk, conversation_id: int) -> None:
    with desk.store.session() as session:
        conversation = session.get_one(Conversation, conversation_id)
        conversations.append_events(session, conversation, [{"event": "user", "text": "x", "timestamp": 1.0}])


async def _until(news: list[News], holds: Callable[[News], object]) -> News:
    """The first news for which something holds."""
    async with asyncio.timeout(20):
        while True:
            for one in news:
                if holds(one):
                    return one
            await asyncio.sleep(0.02)


async def test_pages_hear_of_new_messages(desk: Desk) -> None:
    """Each conversation with something new is named; who stopped listening hears nothing."""
    id_, heard, unheard = _conversation(desk), [], []
    changes = Changes(desk.store, is_giving_out=False)
    changes.subscribe(heard.append)
    stop = changes.subscribe(unheard.append)
    stop()
    changes.start()
    try:
        await asyncio.sleep(0.4)
        await asyncio.to_thread(_say, desk, id_)
        assert (await _until(heard, lambda one: one.conversation_ids)).conversation_ids == {id_}
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


async def test_a_promise_that_runs_out_is_told_once(desk: Desk) -> None:
    """Also one that ran out while nothing was running."""
    id_ = _conversation(desk)
    with desk.store.session() as session:
        session.add(ServiceLevel(name="all", hours=OpeningHours().as_json(), first_response_min=30))
    with desk.store.session() as session:
        ownership.request_agent(session, session.get_one(Conversation, id_))
        for clock in session.query(Clock):
            clock.due_at = clock.warn_at = datetime.now(UTC) - timedelta(hours=1)
    heard: list[News] = []
    for _ in range(2):
        changes = Changes(desk.store)
        changes.subscribe(heard.append)
        changes.start()
        await asyncio.sleep(0.5)
        await changes.close()
    alerts = [alert for one in heard for alert in one.alerts]
    assert [(alert.text, alert.is_urgent) for alert in alerts] == [("Too late: first response", True)]


async def test_a_store_that_is_away_is_asked_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """One failed look does not end the watch."""
    id_, heard = _conversation(desk), []
    changes = Changes(desk.store, is_giving_out=False)
    look, failures = changes._look, iter([RuntimeError("away"), RuntimeError("away")])

    def fails_first(marks: object) -> object:
        error = next(failures, None)
        if error is not None:
            raise error
        return look(marks)

    monkeypatch.setattr(changes, "_look", fails_first)
    changes.subscribe(heard.append)
    changes.start()
    try:
        await asyncio.sleep(1.2)
        await asyncio.to_thread(_say, desk, id_)
        await _until(heard, lambda one: one.conversation_ids)
    finally:
        await changes.close()
