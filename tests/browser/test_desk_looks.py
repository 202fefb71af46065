"""How the desk looks at work: in bounds and accessible, light and dark, wide and on a phone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_core_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from bot.dialogue.messages import JSON
from tests.browser.desk_screens import PHONE, SCREENS, WIDE, served, settle, show_conversation, signed_in

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]  # twenty screens, each looked at twice

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
TABLET: JSON = {"viewport": {"width": 1024, "height": 768}, "reduced_motion": "reduce"}
# Chinese differs from English in its words alone, and dialogs with few fields from those with many.
LOOKED_AT = [name for name in SCREENS if name not in ("chinese", "reports-below", "reply", "new-account")]

# A page hears of another colour scheme when it is drawn next, and the fields of NiceGUI change with it.
NEXT_FRAME = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
OUT_OF_PLACE = Path(__file__).with_name("out_of_place.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve five weeks of work."""
    with served(tmp_path_factory.mktemp("desk")) as url:
        yield url


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    """What browsers wrote into their consoles as errors: nothing."""
    complaints: list[str] = []
    yield complaints
    assert complaints == []


def _listen(page: Page, complaints: list[str]) -> None:
    def hear(line: ConsoleMessage) -> None:
        if line.type == "error":
            complaints.append(line.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: complaints.append(str(error)))


def _violations(page: Page) -> list[str]:
    found = Axe().run(page, options=RULES)["violations"]
    return [f"{rule['id']}: {node['html'][:200]}" for rule in found for node in rule["nodes"]]


def _problems(page: Page) -> list[str]:
    """What is out of place, and what axe finds in either colour scheme."""
    problems: list[str] = list(page.evaluate(OUT_OF_PLACE))
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.evaluate(NEXT_FRAME)
        problems += [f"{scheme}: {one}" for one in _violations(page)]
    return problems


@pytest.mark.parametrize("options", [WIDE, PHONE], ids=["wide", "phone"])
def test_every_screen_is_in_bounds_and_accessible(
    browser: Browser, desk: str, complaints: list[str], options: JSON
) -> None:
    """Nothing is too wide, cut off or on top of something else; axe finds nothing, light or dark."""
    problems: dict[str, list[str]] = {}
    with signed_in(browser, desk, bypass_csp=True, **options) as context:
        page = context.new_page()
        _listen(page, complaints)
        for name in LOOKED_AT:
            SCREENS[name](page, desk)
            settle(page)
            problems[name] = _problems(page)
    assert {name: found for name, found in problems.items() if found} == {}


@pytest.mark.parametrize("options", [WIDE, PHONE], ids=["wide", "phone"])
def test_the_way_in_is_in_bounds_and_accessible(
    browser: Browser, tmp_path: Path, complaints: list[str], options: JSON
) -> None:
    """The first account is made, its owner finds an empty desk and signs out."""
    with served(tmp_path, "empty") as url, browser.new_context(bypass_csp=True, **options) as context:
        page = context.new_page()
        _listen(page, complaints)
        first_run_path = page.request.get(f"{url}/health").json()["first_run_path"]
        page.goto(f"{url}{first_run_path}")
        assert _problems(page) == []
        page.get_by_label("Your name").fill("Ines")
        page.get_by_label("E-mail").fill("ines@example.com")
        page.get_by_label("Password").fill("correct horse battery")
        page.get_by_role("button").click()
        page.get_by_text("You have no conversations").wait_for()
        settle(page)
        assert _problems(page) == []
        menu = page.get_by_role("button", name="Menu")
        if menu.is_visible():
            menu.click()
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url("**/desk/sign-in")
        assert _problems(page) == []


@pytest.mark.parametrize("options", [PHONE, TABLET], ids=["phone", "tablet"])
def test_panes_without_room_come_one_after_the_other(browser: Browser, desk: str, options: JSON) -> None:
    """List, conversation and customer lead to each other and back; what is written is always in reach."""
    is_phone = options is PHONE
    with signed_in(browser, desk, **options) as context:
        page = context.new_page()
        show_conversation(page, desk)
        reply, customer = page.get_by_role("textbox", name="Reply"), page.locator(".profile")
        conversations = page.get_by_role("region", name="Conversations")
        expect(reply).to_be_in_viewport(ratio=1)
        expect(page.get_by_role("button", name="Send")).to_be_in_viewport(ratio=1)
        expect(conversations).to_be_visible(visible=not is_phone)
        expect(customer).to_be_hidden()
        page.get_by_role("button", name="Customer", exact=True).click()
        expect(customer).to_contain_text("anna@example.com")
        expect(reply).to_be_visible(visible=not is_phone)
        customer.get_by_role("button", name="Back to the conversation").click()
        expect(customer).to_be_hidden()
        expect(reply).to_be_in_viewport(ratio=1)
        if is_phone:
            page.get_by_role("button", name="More").click()
            page.get_by_role("button", name="Snooze…").click()
            page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
            page.get_by_role("button", name="Back to the list").click()
            expect(conversations).to_be_visible()


def test_a_screen_that_moves_something_out_of_place_is_noticed(browser: Browser, desk: str) -> None:
    """The look itself sees what is too wide, cut off, outside or covered."""
    squeezed = "width: 2rem; overflow: hidden; white-space: nowrap"
    harm: dict[str, Callable[[str], str]] = {
        "wider than the screen": lambda q: f"document.querySelector('{q}').style.minWidth = '120vw'",
        "cut off": lambda q: f"document.querySelector('{q}').style = '{squeezed}'",
        "lies over": lambda q: f"document.querySelector('{q}').style.marginTop = '-3rem'",
    }
    places = {
        "wider than the screen": ".top",
        "cut off": ".tile-title",
        "lies over": ".lane-tabs button:last-child",
    }
    with signed_in(browser, desk, **PHONE) as context:
        page = context.new_page()
        for problem, place in places.items():
            SCREENS["tickets"](page, desk)
            settle(page)
            assert page.evaluate(OUT_OF_PLACE) == []
            page.evaluate(harm[problem](place))
            assert any(problem in found for found in page.evaluate(OUT_OF_PLACE)), problem
