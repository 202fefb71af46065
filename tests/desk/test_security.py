"""What somebody who should not could try at the desk: each page and each call, found by looking, not by list.

A page or a call that is added without asking who is there fails here.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType

import httpx
import pytest
from fastapi import FastAPI
from nicegui import Client
from sqlalchemy.orm import Session
from structlog.testing import capture_logs
from websockets.exceptions import InvalidStatus, WebSocketException

import desk as desk_package
import desk.deeds
import desk.pages
import desk.views
from benchmarks.desk_page import LIST, THREAD, DeskPage, PageRefused
from crm_connector import conversations, database, ownership
from crm_connector.choices import ComplaintCategory, Priority, Role
from crm_connector.desk import accounts
from crm_connector.tables import Account, Conversation, Customer, Opportunity, Ticket
from desk.access import MAY, Desk, Forbidden, NotSignedIn
from desk.app import mount
from desk.options import DeskOptions
from desk.pages.frame import DESTINATIONS
from desk.sign_in import COOKIE, OPEN_PATHS
from desk.views.customer import customer_panel
from desk.views.reports import Table
from tests.desk.conftest import PASSWORD
from tests.desk.test_access import CALLS, _call
from tests.server.factories import RunningServer

EVIL = "<img src=x onerror=alert(1)>"
ROOT = Path(desk_package.__file__).parent
PAGES = {
    path: function
    for function, path in Client.page_routes.items()
    if function.__module__.startswith(desk.pages.__name__)
}
REFUSAL = "Your role does not open this page."


class Assistant:
    """An assistant that knows nothing."""

    nlu_folder = Path("nowhere")

    def intents(self) -> list[str]:
        """None."""
        return []

    entities = intents

    async def resolved(self, channel: str, sender_id: str) -> None:
        """Say nothing."""


class Served:
    """A desk that is being served; what somebody of each role needs to sign in is known."""

    def __init__(self, url: str, desk: Desk) -> None:
        self.url = url
        self.desk = desk

    def token(self, *roles: Role) -> str:
        """Sign somebody with these roles in, without a browser."""
        with self.desk.store.session() as session:
            account = accounts.find(session, _email(*roles)) or accounts.create(
                session, _email(*roles), name=EVIL, roles=roles, password=PASSWORD
            )
            return accounts.start(session, account, address="192.0.2.1")

    def get(self, path: str, token: str = "", **headers: str) -> httpx.Response:
        """Ask for a page."""
        cookies = {COOKIE: token} if token else {}
        given = {"accept": "text/html", **headers}
        return httpx.get(f"{self.url}/desk{path}", cookies=cookies, headers=given, timeout=60)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve the whole desk once: NiceGUI is one application in a process."""
    logging.getLogger("nicegui").setLevel(logging.ERROR)
    with database.open(f"sqlite:///{tmp_path_factory.mktemp('desk') / 'crm.db'}") as store:
        app = FastAPI()
        mounted = mount(app, store, DeskOptions(assign=False), assistant=Assistant())
        with RunningServer(app) as server:
            yield Served(server.url, mounted.desk)


def _email(*roles: Role) -> str:
    return f"{'.'.join(sorted(roles))}@example.com"


def _modules(*packages: ModuleType) -> Iterator[ModuleType]:
    for package in packages:
        for info in iter_modules(package.__path__):
            yield import_module(f"{package.__name__}.{info.name}")


# Each page under each role


def test_every_page_is_known() -> None:
    """What the menu leads to is registered, and nothing else is: a new page needs its permission there."""
    assert set(PAGES) == {place.path for place in DESTINATIONS}
    assert len(PAGES) == len(DESTINATIONS)


@pytest.mark.parametrize("path", PAGES)
def test_without_signing_in_no_page_is_shown(served: Served, path: str) -> None:
    """Strangers are led to the form, with any cookie, and it is logged."""
    for token in ("", "guessed", "x" * 5000):
        with capture_logs() as logs:
            answer = served.get(path, token)
        assert (answer.status_code, answer.headers["location"]) == (303, "/desk/sign-in")
        assert [line["event"] for line in logs] == ["desk request refused"]


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("path", PAGES)
def test_each_page_opens_to_its_roles_alone(served: Served, path: str, role: Role) -> None:
    """Who may not sees a sentence and nothing else, and it is logged who tried."""
    permission = next(place.permission for place in DESTINATIONS if place.path == path)
    with capture_logs() as logs:
        body = served.get(path, served.token(role)).text
    refused = [line for line in logs if line["event"] == "page refused at the desk"]
    if permission in MAY[role]:
        assert REFUSAL not in body
        assert refused == []
    else:
        assert REFUSAL in body
        assert '"id":"content"' not in body
        assert [(line["email"], line["permission"]) for line in refused] == [(_email(role), permission)]


@pytest.mark.parametrize("path", PAGES)
def test_no_page_carries_what_somebody_wrote_as_markup(served: Served, path: str) -> None:
    """Names and words travel as data with their angle brackets written otherwise."""
    answer = served.get(path, served.token(*Role))
    assert answer.status_code == 200
    assert EVIL not in answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["cache-control"] == "no-store"


def test_every_other_path_below_the_desk_is_closed(served: Served) -> None:
    """Files of the framework, its sockets by polling, what does not exist: all but the way in."""
    paths = (
        "/_nicegui/x.js",
        "/_nicegui_ws/socket.io/?EIO=4&transport=polling",
        "/static/desk.css",
        "/nothing",
    )
    for path in (*paths, "/sign-out"):
        assert served.get(path, accept="*/*").status_code == 401, path
    assert {path for path in OPEN_PATHS if "sign" not in path} == {
        "/desk/first-run", "/desk/provider", "/desk/provider/back"
    }  # fmt: skip


# Each call under each role


def test_everything_that_reaches_the_store_asks_who_is_there() -> None:
    """Public functions of deeds and views take the desk with a token, or a transaction that somebody has."""
    known = {function.__qualname__ for function in CALLS}
    for module in _modules(desk.deeds, desk.views):
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ != module.__name__ or name.startswith("_"):
                continue
            parameters = inspect.signature(function).parameters.values()
            takes = " ".join(str(one.annotation) for one in parameters)
            if "Desk" in takes.replace("Deed", "") or "Store" in takes:
                assert function.__qualname__ in known, f"{module.__name__}.{name} asks for no token"


def test_pages_reach_the_store_through_deeds_and_views_alone() -> None:
    """No page opens a transaction of its own, or acts for another token than its visitor's."""
    for module in _modules(desk.pages):
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            if isinstance(node, ast.Attribute):
                assert node.attr not in ("act", "store", "session", "reading"), (
                    f"{module.__name__}:{node.lineno}"
                )


@pytest.mark.parametrize("function", CALLS, ids=lambda one: f"{one.__module__}.{one.__name__}")
def test_each_refused_call_is_logged(
    desk: Desk, signed_in: Callable[..., str], function: Callable[..., object]
) -> None:
    """Of a stranger what was wanted, of somebody without the role also who she is."""
    with capture_logs() as logs, pytest.raises(NotSignedIn):
        _call(function, desk, "guessed")
    assert [line["event"] for line in logs] == ["refused at the desk, nobody is signed in"]
    permission = logs[0]["permission"]
    without = next(role for role in Role if permission not in MAY[role])
    with capture_logs() as logs, pytest.raises(Forbidden):
        _call(function, desk, signed_in(without))
    assert [(line["event"], line["permission"]) for line in logs] == [("refused at the desk", permission)]
    assert logs[0]["email"].endswith(f".{without}@example.com")


# Markup and formulas


def test_nothing_in_the_desk_writes_markup() -> None:
    """No component and no page has a way in which words become markup or code."""
    for path in sorted(ROOT.rglob("*.js")):
        for way in ("v-html", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert way not in path.read_text(encoding="utf-8"), f"{path.name}: {way}"
    ways = ("html", "markdown", "run_javascript", "add_body_html", "add_css", "mermaid", "interactive_image")
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                where = f"{path.name}:{node.lineno}"
                owner = node.func.value
                is_nicegui = isinstance(owner, ast.Name) and owner.id in ("ui", "app")
                assert not (is_nicegui and node.func.attr in ways), where
                if node.func.attr in ("props", "add_head_html"):
                    assert all(_is_ours(argument) for argument in node.args), f"{where}: set it by its name"


def _is_ours(argument: ast.expr) -> bool:
    """Whether a text is written in the source: what is put into one could bring properties of its own."""
    if isinstance(argument, ast.IfExp):
        return _is_ours(argument.body) and _is_ours(argument.orelse)
    if isinstance(argument, ast.BinOp):
        return _is_ours(argument.left) and _is_ours(argument.right)
    if isinstance(argument, ast.JoinedStr):
        return all(_is_ours(part) for part in argument.values)
    if isinstance(argument, ast.FormattedValue):
        return _is_ours(argument.value)
    return isinstance(argument, ast.Constant)


def test_every_download_passes_the_guard_against_formulas() -> None:
    """Nothing is offered to be saved but tables as CSV, and those escape what a spreadsheet would compute."""
    downloads = []
    for path in sorted(ROOT.rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        downloads += re.findall(r"ui\.download\.?\w*\(([^,]*),", source)
    assert downloads == ["table.csv().encode()"]
    cells = ("=cmd|' /C calc'!A0", "+1", "-1", "@SUM(1)", "\t=1")
    table = Table("agents", "By agent", ("Agent",), tuple((cell,) for cell in cells))
    for line, cell in zip(table.csv().splitlines()[1:], cells, strict=True):
        assert line.strip('"').startswith(f"'{cell[:3]}")


# Other people's things


def test_a_panel_shows_its_own_customer_alone(desk: Desk, signed_in: Callable[..., str]) -> None:
    """Tickets, sales and conversations of another customer are not among hers."""
    ids = []
    with desk.store.session() as session:
        for name in ("Ada", "Bo"):
            customer = Customer(name=name, email=f"{name}@example.com")
            session.add(customer)
            session.flush()
            for number in range(2):
                sender_id = f"{name}-{number}"
                conversation = conversations.find_or_create(
                    session, sender_id, "rest", customer_id=customer.id
                )
            ids.append(conversation.id)
            session.add_all(
                (
                    Ticket(
                        source_key=name, customer_id=customer.id, category=ComplaintCategory.OTHER,
                        subject=f"of {name}", priority=Priority.LOW,
                    ),
                    Opportunity(source_key=name, customer_id=customer.id, title=f"of {name}"),
                )
            )  # fmt: skip
    token = signed_in(Role.AGENT)
    for id_, name, other in ((ids[0], "Ada", "Bo"), (ids[1], "Bo", "Ada")):
        panel = str(customer_panel(desk, token, id_))
        assert f"of {name}" in panel
        assert f"of {other}" not in panel
        assert other not in panel


def test_what_a_customer_holds_opens_nothing(served: Served) -> None:
    """The secret of a conversation, its public name and a bearer token are no cookie of the desk."""
    with served.desk.store.session() as session:
        conversations.find_or_create(session, "visitor-secret-of-the-widget", "web_widget")
    for path in PAGES:
        answer = served.get(path, "visitor-secret-of-the-widget", authorization="Bearer visitor-secret")
        assert answer.status_code == 303


# Stolen, expired and ended sign-ins, also on pages that are open


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
        accounts.set_password(session, _account(session, Role.AGENT), "another long password")


def _end_account(served: Served, _page: DeskPage) -> None:
    with served.desk.store.session() as session:
        accounts.close(session, _account(session, Role.AGENT))


def _account(session: Session, role: Role) -> Account:
    account = accounts.find(session, _email(role))
    assert account is not None
    return account


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while True:
            if holds():
                return
            await asyncio.sleep(0.05)


@pytest.fixture
def agent(served: Served) -> Iterator[str]:
    """The e-mail of an agent whose account is open and whose password is known."""
    served.token(Role.AGENT)
    yield _email(Role.AGENT)
    with served.desk.store.session() as session:
        account = _account(session, Role.AGENT)
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
            accounts.set_roles(session, _account(session, Role.AGENT), [Role.BOT_DEVELOPER])
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
