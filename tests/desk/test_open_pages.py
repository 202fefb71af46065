"""Stolen, expired and ended sign-ins, also on pages that are open."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack

import httpx
import pytest
from sqlalchemy.orm import Session
from structlog.testing import capture_logs
from websockets.exceptions import InvalidStatus, WebSocketException

from benchmarks.desk_page import LIST, THREAD, DeskPage, PageRefused
from crm_connector import conversations, ownership
from crm_connector.choices import Role
from crm_connector.desk import accounts
from crm_connector.tables import Account, Conversation
from desk.sign_in import COOKIE
from tests.desk.people import PASSWORD
from tests.desk.served_desk import Served, email_of


def _conversation(served: Served) -> int:
    with served.desk.store.session() as session:
        conversation = conversations.find_or_create(session, "ada-000001", "web_widget")
        ownership.request_agent(session, conversation)
        return conversation.id


def _end_sign_out(served: Served, page: DeskPage) -> None:
    headers = {"origin": served.url, "cookie": page.cookie}
    assert httpx.post(f"{served.url}/desk/sign-out", headers=headers).status_code == 303


def _end_password(served: Served, _page: DeskPage) -> None:
    with served.desk.store.session() as session:
        accounts.set_password(session, _agent(session), "another long password")


def _end_account(served: Served, _page: DeskPage) -> None:
    with served.desk.store.session() as session:
        accounts.close(session, _agent(session))


def _agent(session: Session) -> Account:
    account = accounts.find(session, email_of(Role.AGENT))
    assert account is not None
    return account


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while True:
            if holds():
                return
            await asyncio.sleep(0.05)


@pytest.fixture
def agent(served: Served) -> Iterator[str]:
    """The e-mail of an agent whose account is open and whose password is known."""
    served.token(Role.AGENT)
    yield email_of(Role.AGENT)
    with served.desk.store.session() as session:
        account = _agent(session)
        accounts.reopen(session, account)
        accounts.set_password(session, account, PASSWORD)
        accounts.set_roles(session, account, [Role.AGENT])


@pytest.mark.parametrize("end", [_end_sign_out, _end_password, _end_account])
async def test_an_open_page_ends_with_its_sign_in(
    served: Served, agent: str, end: Callable[[Served, DeskPage], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its socket does nothing more, closes, and does not open again; that is logged."""
    monkeypatch.setattr("desk.guard._ASKED_EVERY_S", 0.0)
    conversation_id = await asyncio.to_thread(_conversation, served)
    async with DeskPage.open(served.url, agent, PASSWORD) as page:
        await page.emit(LIST, "open", conversation_id)
        await _until(lambda: bool(page.props(THREAD)))
        with capture_logs() as logs:
            await asyncio.to_thread(end, served, page)
            await page.emit(THREAD, "act", {"name": "claim"})
            await _until(lambda: not page.is_open)
        assert "desk connection closed, signed out" in {line["event"] for line in logs}
        with capture_logs() as logs, pytest.raises(WebSocketException) as refusal:
            await page.again()
        assert isinstance(refusal.value, InvalidStatus)
        assert "desk connection refused" in {line["event"] for line in logs}
    with served.desk.store.reading() as session:
        assert session.get_one(Conversation, conversation_id).agent_id is None


async def test_an_open_page_loses_what_its_role_gave(served: Served, agent: str) -> None:
    """A call over its socket is refused the moment the role is gone, and logged."""
    conversation_id = await asyncio.to_thread(_conversation, served)
    async with DeskPage.open(served.url, agent, PASSWORD) as page:
        await page.emit(LIST, "open", conversation_id)
        await _until(lambda: bool(page.props(THREAD)))
        notices: list[str] = []
        page.on_notice = notices.append
        with served.desk.store.session() as session:
            accounts.set_roles(session, _agent(session), [Role.BOT_DEVELOPER])
        with capture_logs() as logs:
            await page.emit(THREAD, "act", {"name": "claim"})
            await _until(lambda: any("does not allow" in one for one in notices))
        assert ("refused at the desk", "conversations") in {
            (line["event"], line.get("permission")) for line in logs
        }
    with served.desk.store.reading() as session:
        assert session.get_one(Conversation, conversation_id).agent_id is None


async def test_a_stolen_page_is_no_way_in(served: Served, agent: str) -> None:
    """Who knows the number of somebody's page, but has no cookie or comes from elsewhere, cannot join it."""
    async with AsyncExitStack() as pages:
        page = await pages.enter_async_context(DeskPage.open(served.url, agent, PASSWORD))
        with pytest.raises(WebSocketException):
            await page.again(cookie=f"{COOKIE}=guessed")
        with pytest.raises(WebSocketException):
            await page.again(origin="https://evil.example")


async def test_wrong_passwords_are_refused_and_logged(served: Served, agent: str) -> None:
    """Each guess, and that there were too many; the right password does not help then."""
    with capture_logs() as logs:
        for _ in range(6):
            with pytest.raises(PageRefused):
                async with DeskPage.open(served.url, agent, "a wrong password"):
                    pass
        with pytest.raises(PageRefused, match="429"):
            async with DeskPage.open(served.url, agent, PASSWORD):
                pass
    events = [line["event"] for line in logs]
    assert events.count("sign-in refused") == 5
    assert events.count("too many attempts to sign in") == 2
