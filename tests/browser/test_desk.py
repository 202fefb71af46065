"""The desk in a real browser: two agents at work, by mouse and by keyboard; nothing a customer wrote runs."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from axe_core_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.desk_server import PASSWORD

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
PAGES = ("tickets", "opportunities", "reports", "training", "replies", "service-levels", "accounts", "audit")

SignIn = Callable[..., Page]


class DeskServer:
    """The process that serves the desk; it can be killed and started again."""

    def __init__(self, store: Path) -> None:
        self._store = store
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port: int = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and wait until it answers."""
        command = [sys.executable, "-m", "tests.browser.desk_server", str(self._store), str(self._port)]
        self._process = subprocess.Popen(command, cwd=ROOT)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            assert self._process.poll() is None, "the desk ended by itself"
            try:
                if httpx.get(f"{self.url}/health").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        raise AssertionError("the desk did not become well")

    def kill(self) -> None:
        """End it without a word."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DeskServer]:
    """Serve a desk with three customers who wait."""
    server = DeskServer(tmp_path / "crm.db")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def sign_in(browser: Browser, server: DeskServer) -> Iterator[SignIn]:
    """Sign somebody in, in a browser profile of her own; no script error is allowed."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_desk(email: str = "anna@example.com", **options: object) -> Page:
        settings = {"locale": "en-GB", "reduced_motion": "reduce", "viewport": {"width": 1440, "height": 900}}
        context = browser.new_context(**(settings | options))  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{server.url}/desk/")
        page.get_by_label("E-mail").fill(email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("button", name=re.compile("^Unassigned")).wait_for()
        return page

    yield open_desk
    for context in contexts:
        context.close()
    assert complaints == []


def _open_first(page: Page) -> None:
    page.get_by_role("button", name=re.compile("^Unassigned")).click()
    page.locator(".conv").first.click()
    page.locator(".thread").wait_for()


def _violations(page: Page) -> list[str]:
    found = Axe().run(page, options=RULES)["violations"]
    return [f"{rule['id']}: {node['html'][:200]}" for rule in found for node in rule["nodes"]]


def test_of_two_agents_one_claims_and_answers(sign_in: SignIn) -> None:
    """Both see the same list; the other one sees at once who has it, and reads along."""
    anna, ben = sign_in(), sign_in("ben@example.com")
    for page in (anna, ben):
        _open_first(page)
    expect(anna.locator(".thread")).to_contain_text("Ben is looking")
    anna.get_by_role("button", name="Claim").click()
    expect(anna.locator(".thread")).to_contain_text("You answer")
    expect(ben.locator(".thread")).to_contain_text("Anna answers")
    expect(ben.get_by_role("button", name="Claim")).to_have_count(0)
    anna.get_by_role("textbox", name="Reply").fill("/hel")
    anna.get_by_role("option").first.wait_for()
    anna.keyboard.press("Enter")
    anna.keyboard.press("Control+Enter")
    expect(anna.locator(".line.agent")).to_contain_text("Hello Ada, this is Anna.")
    expect(ben.locator(".line.agent")).to_contain_text("Hello Ada, this is Anna.")
    ben.get_by_role("textbox", name="Private note").fill("Ada is a friend of ours")
    ben.get_by_role("button", name="Keep note").click()
    expect(anna.locator(".line.note")).to_contain_text("Ada is a friend of ours")
    anna.get_by_role("button", name="Resolve").click()
    anna.get_by_role("button", name="Solved", exact=True).click()
    expect(anna.locator(".thread")).to_contain_text("The bot answers")


def test_a_whole_claim_by_keyboard(sign_in: SignIn) -> None:
    """Choose with j, reach Claim with Tab, write, send, and ask for the keys with ?"""
    page = sign_in()
    page.get_by_role("button", name=re.compile("^Unassigned")).press("Enter")
    page.locator(".conv").first.wait_for()
    page.keyboard.press("j")
    page.locator(".thread").wait_for()
    claim = page.get_by_role("button", name="Claim")
    claim.focus()
    page.keyboard.press("Enter")
    reply = page.get_by_role("textbox", name="Reply")
    expect(reply).to_be_enabled()
    reply.focus()
    page.keyboard.type("Good morning")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".line.agent")).to_contain_text("Good morning")
    page.get_by_role("button", name="Back to the queue").focus()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()


def test_a_restart_in_the_middle_loses_nothing(sign_in: SignIn, server: DeskServer) -> None:
    """The page comes back by itself, still signed in, with the conversation and the draft."""
    page = sign_in()
    _open_first(page)
    page.get_by_role("button", name="Claim").click()
    reply = page.get_by_role("textbox", name="Reply")
    expect(reply).to_be_enabled()
    reply.fill("I was just about to say")
    page.wait_for_timeout(1500)  # a draft is kept when the typing pauses
    server.kill()
    server.start()
    page.reload()
    page.get_by_role("button", name=re.compile("^Mine")).click()
    page.locator(".conv").first.click()
    expect(page.get_by_role("textbox", name="Reply")).to_have_value("I was just about to say")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_accessible_and_runs_nothing_that_a_customer_wrote(
    sign_in: SignIn, server: DeskServer, scheme: str
) -> None:
    """Axe finds nothing, and words with markup in them stay words."""
    page = sign_in(color_scheme=scheme, bypass_csp=True)
    _open_first(page)
    expect(page.locator(".line.customer")).to_contain_text("<img src=x")
    assert _violations(page) == []
    for name in PAGES:
        page.goto(f"{server.url}/desk/{name}")
        page.locator(".title").first.wait_for()
        page.wait_for_timeout(700)  # charts and lists arrive after the page
        assert _violations(page) == [], name
        assert page.evaluate("window.stolen") is None, name


def test_pages_are_closed_to_those_without_the_role(sign_in: SignIn, server: DeskServer) -> None:
    """An agent neither sees the way to the accounts nor gets in by its address."""
    page = sign_in("ben@example.com")
    expect(page.get_by_role("link", name="Accounts")).to_have_count(0)
    for name in ("reports", "training", "replies", "service-levels", "accounts", "audit"):
        page.goto(f"{server.url}/desk/{name}")
        expect(page.get_by_role("alert")).to_contain_text("Your role does not open this page")
