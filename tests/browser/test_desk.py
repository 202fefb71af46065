"""The desk in a real browser: two agents at work, a day by keyboard alone; nothing a customer wrote runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.agent import AgentPage
from tests.browser.conftest import NewContext
from tests.browser.desk_server import PASSWORD, DeskServer
from tests.browser.keyboard import Keyboard
from tests.browser.processes import START_LIMIT_S

pytestmark = pytest.mark.browser

PAGES = ("tickets", "opportunities", "reports", "training", "replies", "service-levels", "accounts", "audit")

SignIn = Callable[..., AgentPage]


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskServer]:
    """Serve a desk for all tests."""
    server = DeskServer(tmp_path_factory.mktemp("desk") / "crm.db")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def server(started: DeskServer) -> DeskServer:
    """Serve a desk where three customers wait."""
    started.begin_anew()
    return started


@pytest.fixture
def sign_in(new_context: NewContext, server: DeskServer) -> SignIn:
    """Sign somebody in, in a browser profile of her own."""

    def open_desk(name: str = "Anna", **options: object) -> AgentPage:
        return AgentPage(new_context(**options).new_page(), name).sign_in(server.url)

    return open_desk


def test_of_two_agents_one_claims_and_answers(sign_in: SignIn) -> None:
    """Both see the same list; the other one sees at once who has it, and reads along."""
    anna, ben = sign_in(), sign_in("Ben")
    for agent in (anna, ben):
        agent.open("Unassigned")
    anna.expect_standing("Ben is looking").claim()
    ben.expect_standing("Anna answers")
    expect(ben.page.get_by_role("button", name="Claim")).to_have_count(0)
    anna.reply_box.fill("/hel")
    anna.page.get_by_role("option").first.wait_for()
    anna.reply_box.press("Enter")
    anna.reply_box.press("Control+Enter")
    for agent in (anna, ben):
        expect(agent.said("Hello Ada, this is Anna.")).to_be_visible()
    ben.page.get_by_role("textbox", name="Private note").fill("Ada is a friend of ours")
    ben.act("Keep note")
    expect(anna.log.locator(".line.note")).to_contain_text("Ada is a friend of ours")
    anna.resolve()


def test_a_working_day_without_a_mouse(new_context: NewContext, server: DeskServer) -> None:
    """Sign in, claim, reply, note, canned reply, snooze, assign, resolve, next: the focus is always seen."""
    page = new_context().new_page()
    anna, keys = AgentPage(page, "Anna"), Keyboard(page)
    page.goto(f"{server.url}/desk/")
    keys.expect_focus("E-mail").write("anna@example.com").press("Tab").write(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/desk/")

    keys.tab_to("Unassigned").press("Enter")
    expect(anna.rows).to_have_count(3)
    keys.press("j").expect_focus("Ada").press("c").expect_focus("Reply")
    anna.expect_standing("You answer")
    keys.write("Good morning").press("Control+Enter").expect_focus("Reply")
    expect(anna.said("Good morning")).to_be_visible()
    expect(anna.reply_box).to_have_value("")
    keys.write("/hel")
    expect(page.get_by_role("option")).to_have_count(1)
    keys.press("Enter")
    expect(anna.reply_box).to_have_value("Hello Ada, this is Anna.")
    keys.press("Control+Enter")
    expect(anna.said("Hello Ada, this is Anna.")).to_be_visible()

    keys.press("Escape").expect_focus("Messages").press("n").expect_focus("Private note")
    keys.write("Asks for a refund").press("Control+Enter")
    expect(anna.log.locator(".line.note")).to_contain_text("Asks for a refund")
    keys.press("Escape").press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    keys.expect_focus("Close").press("Escape").expect_focus("Messages")

    keys.press("s").expect_focus("1 hour").press("Enter")
    expect(page.get_by_role("button", name="Wake")).to_be_visible()
    keys.expect_focus("Messages").press("s")
    expect(page.get_by_role("button", name="Snooze…")).to_be_visible()
    keys.press("a").expect_focus("Anna").tab_to("Ben").press("Enter")
    anna.expect_standing("Ben answers")

    keys.expect_focus("Messages").press("j")
    expect(anna.thread.get_by_role("heading", level=2)).not_to_have_text("Ada")
    keys.press("c").expect_focus("Reply").press("Escape").press("e").expect_focus("Solved").press("Enter")
    anna.expect_standing("The bot answers")
    keys.expect_focus("Messages").press("j")
    expect(page.get_by_role("button", name="Claim")).to_be_visible()
    keys.tab_to("Claim").press("Enter").expect_focus("Reply")
    anna.expect_standing("You answer")
    keys.press("Escape").tab_to("Sign out", key="Shift+Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**/desk/sign-in")
    keys.expect_focus("E-mail")


def test_keys_of_a_single_letter_can_be_switched_off(sign_in: SignIn) -> None:
    """Then they do nothing, now and after a reload, and their list says so; on again, they work."""
    anna = sign_in().open("Unassigned")
    page, note = anna.page, anna.page.get_by_role("textbox", name="Private note")
    keys = page.get_by_role("dialog", name="Keys")
    switch = keys.get_by_role("switch", name="Keys of a single letter")

    def turn(says: str) -> None:
        page.get_by_role("button", name="Keys").click()
        switch.click()
        expect(keys).to_contain_text(says)
        keys.get_by_role("button", name="Close").click()
        expect(keys).to_be_hidden()

    def expect_nothing_done() -> None:
        for key in ("n", "j", "?"):
            page.keyboard.press(key)
        expect(note).not_to_be_focused()
        assert page.evaluate("window.deskOpening") is None
        expect(keys).to_be_hidden()

    turn("They are off for your account")
    expect_nothing_done()
    page.reload()
    anna.expect_standing("Waits for a person")
    expect_nothing_done()
    turn("write a reply, a private note")
    page.keyboard.press("n")
    expect(note).to_be_focused()


def test_a_draft_stays_with_its_conversation(sign_in: SignIn) -> None:
    """Also when another one is opened before the typing has paused, and when the page is loaded again."""
    anna = sign_in()
    anna.open("Unassigned").claim()
    anna.reply_box.fill("Dear Ada")
    anna.rows.first.click()
    expect(anna.thread.get_by_role("heading", level=2)).not_to_have_text("Ada")
    anna.claim()
    expect(anna.reply_box).to_have_value("")
    anna.page.reload()
    anna.expect_standing("You answer")
    expect(anna.reply_box).to_have_value("")
    anna.folder("Mine").rows.filter(has_text="Ada").click()
    expect(anna.reply_box).to_have_value("Dear Ada")


def test_a_restart_in_the_middle_loses_nothing(sign_in: SignIn, server: DeskServer) -> None:
    """The page comes back by itself, still signed in, with the conversation, the draft and the cursor."""
    anna = sign_in()
    anna.open("Unassigned").claim()
    anna.reply_box.press_sequentially("I was just")
    server.kill()
    anna.reply_box.press_sequentially(" about to say")
    with anna.page.expect_event("load", timeout=START_LIMIT_S * 1000):
        server.start()
    expect(anna.reply_box).to_have_value("I was just about to say")
    expect(anna.reply_box).to_be_focused()
    anna.expect_standing("You answer")


def test_no_page_runs_anything_that_a_customer_wrote(sign_in: SignIn, server: DeskServer) -> None:
    """Words with markup in them stay words."""
    anna = sign_in().open("Unassigned")
    page = anna.page
    expect(anna.log.locator(".line.customer")).to_contain_text("<img src=x")
    for name in PAGES:
        assert page.evaluate("window.stolen") is None, name
        page.goto(f"{server.url}/desk/{name}")
        page.locator("canvas" if name == "reports" else ".title").first.wait_for()
    assert page.evaluate("window.stolen") is None


def test_pages_are_closed_to_those_without_the_role(sign_in: SignIn, server: DeskServer) -> None:
    """An agent neither sees the way to the accounts nor gets in by its address."""
    page = sign_in("Ben").page
    expect(page.get_by_role("link", name="Accounts")).to_have_count(0)
    for name in ("reports", "training", "replies", "service-levels", "accounts", "audit"):
        page.goto(f"{server.url}/desk/{name}")
        expect(page.get_by_role("alert")).to_contain_text("Your role does not open this page")
