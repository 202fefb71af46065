"""What an open page tells at once, and how much of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import delete, update

from benchmarks.desk_page import DeskPage
from crm_connector import conversations, ownership
from crm_connector.choices import Role
from crm_connector.columns import utc_now
from crm_connector.desk.opening_hours import OpeningHours
from crm_connector.tables import Clock, ServiceLevel
from tests.channels.in_loop import until
from tests.desk.people import PASSWORD
from tests.desk.served_desk import Served, email_of


@pytest.fixture
def promised(served: Served) -> Iterator[Served]:
    """Serve a desk where a first response is promised, as long as the test takes."""
    with served.desk.store.session() as session:
        session.add(ServiceLevel(name="all", hours=OpeningHours().as_json(), first_response_min=30))
    yield served
    with served.desk.store.session() as session:
        session.execute(delete(Clock))
        session.execute(delete(ServiceLevel))


def _break_promises(served: Served, names: list[str]) -> None:
    """Let these customers wait too long, all in one moment."""
    with served.desk.store.session() as session:
        for name in names:
            conversation = conversations.find_or_create(session, f"promised-{name}", "web_widget")
            ownership.request_agent(session, conversation)
        late = utc_now() - timedelta(minutes=1)
        session.execute(update(Clock).values(due_at=late, warn_at=late))


async def test_of_many_alarms_at_once_some_are_told(promised: Served) -> None:
    """Who opens the desk in the morning is told how many there are, and still sees the desk."""
    promised.token(Role.AGENT)
    notices: list[str] = []
    async with DeskPage.open(promised.url, email_of(Role.AGENT), PASSWORD) as page:
        page.on_notice = notices.append
        await asyncio.to_thread(_break_promises, promised, list("abcdef"))
        await until(lambda: "And 3 more" in notices, "the page is told")
    assert notices == [*(f"Too late: first response for Visitor ised-{name}" for name in "abc"), "And 3 more"]
