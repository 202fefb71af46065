"""What stands in the place of the conversation, or above it: forms, ratings, the desk's news."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from bot.channels.incoming import Refused
from bot.channels.web_widget.records import Answerer, LeftMessage, Standing
from bot.dialogue.events import AgentUttered, BotUttered, ConversationPaused, ConversationResumed
from bot.dialogue.messages import JSON
from tests.browser.widget import Widget
from tests.channels.scripted import ScriptedProcessor
from tests.channels.scripted_records import ScriptedRecords

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Page]

MONDAY = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
QUESTIONS: JSON = {
    "preChat": [
        "name",
        "email",
        {"name": "topic", "label": {"en": "Topic", "zh": "主题"}, "options": ["Orders", "Returns"]},
        {"name": "order", "label": "Order number"},
    ]
}


def test_questions_come_before_the_first_message(
    open_page: OpenPage, processor: ScriptedProcessor, records: ScriptedRecords
) -> None:
    """The form names what is missing, sends its answers with the first message, and is asked once."""
    widget = Widget(open_page(settings=QUESTIONS)).open()
    expect(widget.form.get_by_label("Name")).to_be_focused()
    expect(widget.message).to_be_hidden()
    widget.form.get_by_label("E-mail").fill("mia")
    widget.button("Start the chat").click()
    expect(widget.form.get_by_label("Name")).to_be_focused()
    expect(widget.form.get_by_label("Name")).to_have_accessible_description("Please fill this in")
    expect(widget.form.get_by_label("E-mail")).to_have_accessible_description(
        "Please enter an e-mail address"
    )
    widget.form.get_by_label("Name").fill("Mia")
    widget.form.get_by_label("E-mail").fill("mia@shop.example")
    widget.form.get_by_label("Topic").select_option("Returns")
    widget.form.get_by_label("E-mail").press("Enter")
    expect(widget.message).to_be_focused()
    widget.write("one").expect_said("one", "You said: one").expect_settled()
    widget.write("two").expect_said("one", "You said: one", "two", "You said: two")
    first, second = processor.handled
    assert first.metadata["pre_chat"] == {"name": "Mia", "email": "mia@shop.example", "topic": "Returns"}
    assert "pre_chat" not in second.metadata
    assert records.contacts == {widget.sender_id(): {"name": "Mia", "email": "mia@shop.example"}}
    widget.page.reload()
    expect(widget.message).to_be_visible()


def test_what_the_page_says_waits_for_the_answers(open_page: OpenPage, processor: ScriptedProcessor) -> None:
    """A sentence that the page sends in the customer's name is said when the form is filled in."""
    page = open_page(settings={"preChat": ["name"]})
    page.evaluate("frontdesk.send('Where is my order?')")
    widget = Widget(page)
    widget.form.get_by_label("Name").fill("Mia")
    widget.button("Start the chat").click()
    widget.expect_said("Where is my order?", "You said: Where is my order?")
    assert processor.handled[0].metadata["pre_chat"] == {"name": "Mia"}


def test_a_customer_whom_the_page_knows_is_not_asked(open_page: OpenPage) -> None:
    """The questions go away when the page says who she is."""
    page = open_page(settings=QUESTIONS)
    widget = Widget(page).open()
    expect(widget.form).to_be_visible()
    page.evaluate("frontdesk.setUser('7', {name: 'Mia'})")
    expect(widget.message).to_be_visible()
    expect(widget.form).to_have_count(0)


def test_a_chat_can_be_rated_by_keyboard(open_page: OpenPage, records: ScriptedRecords) -> None:
    """Stars are radio buttons; without one the form says so; the rating is kept, and the chat comes back."""
    widget = Widget(open_page()).open()
    expect(widget.button("Rate this chat")).to_be_hidden()
    widget.write("one").expect_said("one", "You said: one").expect_settled()
    widget.button("Rate this chat").click()
    page = widget.page
    expect(widget.panel.get_by_role("group", name="How was this chat?")).to_be_visible()
    widget.button("Send").click()
    expect(widget.form).to_contain_text("Please fill this in")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowRight")
    expect(widget.panel.get_by_role("radio", name="2 / 5")).to_be_checked()
    page.keyboard.press("Tab")
    page.keyboard.type("slow")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(widget.panel.get_by_text("Thank you for your rating.")).to_be_visible()
    expect(widget.button("Back to the chat")).to_be_focused()
    page.keyboard.press("Enter")
    expect(widget.message).to_be_focused()
    [rating] = records.ratings.values()
    assert (rating.rating, rating.comment, rating.language) == (2, "slow", "en")


def test_a_form_that_could_not_be_kept_can_be_sent_again(
    open_page: OpenPage, records: ScriptedRecords
) -> None:
    """What was filled in stays when the server cannot keep it, and is sent with the next try."""
    widget = Widget(open_page()).open().write("one").expect_said("one", "You said: one")
    widget.button("Rate this chat").click()
    widget.panel.get_by_role("radio", name="5 / 5").check(force=True)
    records.failing = Refused("away", code=503, reason="Unavailable")
    widget.button("Send").click()
    expect(widget.panel.get_by_role("alert").filter(has_text="That did not work")).to_be_visible()
    records.failing = None
    widget.button("Send").click()
    expect(widget.panel.get_by_text("Thank you for your rating.")).to_be_visible()
    assert [rating.rating for rating in records.ratings.values()] == [5]


def test_a_bot_can_ask_for_a_rating(open_page: OpenPage, processor: ScriptedProcessor) -> None:
    """A response with a survey shows a button that opens the form."""
    processor.script = lambda _: [BotUttered(text="Goodbye.", data={"custom": {"type": "survey"}})]
    widget = Widget(open_page()).open().write("bye")
    widget.choice("Rate this chat").click()
    expect(widget.panel.get_by_role("group", name="How was this chat?")).to_be_visible()


def test_outside_the_hours_a_message_can_be_left(open_page: OpenPage, records: ScriptedRecords) -> None:
    """Asking for a person says when people are back, and takes a message that becomes a ticket."""
    records.opening.opens = MONDAY
    widget = Widget(open_page(timezone_id="Europe/Berlin")).open()
    expect(widget.message).to_be_visible()
    widget.expect_connected()
    widget.button("Talk to a person").click()
    expect(widget.form).to_contain_text("Our people are back Monday")
    widget.form.get_by_label("E-mail").fill("mia@shop.example")
    widget.form.get_by_label("Message").fill("My lamp hums.\nPlease call.")
    widget.button("Send").click()
    expect(widget.panel.get_by_text("Your message is with us as T-10001.")).to_be_visible()
    widget.button("Back to the chat").click()
    expect(widget.message).to_be_focused()
    [left] = records.left.values()
    assert left == LeftMessage(left.key, "My lamp hums.\nPlease call.", "mia@shop.example", None, "en")


def test_without_a_model_a_message_can_be_left_until_there_is_one(
    open_page: OpenPage, processor: ScriptedProcessor
) -> None:
    """While the assistant cannot answer the form stands there; when it can, the conversation is back."""
    processor.has_model = False
    widget = Widget(open_page()).open()
    expect(widget.form).to_contain_text("Nobody can answer right now.")
    processor.has_model = True
    expect(widget.form).to_have_count(0)
    widget.write("one").expect_said("one", "You said: one")


def test_a_customer_sees_the_queue_and_the_person_who_comes_and_goes(
    open_page: OpenPage, processor: ScriptedProcessor, records: ScriptedRecords
) -> None:
    """The place in the queue, the person's name, her words, and her leaving stand where they belong."""
    widget = Widget(open_page()).open().write("one").expect_said("one", "You said: one").expect_settled()
    sender_id = widget.sender_id()
    records.standing[sender_id] = Standing(Answerer.QUEUE, position=2, last_sequence=3)
    expect(widget.status).to_have_text("You are number 2 in the queue. A person will answer here.")
    expect(widget.button("Talk to a person")).to_be_visible()

    processor.add(sender_id, ConversationPaused(metadata={"agent": "Kim"}))
    processor.add(sender_id, AgentUttered(text="May I help?", metadata={"agent": "Kim"}))
    records.standing[sender_id] = Standing(Answerer.AGENT, agent="Kim", last_sequence=5)
    expect(widget.log).to_contain_text("Kim has joined the conversation")
    expect(widget.log.locator(".agent .meta")).to_contain_text("Kim")
    expect(widget.panel.locator(".names")).to_contain_text("Kim")
    expect(widget.status).to_be_hidden()
    expect(widget.button("Talk to a person")).to_be_hidden()

    processor.add(sender_id, ConversationResumed(metadata={"agent": "Kim"}))
    records.standing[sender_id] = Standing(last_sequence=6)
    expect(widget.log).to_contain_text("Kim has left. The assistant answers again.")
    expect(widget.panel.locator(".names")).to_contain_text("Automated assistant")
    widget.choice("Rate this chat").click()
    expect(widget.panel.get_by_role("group", name="How was this chat?")).to_be_visible()


def test_a_form_changes_its_language_with_the_widget(open_page: OpenPage, records: ScriptedRecords) -> None:
    """A form that stands there when the page changes the language speaks the new one, from its side."""
    page = open_page(settings={})
    widget = Widget(page).open().write("one").expect_said("one", "You said: one")
    widget.button("Rate this chat").click()
    expect(widget.form).to_be_visible()
    page.evaluate("frontdesk.setLocale('ar')")
    expect(widget.panel.get_by_role("group", name="كيف كانت هذه المحادثة؟")).to_be_visible()
    assert widget.panel.evaluate("panel => getComputedStyle(panel).direction") == "rtl"
    widget.panel.get_by_role("radio", name="4 / 5").check(force=True)
    widget.button("إرسال").click()
    expect(widget.panel.get_by_text("شكرًا على تقييمك.")).to_be_visible()
    assert [rating.language for rating in records.ratings.values()] == ["ar"]


def test_dots_begin_though_the_server_is_silent_and_end_with_the_line(
    open_page: OpenPage, processor: ScriptedProcessor
) -> None:
    """A server that takes a message and says nothing shows as typing; a line that breaks ends it."""
    lines: list[WebSocketRoute] = []

    def silent(line: WebSocketRoute) -> None:
        lines.append(line)
        server = line.connect_to_server()
        server.on_message(lambda frame: line.send(frame) if '"ready"' in str(frame) else None)

    page = open_page()
    page.route_web_socket("**/webhooks/web_widget/socket", silent)
    page.reload()
    widget = Widget(page).open()
    widget.write("one")
    expect(widget.log.locator(".dots")).to_be_visible()
    expect(widget.panel.locator(".names")).to_contain_text("Assistant is typing")
    lines[0].close()
    expect(widget.log.locator(".dots")).to_be_hidden()
    assert len(processor.handled) == 1


def test_a_phone_keeps_the_focus_in_the_panel(open_page: OpenPage) -> None:
    """Where the panel covers the page the keyboard never lands behind it, and the page behind is quiet."""
    page = open_page(viewport={"width": 390, "height": 844}, has_touch=True)
    widget = Widget(page).open()
    for _ in range(12):
        page.keyboard.press("Tab")
        inside = (
            "document.activeElement.id === 'frontdesk-widget' || document.activeElement === document.body"
        )
        assert page.evaluate(inside)
    page.keyboard.press("Escape")
    expect(widget.panel).to_be_hidden()
    expect(widget.launcher).to_be_focused()
