"""The widget as a customer handles it."""

from __future__ import annotations

from playwright.sync_api import FilePayload, Locator, Page, expect

from bot.channels.web_widget.identity import Visitor


class Widget:
    """The widget on a page; finds things by what a screen reader would say."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.launcher = page.locator("#frontdesk-widget .launcher")
        self.panel = page.get_by_role("dialog")
        self.log = page.get_by_role("log")
        self.message = self.panel.locator(".draft")
        self.banner = page.locator("#frontdesk-widget .banner:not(.status)")
        self.status = page.locator("#frontdesk-widget .status")
        self.form = page.locator("#frontdesk-widget form")

    def open(self) -> Widget:
        """Open the panel with the launcher."""
        self.launcher.click()
        expect(self.panel).to_be_visible()
        return self

    def write(self, text: str) -> Widget:
        """Write a message and press Enter."""
        self.message.fill(text)
        self.message.press("Enter")
        return self

    def expect_said(self, *lines: str) -> Widget:
        """Wait until exactly these bubbles stand in the log, in this order."""
        expect(self.log.locator(".bubble")).to_have_text(list(lines))
        return self

    def expect_settled(self) -> Widget:
        """Wait until nothing is on its way and nobody is typing."""
        expect(self.log.locator(".sending")).to_have_count(0)
        expect(self.log.locator(".dots")).to_be_hidden()
        return self

    def expect_connected(self) -> Widget:
        """Wait until the server has said all that it has to say."""
        expect(self.log).to_have_attribute("aria-live", "polite")
        return self

    def choice(self, name: str) -> Locator:
        """Return a button in the log."""
        return self.log.get_by_role("button", name=name)

    def button(self, name: str) -> Locator:
        """Return a button of the panel."""
        return self.panel.get_by_role("button", name=name)

    def choose_files(self, *files: FilePayload) -> Widget:
        """Choose files as from the disk."""
        self.page.locator("#frontdesk-widget input[type=file]").set_input_files(list(files))
        return self

    def sender_id(self) -> str:
        """Return the name under which the server knows the conversation."""
        return Visitor(self.secret()).own_sender_id

    def secret(self) -> str:
        """Return the conversation's secret as the browser keeps it."""
        stored = (
            "JSON.parse(Object.entries(localStorage).find(([key]) => key.startsWith('frontdesk:'))[1]).id"
        )
        return str(self.page.evaluate(stored))
