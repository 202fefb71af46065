"""Every screen of the desk, at work: for pictures, and for what has to hold on each of them.

`python -m tests.browser.desk_screens FOLDER` takes a picture of each, light and dark, wide and on a phone.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from bot.dialogue.messages import JSON
from tests.browser.chromium import launch
from tests.browser.desk_server import PASSWORD
from tests.browser.desk_work import ME
from tests.browser.processes import free_port, wait_until_well

ROOT = Path(__file__).parents[2]
# Without motion no look falls into a change of colours that is half done.
WIDE: JSON = {"viewport": {"width": 1440, "height": 900}, "reduced_motion": "reduce"}
PHONE: JSON = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
    "reduced_motion": "reduce",
}

Show = Callable[[Page, str], None]


def _page(name: str, *, ready: str = ".title") -> Show:
    def show(page: Page, url: str) -> None:
        page.goto(f"{url}/desk/{name}")
        page.locator(ready).first.wait_for()

    return show


def show_list(page: Page, url: str) -> None:
    """The queue, most urgent first."""
    page.goto(f"{url}/desk/")
    page.get_by_role("button", name=re.compile("^Unassigned")).click()
    page.locator(".conv").nth(3).wait_for()


def show_conversation(page: Page, url: str) -> None:
    """One of one's own, with its handoff card from the top."""
    _open(page, url, "Mine", "Anna Bergström")
    page.locator(".said").evaluate("node => node.scrollTo(0, 0)")


def show_chinese(page: Page, url: str) -> None:
    """One in Chinese, at its end."""
    _open(page, url, "Unassigned", "李雷")


def show_right_to_left(page: Page, url: str) -> None:
    """One in Arabic."""
    _open(page, url, "Unassigned", "ليلى حداد")


def show_long(page: Page, url: str) -> None:
    """A name and a message that do not end."""
    _open(page, url, "Unassigned", "Maximiliane")


def show_note(page: Page, url: str) -> None:
    """A canned reply being chosen."""
    _open(page, url, "Mine", "Anna Bergström")
    page.get_by_role("textbox", name="Reply").fill("/l")
    page.get_by_role("option").first.wait_for()


def show_keys(page: Page, url: str) -> None:
    """What the keys do, and the switch for those of a single letter."""
    show_list(page, url)
    page.get_by_role("button", name="Keys").click()
    page.get_by_role("dialog").wait_for()


def show_customer(page: Page, url: str) -> None:
    """Who writes: on a phone behind a button."""
    _open(page, url, "Mine", "Anna Bergström")
    button = page.get_by_role("button", name="Customer", exact=True)
    if button.is_visible():
        button.click()
    page.locator(".profile h2").wait_for()


def show_resolving(page: Page, url: str) -> None:
    """The question how it ended."""
    _open(page, url, "Mine", "Anna Bergström")
    _act(page, "Resolve")
    page.get_by_role("dialog").wait_for()


def show_ticket(page: Page, url: str) -> None:
    """A ticket with its history."""
    page.goto(f"{url}/desk/tickets?ticket=1")
    page.get_by_role("dialog").wait_for()


def show_reports_below(page: Page, url: str) -> None:
    """The charts and tables further down."""
    page.goto(f"{url}/desk/reports")
    page.locator(".charts canvas, .charts svg").first.wait_for()
    page.locator(".charts").evaluate("node => node.scrollIntoView()")


def show_ways(page: Page, url: str) -> None:
    """The ways to the other pages, which a phone hides behind a button."""
    page.goto(f"{url}/desk/tickets")
    page.locator(".title").first.wait_for()
    button = page.get_by_role("button", name="Menu")
    if button.is_visible():
        button.click()


def _editing(name: str, button: str) -> Show:
    def show(page: Page, url: str) -> None:
        _page(name)(page, url)
        page.get_by_role("button", name=button).first.click()
        page.get_by_role("dialog").wait_for()

    return show


SCREENS: dict[str, Show] = {
    "list": show_list,
    "conversation": show_conversation,
    "chinese": show_chinese,
    "right-to-left": show_right_to_left,
    "long": show_long,
    "canned": show_note,
    "keys": show_keys,
    "customer": show_customer,
    "resolving": show_resolving,
    "menu": show_ways,
    "tickets": _page("tickets", ready=".tile"),
    "ticket": show_ticket,
    "opportunities": _page("opportunities", ready=".tile"),
    "reports": _page("reports", ready=".tiles"),
    "reports-below": show_reports_below,
    "training": _page("training", ready=".doubt"),
    "replies": _page("replies"),
    "reply": _editing("replies", "New reply"),
    "service-levels": _page("service-levels"),
    "service-level": _editing("service-levels", "New service level"),
    "accounts": _page("accounts"),
    "account": _editing("accounts", "Jonas Vogel"),
    "new-account": _editing("accounts", "New account"),
    "audit": _page("audit"),
}


def _open(page: Page, url: str, folder: str, name: str) -> None:
    page.goto(f"{url}/desk/")
    page.get_by_role("button", name=re.compile(f"^{folder}")).click()
    page.locator(".conv", has_text=name).first.click()
    page.locator(".thread", has_text=name).wait_for()


def _act(page: Page, name: str) -> None:
    more = page.get_by_role("button", name="More")
    button = page.get_by_role("button", name=re.compile(f"^{name}"))
    if not button.is_visible() and more.is_visible():
        more.click()
    button.click()


@contextmanager
def served(folder: Path, *arguments: str) -> Iterator[str]:
    """A desk with five weeks of work in a process of its own; with `empty`, one without accounts."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "tests.browser.desk_work", str(folder / "crm.db"), str(port), *arguments]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        wait_until_well(process, url)
        yield url
    finally:
        process.kill()
        process.wait(30)


def signed_in(browser: Browser, url: str, **options: object) -> BrowserContext:
    """A browser profile of somebody with every role."""
    settings = {"locale": "en-GB", "reduced_motion": "reduce"} | options
    context = browser.new_context(**settings)  # type: ignore[arg-type]
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.goto(f"{url}/desk/sign-in")
    page.get_by_label("E-mail").fill(ME)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name=re.compile("^Unassigned")).wait_for()
    page.close()
    return context


# What was asked for is there: letters, pictures in sight, drawings in the charts, the customer at the side.
_AT_REST = """() => document.readyState === "complete" && document.fonts.status === "loaded"
  && [...document.images].every((one) => one.complete || one.loading === "lazy")
  && [...document.querySelectorAll(".nicegui-echart")].every((one) => one.querySelector("canvas, svg"))
  && (!document.querySelector(".thread") || document.querySelector(".profile h2"))
  && document.getAnimations().every((one) => one.playState !== "running")"""


def settle(page: Page) -> None:
    """Wait until nothing is on its way any more."""
    page.wait_for_function(_AT_REST)


def take(browser: Browser, url: str, folder: Path, *, only: str = "") -> None:
    """Take every screen in four ways."""
    for size, options in (("wide", WIDE), ("phone", PHONE)):
        for scheme in ("light", "dark"):
            with signed_in(browser, url, color_scheme=scheme, **options) as context:
                for name, show in SCREENS.items():
                    if not re.search(only, f"{name} {size} {scheme}"):
                        continue
                    page = context.new_page()
                    try:
                        show(page, url)
                    except Exception as error:  # noqa: BLE001 - the other pictures are wanted all the same
                        print(f"{name} {size} {scheme}: {error}", file=sys.stderr)  # noqa: T201
                    settle(page)
                    page.screenshot(path=folder / f"{name}-{size}-{scheme}.png")
                    page.close()


def main() -> None:
    """Serve, look at everything, leave the pictures."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    only = "".join(sys.argv[2:])
    with tempfile.TemporaryDirectory() as store, sync_playwright() as playwright:
        browser = launch(playwright)
        with served(Path(store)) as url:
            take(browser, url, folder, only=only)
        browser.close()


if __name__ == "__main__":
    main()
