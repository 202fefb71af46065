"""How page and widget look: accessible, in bounds, in both languages, light and dark, wide and narrow."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from axe_core_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from bot.channels.web_widget.records import Answerer, Standing
from bot.dialogue.messages import JSON
from tests.browser.shop_script import ADVICE, LATE
from tests.browser.test_widget_files import PDF, PNG
from tests.browser.widget import Widget
from tests.channels.scripted_records import ScriptedRecords

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


def ask_first(widget: Widget, _: ScriptedRecords) -> None:
    """Show the questions, with what is missing."""
    expect(widget.form).to_be_visible()
    widget.form.locator(".act").click()


def rate(widget: Widget, _: ScriptedRecords) -> None:
    """Show the stars, four of them chosen."""
    widget.write("hi").expect_said("hi", "You said: hi").expect_settled()
    widget.panel.locator(".action").nth(1).click()
    widget.form.get_by_role("radio", name="4 / 5").check(force=True)


def leave_message(widget: Widget, _: ScriptedRecords) -> None:
    """Show the form for those who come too late."""
    widget.expect_connected().panel.locator(".action").first.click()
    expect(widget.form).to_be_visible()


def wait_in_queue(widget: Widget, records: ScriptedRecords) -> None:
    """Show the place in the queue, and a banner of a lost line."""
    widget.write("hi").expect_said("hi", "You said: hi").expect_settled()
    records.standing[widget.sender_id()] = Standing(Answerer.QUEUE, position=12)
    expect(widget.status).to_be_visible()
    widget.page.context.set_offline(True)
    widget.write("still there?")
    expect(widget.banner).to_be_visible()
    expect(widget.log.locator(".bubble").last).to_be_in_viewport(ratio=1)


def send_files(widget: Widget, _: ScriptedRecords) -> None:
    """Show a picture, a document and a complaint."""
    widget.expect_connected().choose_files(PNG, PDF)
    expect(widget.log.locator("canvas")).to_have_count(1)
    expect(widget.log.locator(".tile")).to_have_count(2)
    widget.expect_settled().choose_files({"name": "a.zip", "mimeType": "application/zip", "buffer": b"PK"})
    expect(widget.panel.get_by_role("alert")).to_be_visible()


SCREENS = [ask_first, rate, leave_message, wait_in_queue, send_files]
LOOKS = [
    pytest.param("en", WIDE, "light", id="en wide light"),
    pytest.param("zh", PHONE, "dark", id="zh phone dark"),
    pytest.param("ar", NARROW, "light", id="ar narrow light"),
]


@pytest.mark.parametrize("show", SCREENS)
@pytest.mark.parametrize(("locale", "options", "scheme"), LOOKS)
def test_every_screen_is_accessible_and_in_bounds(
    open_page: OpenPage,
    records: ScriptedRecords,
    tmp_path: Path,
    show: Callable[[Widget, ScriptedRecords], None],
    locale: str,
    options: JSON,
    scheme: str,
) -> None:
    """Forms, stars, banners and files pass axe and stay in the panel; the pictures are kept."""
    questions = ["name", "email", {"name": "topic", "label": "Topic", "options": ["Orders"]}]
    settings = {"preChat": questions if show is ask_first else []}
    records.opening.opens = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
    page = open_page(settings=settings, color_scheme=scheme, locale=locale, bypass_csp=True, **options)
    widget = Widget(page).open()
    show(widget, records)
    page.screenshot(path=tmp_path / "screen.png")
    assert violations(page) == []
    for part in (".panel", ".page", ".log", "form"):
        sticks_out = "nodes => nodes.some((node) => node.scrollWidth > node.clientWidth + 1)"
        assert not page.locator(f"#frontdesk-widget {part}").evaluate_all(sticks_out), part


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
    expect(widget.message).to_be_in_viewport(ratio=1)
    expect(widget.panel).to_be_in_viewport(ratio=1)
