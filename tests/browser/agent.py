"""The desk as an agent handles it."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.desk_server import PASSWORD


class AgentPage:
    """The desk on a page; finds things by what a screen reader would say."""

    def __init__(self, page: Page, name: str) -> None:
        self.page = page
        self.name = name
        self.thread = page.locator(".thread")
        self.log = page.get_by_role("log", name="Messages")
        self.card = page.get_by_role("region", name="Handoff")
        self.rows = page.locator(".conv")
        self.reply_box = page.get_by_role("textbox", name="Reply")

    def sign_in(self, url: str) -> AgentPage:
        """Sign in; her e-mail address is made of her name."""
        self.page.goto(f"{url}/desk/")
        self.page.get_by_label("E-mail").fill(f"{self.name.lower()}@example.com")
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_label("Password").press("Enter")
        self.page.get_by_role("button", name=re.compile("^Unassigned")).wait_for()
        return self

    def take_nothing(self) -> AgentPage:
        """Let the queue wait until somebody claims."""
        switch = self.page.get_by_role("switch", name="Taking conversations")
        if switch.is_checked():
            switch.click()
        expect(switch).not_to_be_checked()
        return self

    def folder(self, name: str) -> AgentPage:
        """Choose a folder of the list."""
        button = self.page.get_by_role("button", name=re.compile(f"^{name}"))
        button.click()
        expect(button).to_have_attribute("aria-pressed", "true")
        return self

    def open(self, folder: str, at: int = 0) -> AgentPage:
        """Open a conversation of a folder, by default the most urgent one."""
        self.folder(folder).rows.nth(at).click()
        expect(self.thread).to_be_visible()
        return self

    def act(self, name: str) -> AgentPage:
        """Press one of the buttons above the conversation."""
        self.page.get_by_role("button", name=name, exact=True).click()
        return self

    def claim(self) -> AgentPage:
        """Take the open conversation."""
        self.act("Claim")
        return self.expect_standing("You answer")

    def reply(self, text: str) -> AgentPage:
        """Answer the customer."""
        expect(self.reply_box).to_be_enabled()
        self.reply_box.fill(text)
        self.reply_box.press("Control+Enter")
        expect(self.said(text)).to_be_visible()
        return self

    def resolve(self, outcome: str = "Solved") -> AgentPage:
        """End it with an outcome."""
        self.act("Resolve…")
        self.page.get_by_role("button", name=outcome, exact=True).click()
        return self.expect_standing("The bot answers")

    def said(self, text: str) -> Locator:
        """Return the line that says something."""
        return self.log.locator(".line").filter(has_text=text)

    def expect_standing(self, text: str) -> AgentPage:
        """Wait until it is said who answers."""
        expect(self.thread.locator(".thread-head")).to_contain_text(text)
        return self
