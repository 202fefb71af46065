"""Make the pictures of the documents: the widget from a running demo, the desk from one with work to do.

`make run`, then `make pictures` in a second terminal.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

from bot.dialogue.messages import JSON
from tests.browser.chromium import launch
from tests.browser.desk_screens import PHONE, SCREENS, WIDE, served, settle, signed_in
from tests.browser.shop_script import ADVICE, LATE
from tests.browser.widget import Widget

PICTURES: dict[str, JSON] = {
    "widget-desktop-en": {"locale": "en-GB", "viewport": {"width": 1120, "height": 720}},
    "widget-phone-zh-dark": {
        "locale": "zh-CN",
        "color_scheme": "dark",
        "viewport": {"width": 390, "height": 844},
        "device_scale_factor": 1.5,
    },
}
DESK: dict[str, tuple[str, JSON]] = {
    "desk-conversation": ("conversation", WIDE),
    "desk-reports-dark": ("reports", {**WIDE, "color_scheme": "dark"}),
    "desk-phone": ("conversation", {**PHONE, "device_scale_factor": 1.5}),
    "desk-tickets": ("tickets", WIDE),
    "desk-training": ("training", WIDE),
}


def take(browser: Browser, url: str, path: Path, options: JSON) -> None:
    """Hold a short conversation and take its picture."""
    language = options["locale"][:2]
    context = browser.new_context(reduced_motion="reduce", **options)
    page = context.new_page()
    page.goto(url)
    widget = Widget(page).open()
    if language == "en":
        widget.write(LATE[language])
        expect(widget.log.locator(".choices").last.get_by_role("button")).to_have_count(2)
    else:
        widget.write(ADVICE[language])
        expect(widget.log.get_by_role("listitem")).to_have_count(3)
    widget.expect_settled()
    page.screenshot(path=path)
    context.close()


def take_desk(browser: Browser, folder: Path) -> None:
    """Serve a desk at work and take its pictures."""
    with tempfile.TemporaryDirectory() as store, served(Path(store)) as url:
        for name, (screen, options) in DESK.items():
            with signed_in(browser, url, **options) as context:
                page = context.new_page()
                SCREENS[screen](page, url)
                settle(page)
                page.screenshot(path=folder / f"{name}.png")


def main(folder: Path, url: str) -> None:
    """Write every picture into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = launch(playwright)
        take_desk(browser, folder)
        for name, options in PICTURES.items():
            take(browser, url, folder / f"{name}.png", options)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
