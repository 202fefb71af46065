"""The widget in a real browser: a customer's conversation, with everything that can happen to it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, WebSocketRoute, expect

from bot.dialogue.events import AgentUttered
from tests.browser.shop_script import ADVICE, ATTACK, LATE
from tests.browser.widget import Widget
from tests.channels.scripted import ScriptedProcessor
from tests.server.factories import RunningServer, application

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Page]

SORRY = "I am sorry that your parcel is late, and that nobody got back to you."
OPENED = "I have opened ticket T-10042 and passed it to a colleague with a summary."


def test_the_launcher_opens_a_panel_that_says_who_answers(open_page: OpenPage) -> None:
    """The panel opens with a greeting and the label of an automated assistant, ready to be written in."""
    widget = Widget(open_page()).open()
    expect(widget.log).to_contain_text("Automated assistant")
    expect(widget.log).to_contain_text("Welcome to Lumen & Co!")
    expect(widget.message).to_be_focused()
    expect(widget.panel.get_by_role("button", name="Talk to a person")).to_be_visible()


def test_escape_closes_the_panel_and_the_focus_returns(open_page: OpenPage) -> None:
    """Esc anywhere in the panel closes it, and the launcher has the focus again."""
    widget = Widget(open_page()).open()
    widget.page.keyboard.press("Escape")
    expect(widget.panel).to_be_hidden()
    expect(widget.launcher).to_be_focused()
    expect(widget.launcher).to_have_attribute("aria-expanded", "false")


def test_a_quick_reply_sends_its_payload_and_shows_its_title(
    open_page: OpenPage, processor: ScriptedProcessor
) -> None:
    """A chosen quick reply is shown by its title, understood by its payload, and goes away."""
    widget = Widget(open_page()).open().write(LATE["en"])
    widget.choice("Money back").click()
    payload = '/inform{"reason": "refund"}'
    question = "What would help you most?"
    widget.expect_said(LATE["en"], SORRY, OPENED, question, "Money back", f"You said: {payload}")
    expect(widget.choice("Money back")).to_have_count(0)
    assert [message.text for message in processor.handled] == [LATE["en"], payload]
    assert processor.handled[1].metadata == {"title": "Money back", "locale": "en"}


def test_recommended_products_are_cards(open_page: OpenPage, processor: ScriptedProcessor) -> None:
    """Each product has its name, its reason, its price in the customer's way, and a button."""
    widget = Widget(open_page()).open().write(ADVICE["en"])
    cards = widget.log.get_by_role("list", name="Recommended products").get_by_role("listitem")
    expect(cards).to_have_count(3)
    expect(cards.first).to_contain_text("Aria bedside lamp")
    expect(cards.first).to_contain_text("Warm light that dims to a candle.")
    expect(cards.first).to_contain_text("€49.90")
    widget.choice("I am interested: Nook clip light").click()
    expect(widget.log).to_contain_text("You said: /express_interest")
    assert processor.handled[1].text == '/express_interest{"product": "LC-LA-121"}'


def test_a_reload_keeps_the_conversation(open_page: OpenPage, processor: ScriptedProcessor) -> None:
    """After a reload the open panel shows the same conversation, and it goes on."""
    widget = Widget(open_page()).open().write("one")
    widget.expect_said("one", "You said: one").expect_settled()
    widget.page.reload()
    widget.expect_said("one", "You said: one").write("two")
    widget.expect_said("one", "You said: one", "two", "You said: two")
    assert len({message.sender_id for message in processor.handled}) == 1


def test_a_server_that_restarts_loses_and_doubles_nothing(
    open_page: OpenPage, processor: ScriptedProcessor, running: RunningServer
) -> None:
    """What is written while the server is away is kept, also over a reload of the tab, and sent once."""
    widget = Widget(open_page()).open().write("before")
    widget.expect_said("before", "You said: before").expect_settled()
    running.stop()
    expect(widget.banner).to_contain_text("No connection")
    widget.write("one").write("two")
    widget.expect_said("before", "You said: before", "one", "two")
    expect(widget.log.locator(".sending")).to_have_count(2)
    with RunningServer(application(processor.restarted()), port=running.port):
        widget.expect_said(
            "before", "You said: before", "one", "You said: one", "two", "You said: two"
        ).expect_settled()
        expect(widget.banner).to_be_hidden()
        widget.page.reload()
        widget.expect_said("before", "You said: before", "one", "You said: one", "two", "You said: two")
    assert [message.text for message in processor.handled] == ["before", "one", "two"]


def test_an_answer_that_is_lost_on_the_way_comes_again(
    open_page: OpenPage, processor: ScriptedProcessor
) -> None:
    """When the line breaks before anything comes back, the message is sent again and handled once."""
    lines: list[WebSocketRoute] = []

    def unreliable(line: WebSocketRoute) -> None:
        lines.append(line)
        server = line.connect_to_server()
        if len(lines) > 1:
            return

        def swallow(frame: str | bytes) -> None:
            if '"ready"' in str(frame):
                line.send(frame)
            elif '"stored"' in str(frame):
                line.close()
                server.close()

        server.on_message(swallow)

    page = open_page()
    page.route_web_socket("**/webhooks/web_widget/socket", unreliable)
    page.reload()
    widget = Widget(page).open().write("one")
    widget.expect_said("one", "You said: one").expect_settled()
    assert len(lines) == 2
    assert [message.text for message in processor.handled] == ["one"]


def test_a_failed_message_can_be_sent_again(open_page: OpenPage, processor: ScriptedProcessor) -> None:
    """A message that could not be answered says so, also after a reload, until it is tried again."""
    processor.failing = RuntimeError("on purpose")
    widget = Widget(open_page()).open().write("one")
    expect(widget.log).to_contain_text("Not sent")
    widget.page.reload()
    expect(widget.log).to_contain_text("Not sent")
    processor.failing = None
    widget.log.get_by_role("button", name="Try again").click()
    widget.expect_said("one", "You said: one")
    expect(widget.log).not_to_contain_text("Not sent")


def test_text_stays_text(open_page: OpenPage) -> None:
    """No markup and no script address from a customer or from the bot ever comes alive."""
    widget = Widget(open_page()).open().write(ATTACK)
    expect(widget.log).to_contain_text("javascript:alert(1)")
    expect(widget.log.locator(".bubble").nth(1)).to_have_text(ATTACK)
    expect(widget.log.locator("img, script, a[href^='javascript']")).to_have_count(0)
    expect(widget.log.get_by_role("link")).to_have_attribute("href", "https://shop.example/a?b=1")
    widget.choice(ATTACK).click()
    widget.page.reload()
    expect(widget.log).to_contain_text("javascript:alert(1)")
    assert widget.page.evaluate("window.attacked") is None


def test_the_keyboard_is_enough(open_page: OpenPage, processor: ScriptedProcessor) -> None:
    """Opening, writing, choosing and closing work without a mouse, and the focus is never lost."""
    page = open_page()
    widget = Widget(page)
    widget.launcher.focus()
    page.keyboard.press("Enter")
    page.keyboard.type("first")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("second")
    page.keyboard.press("Enter")
    widget.expect_said("first\nsecond", "You said: first\nsecond").expect_settled()
    page.keyboard.type(LATE["en"])
    page.keyboard.press("Enter")
    expect(widget.choice("Money back")).to_be_visible()
    for name in ("Send a file", "Rate this chat", "Talk to a person"):
        page.keyboard.press("Shift+Tab")
        expect(widget.button(name)).to_be_focused()
    page.keyboard.press("Shift+Tab")
    expect(widget.choice("Money back")).to_be_focused()
    page.keyboard.press("Enter")
    expect(widget.log).to_be_focused()
    expect(widget.log).to_contain_text('You said: /inform{"reason": "refund"}')
    page.keyboard.press("Escape")
    expect(widget.launcher).to_be_focused()
    assert len(processor.handled) == 3


def test_enter_belongs_to_the_input_method_while_it_composes(
    open_page: OpenPage, processor: ScriptedProcessor
) -> None:
    """Enter that ends a Chinese composition does not send half a sentence."""
    widget = Widget(open_page(locale="zh-CN")).open()
    widget.message.fill("包裹")
    widget.message.dispatch_event("keydown", {"key": "Enter", "isComposing": True})
    expect(widget.message).to_have_value("包裹")
    widget.message.press("Enter")
    widget.expect_said("包裹", "You said: 包裹")
    assert len(processor.handled) == 1


def test_a_person_can_always_be_asked_for(open_page: OpenPage, processor: ScriptedProcessor) -> None:
    """The button sends the payload that every bot can have a rule for, under a title one can read."""
    widget = Widget(open_page()).open()
    widget.panel.get_by_role("button", name="Talk to a person").click()
    widget.expect_said("Talk to a person", "You said: /human_handoff")
    assert processor.handled[0].text == "/human_handoff"


def test_what_came_while_the_panel_was_closed_is_counted(
    open_page: OpenPage, processor: ScriptedProcessor
) -> None:
    """Unread messages stand on the launcher until the panel is opened, and a person's are shown as such."""
    widget = Widget(open_page()).open().write("one").expect_said("one", "You said: one").expect_settled()
    widget.page.keyboard.press("Escape")
    for text in ("This is Kim.", "May I help?"):
        processor.add(widget.sender_id(), AgentUttered(text=text, metadata={"agent": "Kim"}))
    widget.page.reload()
    expect(widget.launcher).to_have_accessible_name("Open chat, 2 unread messages")
    widget.open()
    expect(widget.log.locator(".agent").last).to_contain_text("Kim")
    widget.page.keyboard.press("Escape")
    expect(widget.launcher).to_have_accessible_name("Open chat")


def test_the_sdk_steers_the_widget(open_page: OpenPage, processor: ScriptedProcessor) -> None:
    """A page can open, close, write, change the language, name the customer and start over."""
    page = open_page()
    widget = Widget(page)
    page.evaluate("frontdesk.setUser('7', {email: 'mia@shop.example'})")
    page.evaluate("frontdesk.send('one')")
    widget.expect_said("one", "You said: one").expect_settled()
    claimed = {"id": "7", "email": "mia@shop.example"}
    assert processor.handled[0].metadata["claimed_customer"] == claimed
    page.evaluate("frontdesk.setLocale('zh')")
    expect(widget.panel.get_by_role("button", name="转人工客服")).to_be_visible()
    page.evaluate("frontdesk.toggle()")
    assert page.evaluate("frontdesk.isOpen()") is False
    page.evaluate("frontdesk.reset()")
    page.evaluate("frontdesk.send('two')")
    widget.expect_said("two", "You said: two")
    assert len({message.sender_id for message in processor.handled}) == 2


@pytest.mark.parametrize(
    ("locale", "label", "direction"),
    [
        pytest.param("zh-TW", "打开聊天", "ltr", id="Chinese"),
        pytest.param("de-DE", "Open chat", "ltr", id="not spoken, so English"),
        pytest.param("ar-EG", "فتح المحادثة", "rtl", id="Arabic"),
        pytest.param("he-IL", "Open chat", "rtl", id="right to left, but not spoken"),
    ],
)
def test_the_language_follows_the_browser(
    open_page: OpenPage, locale: str, label: str, direction: str
) -> None:
    """The widget speaks the browser's language where it can, and runs in its direction."""
    page = open_page(locale=locale)
    page.add_init_script(
        "Object.defineProperty(window, 'frontdeskSettings', {get: () => ({}), set: () => {}})"
    )
    page.reload()
    widget = Widget(page)
    expect(widget.launcher).to_have_accessible_name(label)
    widget.open()
    assert widget.panel.evaluate("panel => getComputedStyle(panel).direction") == direction


def test_the_page_sends_what_one_may_try(open_page: OpenPage) -> None:
    """A card of "Things to try" opens the widget and sends its sentence."""
    widget = Widget(open_page())
    widget.page.get_by_role("button", name="Complain").click()
    widget.expect_said(LATE["en"], SORRY, OPENED, "What would help you most?")
    widget.page.keyboard.press("Escape")
    widget.page.get_by_role("button", name="中文").click()
    expect(widget.page.get_by_role("heading", name="不妨一试")).to_be_visible()
    expect(widget.launcher).to_have_accessible_name("打开聊天")
