"""Files in a real browser: chosen, dropped, shown, saved, refused, tried again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, Route, expect

from bot.channels.attachments import NoFiles
from bot.dialogue.messages import JSON
from tests.browser.widget import Widget
from tests.channels.scripted import ScriptedProcessor
from tests.channels.test_widget_security import picture
from tests.server.factories import RunningServer, application

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Page]

PNG: FilePayload = {"name": "lamp.png", "mimeType": "image/png", "buffer": picture(40, 30)}
PDF: FilePayload = {"name": "bill.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7 a bill"}
DROP = """(target, [name, type]) => {
    const data = new DataTransfer();
    data.items.add(new File(["hello"], name, {type}));
    target.dispatchEvent(new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true}));
}"""


def attachments(processor: ScriptedProcessor) -> list[JSON]:
    """Return name and type of the files that the bot was told of."""
    told = [file for message in processor.handled for file in message.metadata.get("attachments", ())]
    return [(file["name"], file["type"]) for file in told]


def test_a_picture_is_sent_and_shown(open_page: OpenPage, processor: ScriptedProcessor) -> None:
    """A chosen picture is painted at once, told to the bot, and there again after a reload."""
    widget = Widget(open_page()).open().expect_connected().choose_files(PNG)
    tile = widget.log.get_by_role("button", name="lamp.png")
    expect(tile.locator("canvas")).to_have_attribute("width", "40")
    widget.expect_said("You said: lamp.png").expect_settled()
    assert attachments(processor) == [("lamp.png", "image/png")]
    widget.page.reload()
    expect(tile).to_have_count(1)
    expect(tile.locator("canvas")).to_have_attribute("height", "30")
    expect(tile).to_contain_text("kB")


def test_a_file_is_saved_by_a_click(open_page: OpenPage, tmp_path: Path) -> None:
    """A click on a file downloads it under its name, also when it comes from the server."""
    widget = Widget(open_page()).open().expect_connected().choose_files(PDF)
    widget.expect_said("You said: bill.pdf").expect_settled()
    widget.page.reload()
    with widget.page.expect_download() as download:
        widget.log.get_by_role("button", name="bill.pdf").click()
    assert download.value.suggested_filename == "bill.pdf"
    download.value.save_as(tmp_path / "saved.pdf")
    assert (tmp_path / "saved.pdf").read_bytes() == PDF["buffer"]


@pytest.mark.parametrize(
    ("file", "complaint"),
    [
        pytest.param(
            {"name": "film.png", "mimeType": "image/png", "buffer": bytes(1_048_577)},
            "A file may have 1 MB at most",
            id="too large",
        ),
        pytest.param(
            {"name": "game.exe", "mimeType": "application/x-msdownload", "buffer": b"MZ"},
            "This kind of file cannot be sent",
            id="wrong type",
        ),
        pytest.param(
            {"name": "page.html", "mimeType": "text/html", "buffer": b"<p>hi"},
            "This kind of file cannot be sent",
            id="page",
        ),
    ],
)
def test_what_cannot_be_sent_is_said_at_once(
    open_page: OpenPage, processor: ScriptedProcessor, file: FilePayload, complaint: str
) -> None:
    """Size and type are checked before anything is sent, and the complaint goes with the next word."""
    widget = Widget(open_page()).open().expect_connected().choose_files(file)
    expect(widget.panel.get_by_role("alert")).to_have_text(complaint)
    expect(widget.log.locator(".tile")).to_have_count(0)
    widget.write("never mind").expect_said("never mind", "You said: never mind")
    expect(widget.panel.get_by_role("alert")).to_be_hidden()
    assert attachments(processor) == []


def test_the_server_looks_inside(open_page: OpenPage, processor: ScriptedProcessor) -> None:
    """A page that calls itself a picture gets past the browser, but not past the server."""
    disguised: FilePayload = {**PNG, "buffer": b"<!doctype html><script>alert(1)</script>"}
    widget = Widget(open_page()).open().expect_connected().choose_files(disguised)
    expect(widget.log).to_contain_text("This kind of file cannot be sent")
    expect(widget.log.get_by_role("button", name="Try again")).to_have_count(0)
    assert processor.handled == []


def test_an_upload_that_breaks_can_be_tried_again(open_page: OpenPage, processor: ScriptedProcessor) -> None:
    """A file that did not get through says so, and is sent by the same button as a message."""
    broken: list[Route] = []

    def break_once(route: Route) -> None:
        if broken or route.request.method != "PUT":
            route.continue_()
        else:
            broken.append(route)
            route.abort()

    page = open_page()
    page.route("**/files/*", break_once)
    widget = Widget(page).open().expect_connected().choose_files(PNG)
    widget.log.get_by_role("button", name="Try again").click()
    widget.expect_said("You said: lamp.png").expect_settled()
    expect(widget.log.locator(".tile")).to_have_count(1)
    assert attachments(processor) == [("lamp.png", "image/png")]


def test_files_can_be_dropped_and_pasted(open_page: OpenPage, processor: ScriptedProcessor) -> None:
    """A file that is dropped on the panel is sent; plain text of any name is text."""
    widget = Widget(open_page()).open().expect_connected()
    widget.panel.evaluate(DROP, ["notes.csv", "text/csv"])
    widget.expect_said("You said: notes.csv").expect_settled()
    assert attachments(processor) == [("notes.csv", "text/plain")]


def test_a_name_is_text_and_nothing_else(open_page: OpenPage) -> None:
    """Markup in the name of a file stays the text that it is."""
    name = "<img src=x onerror=window.attacked=1>.pdf"
    widget = Widget(open_page()).open().expect_connected().choose_files({**PDF, "name": name})
    expect(widget.log.locator(".tile b")).to_have_text(name)
    widget.expect_settled()
    assert widget.page.evaluate("window.attacked") is None


def test_where_files_are_not_taken_there_is_no_button(
    open_page: OpenPage, processor: ScriptedProcessor
) -> None:
    """Where files are not taken nothing offers to send one, and what is dropped is not sent."""
    processor.files = NoFiles()
    with RunningServer(application(processor)) as running:
        widget = Widget(open_page(running.url)).open().expect_connected()
        expect(widget.button("Send a file")).to_be_hidden()
        widget.panel.evaluate(DROP, ["notes.txt", "text/plain"])
        widget.write("one").expect_said("one", "You said: one")
    assert attachments(processor) == []
