"""A real browser in front of a real server; the processor behind it answers from a script."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from bot.dialogue.messages import JSON
from bot.server.attachments import AttachmentOptions
from crm_connector import database
from tests.browser.shop_script import shop
from tests.channels.scripted import ScriptedProcessor
from tests.channels.scripted_records import ScriptedRecords
from tests.server.factories import RunningServer, application

# A widget that was cut off tries again after 19 s at the latest; a busy machine needs longer for everything.
PATIENCE_MS = 60_000
expect.set_options(timeout=PATIENCE_MS)

OpenPage = Callable[..., Page]
NewContext = Callable[..., BrowserContext]


@pytest.fixture
def records() -> ScriptedRecords:
    """Begin with an empty CRM."""
    return ScriptedRecords()


@pytest.fixture
def processor(records: ScriptedRecords, tmp_path: Path) -> Iterator[ScriptedProcessor]:
    """Answer as the demo shop, beside a CRM and a folder for files of one megabyte."""
    processor = ScriptedProcessor(shop)
    processor.records = records
    with database.open(f"sqlite:///{tmp_path / 'files.db'}") as store:
        processor.files = AttachmentOptions(max_megabytes=1).open_files(tmp_path, store)
        yield processor


@pytest.fixture
def running(processor: ScriptedProcessor) -> Iterator[RunningServer]:
    """Serve the shop."""
    with RunningServer(application(processor)) as running:
        yield running


@pytest.fixture
def open_page(browser: Browser, running: RunningServer) -> Iterator[OpenPage]:
    """Open the shop's page in a fresh browser profile; no script error and no breach of policy is allowed.

    `settings` takes the place of the widget's settings on the page.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def opened(url: str | None = None, settings: JSON = None, **options: object) -> Page:
        context = browser.new_context(**({"locale": "en-GB", "reduced_motion": "reduce"} | options))  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        if settings is not None:
            # In place of what the page itself sets.
            fixed = f"{{get: () => ({json.dumps(settings)}), set() {{}}}}"
            page.add_init_script(f"Object.defineProperty(window, 'frontdeskSettings', {fixed})")
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console", lambda line: complaints.append(line.text) if _is_grave(line.type, line.text) else None
        )
        page.goto(url or running.url)
        page.locator("#frontdesk-widget .launcher").wait_for()
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def new_context(browser: Browser) -> Iterator[NewContext]:
    """Open browser profiles, each of a person of her own; no script error is allowed in any."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def opened(**options: object) -> BrowserContext:
        settings = {"locale": "en-GB", "reduced_motion": "reduce", "viewport": {"width": 1440, "height": 900}}
        context = browser.new_context(**(settings | options))  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MS)
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        contexts.append(context)
        return context

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def _is_grave(kind: str, text: str) -> bool:
    """A server that is away or refuses something on purpose leaves the browser's own lines."""
    on_purpose = ("WebSocket connection to", "Failed to load resource")
    return kind == "error" and not text.startswith(on_purpose)
