"""The main job, as a customer and then an operator see it: complain in the widget, look into the CRM."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.widget import Widget
from tests.integration.demo import ServedDemo

pytestmark = pytest.mark.browser

COMPLAINTS = {
    "en": ("My parcel LC104233 is more than a week late and nobody answers, I'm furious!", "sorry"),
    "zh": ("我的快递LC205518晚了好几天还没到，根本没人管，太气人了！", "抱歉"),
}
LOCALES = {"en": "en-GB", "zh": "zh-CN"}


@pytest.mark.parametrize("language", COMPLAINTS)
def test_a_complaint_becomes_a_ticket_and_an_escalation(
    browser: Browser, demo: ServedDemo, language: str
) -> None:
    """A furious message gets an apology in its language; ticket, escalation and summary stand in the CRM."""
    complaint, apology = COMPLAINTS[language]
    context = browser.new_context(locale=LOCALES[language])
    page = context.new_page()
    page.goto(demo.url)
    widget = Widget(page).open().write(complaint)
    expect(widget.log).to_contain_text(apology)
    expect(widget.log).to_contain_text("T-1")
    conversation = widget.log.inner_text()
    context.close()

    (ticket,) = demo.rows("tickets")
    assert ticket["status"] == "open"
    assert ticket["number"] in conversation
    (escalation,) = demo.rows("escalations")
    assert escalation["ticket"] == ticket["number"]
    assert escalation["severity"] in ("high", "critical")
    said = [sentence["text"] for sentence in escalation["summary"]]
    assert any(complaint in sentence for sentence in said)
    assert all(sentence["sources"] for sentence in escalation["summary"])


def test_another_day_three_products_are_recommended(browser: Browser, demo: ServedDemo) -> None:
    """A question for advice shows three cards; the CRM has the same three with their reasons."""
    context = browser.new_context(locale="en-GB")
    page = context.new_page()
    page.goto(demo.url)
    widget = Widget(page).open().write("can you recommend headphones for running?")
    cards = widget.log.get_by_role("listitem")
    expect(cards).to_have_count(3)
    shown = cards.all_inner_texts()
    context.close()
    rows = demo.rows("recommendations")
    assert len(rows) == 3
    assert all(any(row["name"] in card for card in shown) and row["reason"] for row in rows)
