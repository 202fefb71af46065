"""How page and widget look: accessible, in bounds, in both languages, light and dark, wide and narrow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_core_python.sync_playwright import Axe
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from playwright.sync_api import Page, expect

from bot.dialogue.messages import JSON
from tests.browser.shop_script import ADVICE, LATE
from tests.browser.widget import Widget
from tests.channels.scripted import ScriptedProcessor
from tests.server.factories import RunningServer, application

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Page]

WIDE = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True}
NARROW = {"viewport": {"width": 320, "height": 568}}
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


def violations(page: Page) -> list[str]:
    """Return what axe finds wrong on a page, the widget's shadow root included."""
    found = Axe().run(page, options=RULES)["violations"]
    return [f"{rule['id']}: {node['html']}" for rule in found for node in rule["nodes"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("locale", "options"), [("en", WIDE), ("zh", PHONE)], ids=["en wide", "zh phone"])
def test_page_and_widget_are_accessible(open_page: OpenPage, scheme: str, locale: str, options: JSON) -> None:
    """Axe finds nothing on the page, in the greeting, and in a conversation with buttons and cards."""
    page = open_page(color_scheme=scheme, locale=locale, bypass_csp=True, **options)
    assert violations(page) == []
    widget = Widget(page).open()
    assert violations(page) == []
    widget.write(ADVICE[locale]).write(LATE[locale])
    expect(widget.log.locator(".choices").last.get_by_role("button")).to_have_count(2)
    widget.expect_settled()
    assert violations(page) == []


@pytest.mark.parametrize("accent", ["#ffd166", "#777777", "#1d4ed8"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_any_company_colour_is_readable(open_page: OpenPage, scheme: str, accent: str) -> None:
    """Light, middling and dark accents all keep the contrast that axe asks for."""
    page = open_page(settings={"accent": accent}, color_scheme=scheme, bypass_csp=True)
    widget = Widget(page).open().write(LATE["en"])
    expect(widget.choice("Money back")).to_be_visible()
    widget.expect_settled()
    assert violations(page) == []


@pytest.mark.parametrize(
    ("locale", "options", "scheme"),
    [
        pytest.param("en", WIDE, "light", id="en wide light"),
        pytest.param("en", NARROW, "dark", id="en narrow dark"),
        pytest.param("zh", WIDE, "dark", id="zh wide dark"),
        pytest.param("zh", PHONE, "dark", id="zh phone dark"),
        pytest.param("ar", WIDE, "light", id="ar wide light"),
        pytest.param("ar", PHONE, "light", id="ar phone light"),
    ],
)
def test_everything_stays_in_bounds(
    open_page: OpenPage, tmp_path: Path, locale: str, options: JSON, scheme: str
) -> None:
    """Nothing sticks out sideways, and the composer is in sight; the pictures are kept to be looked at."""
    language = "zh" if locale == "zh" else "en"
    settings = {"title": "Lumen & Co"} if locale == "ar" else None
    page = open_page(color_scheme=scheme, locale=locale, settings=settings, **options)
    page.screenshot(path=tmp_path / "page.png", full_page=True)
    widget = Widget(page).open().write(LATE[language]).write(ADVICE[language])
    expect(widget.log.get_by_role("listitem")).to_have_count(3)
    widget.expect_settled()
    page.screenshot(path=tmp_path / "conversation.png")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert widget.log.evaluate("log => log.scrollWidth <= log.clientWidth")
    expect(widget.draft).to_be_in_viewport(ratio=1)
    expect(widget.panel).to_be_in_viewport(ratio=1)


@pytest.fixture
def foreign_shop(processor: ScriptedProcessor) -> Iterator[str]:
    """Serve a page of another origin, under a strict policy of its own, with our widget's tag on it."""
    shop = FastAPI(openapi_url=None)
    with RunningServer(shop) as foreign:
        credentials = {"web_widget": {"allowed_origins": [foreign.url]}}
        with RunningServer(application(processor, credentials=credentials)) as ours:
            policy = (
                f"default-src 'none'; script-src {ours.url}; connect-src {ours.url.replace('http', 'ws')}"
            )
            html = (
                "<!doctype html><html lang=en><title>Shop</title>"
                f"<script async src='{ours.url}/static/widget.js'></script>"
            )

            @shop.get("/")
            def page() -> HTMLResponse:
                return HTMLResponse(html, headers={"Content-Security-Policy": policy})

            yield foreign.url


def test_a_foreign_page_with_a_strict_policy_can_carry_the_widget(
    open_page: OpenPage, foreign_shop: str
) -> None:
    """One script tag is enough; the page's policy needs our address for scripts and for the connection."""
    widget = Widget(open_page(foreign_shop)).open().write("hi")
    widget.expect_said("hi", "You said: hi")
    height = widget.launcher.evaluate("button => button.getBoundingClientRect().height")
    assert height == 60
