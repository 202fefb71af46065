"""The widget on other people's pages: strict policies, several tabs, several devices, bad lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from playwright.sync_api import Page, expect

from bot.dialogue.messages import JSON
from tests.browser.test_widget_files import PNG
from tests.browser.widget import Widget
from tests.channels.scripted import ScriptedProcessor
from tests.channels.scripted_records import ScriptedRecords
from tests.channels.test_widget_identity import SECRET, signed
from tests.server.factories import RunningServer, application

pytestmark = pytest.mark.browser
OpenPage = Callable[..., Page]

OWN_STORAGE = "Object.defineProperty(window, 'localStorage', {get() { throw new Error('switched off'); }})"


@contextmanager
def foreign_shop(processor: ScriptedProcessor, policy: str, attributes: str = "") -> Iterator[str]:
    """Serve a page of another origin with our tag on it; `policy` names us as {ours}."""
    shop = FastAPI(openapi_url=None)
    with RunningServer(shop) as foreign:
        credentials = {"web_widget": {"allowed_origins": [foreign.url]}}
        with RunningServer(application(processor, credentials=credentials)) as ours:
            html = (
                "<!doctype html><html lang=en><title>Shop</title>"
                f"<script async {attributes} src='{ours.url}/static/widget.js'></script>"
            )
            headers = {"Content-Security-Policy": policy.format(ours=ours.url)}

            @shop.get("/")
            def page() -> HTMLResponse:
                return HTMLResponse(html, headers=headers)

            yield foreign.url


POLICIES = [
    pytest.param("default-src 'none'; script-src {ours}; connect-src {ours} ws:", "", id="addresses"),
    pytest.param(
        "default-src 'none'; script-src 'nonce-r4nd0m' 'strict-dynamic'; connect-src {ours} ws:; "
        "base-uri 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
        "nonce=r4nd0m",
        id="nonce and trusted types",
    ),
]


@pytest.mark.parametrize(("policy", "attributes"), POLICIES)
def test_a_strict_page_can_carry_the_whole_widget(
    open_page: OpenPage, processor: ScriptedProcessor, policy: str, attributes: str
) -> None:
    """Chat, another language, a file and a form work on a page that allows nothing but our address."""
    with foreign_shop(processor, policy, attributes) as url:
        widget = Widget(open_page(url)).open().write("hi").expect_said("hi", "You said: hi")
        assert widget.launcher.evaluate("button => button.getBoundingClientRect().height") == 60
        widget.choose_files(PNG)
        expect(widget.log.locator("canvas")).to_have_count(1)
        widget.expect_settled()
        widget.page.reload()
        expect(widget.log.locator("canvas")).to_have_count(1)
        widget.page.evaluate("frontdesk.setLocale('zh')")
        widget.button("评价本次服务").click()
        expect(widget.form).to_be_visible()


def test_a_page_that_is_not_allowed_gets_no_chat(open_page: OpenPage, processor: ScriptedProcessor) -> None:
    """On a page whose origin is not configured nothing is sent and nothing comes."""
    shop = FastAPI(openapi_url=None)
    with RunningServer(shop) as foreign, RunningServer(application(processor)) as ours:

        @shop.get("/")
        def page() -> HTMLResponse:
            return HTMLResponse(
                f"<title>Shop</title><script async src='{ours.url}/static/widget.js'></script>"
            )

        widget = Widget(open_page(foreign.url)).open().write("hi")
        expect(widget.banner).to_contain_text("No connection")
        expect(widget.log.locator(".sending")).to_have_count(1)
    assert processor.handled == []


def test_two_tabs_are_one_conversation(open_page: OpenPage, processor: ScriptedProcessor) -> None:
    """What is said in one tab stands in the other; what is read in one is read in both."""
    first = Widget(open_page()).open().write("one").expect_said("one", "You said: one").expect_settled()
    second = Widget(first.page.context.new_page())
    second.page.goto(first.page.url)
    second.expect_said("one", "You said: one")
    second.write("two")
    said = ("one", "You said: one", "two", "You said: two")
    second.expect_said(*said)
    first.expect_said(*said)
    first.page.keyboard.press("Escape")
    second.write("three").expect_settled()
    expect(first.launcher).to_have_accessible_name("Open chat")
    assert [message.text for message in processor.handled] == ["one", "two", "three"]


def test_a_second_tab_follows_a_reset(open_page: OpenPage, processor: ScriptedProcessor) -> None:
    """Signing out in one tab empties the other one; it goes on with the new conversation."""
    first = Widget(open_page()).open().write("one").expect_said("one", "You said: one").expect_settled()
    second = Widget(first.page.context.new_page())
    second.page.goto(first.page.url)
    second.expect_said("one", "You said: one")
    first.page.evaluate("frontdesk.reset()")
    second.expect_said()
    first.write("two")
    second.expect_said("two", "You said: two")
    assert len({message.sender_id for message in processor.handled}) == 2


def test_a_network_that_is_cut_and_comes_back_loses_nothing(
    open_page: OpenPage, processor: ScriptedProcessor
) -> None:
    """What is written without a network is kept, said to be kept, and sent once when it is back."""
    widget = Widget(open_page()).open().write("one").expect_said("one", "You said: one").expect_settled()
    widget.page.context.set_offline(True)
    widget.write("two")
    expect(widget.banner).to_contain_text("No connection. Your messages are kept")
    expect(widget.log.locator(".sending")).to_have_count(1)
    widget.page.context.set_offline(False)
    widget.expect_said("one", "You said: one", "two", "You said: two").expect_settled()
    expect(widget.banner).to_be_hidden()
    assert [message.text for message in processor.handled] == ["one", "two"]


def test_a_browser_that_keeps_nothing_can_still_chat(open_page: OpenPage) -> None:
    """Where storage is switched off a conversation lasts as long as its page."""
    page = open_page()
    page.add_init_script(OWN_STORAGE)
    page.reload()
    widget = Widget(page).open().write("one")
    widget.expect_said("one", "You said: one").write("two")
    widget.expect_said("one", "You said: one", "two", "You said: two")


@pytest.fixture
def signing_shop(processor: ScriptedProcessor) -> Iterator[RunningServer]:
    """Serve the shop with a key for its customers."""
    credentials = {"web_widget": {"identity_secret": SECRET}}
    with RunningServer(application(processor, credentials=credentials)) as running:
        yield running


def as_customer(account_id: str) -> JSON:
    """Return settings of a page on which somebody is signed in."""
    return {"user": signed(account_id)}


def test_a_signed_customer_finds_her_conversation_on_another_device(
    open_page: OpenPage, signing_shop: RunningServer, processor: ScriptedProcessor, records: ScriptedRecords
) -> None:
    """What was said before and after signing in is there on the next device; its past is no news."""
    laptop = Widget(open_page(signing_shop.url)).open().write("one").expect_said("one", "You said: one")
    customer = signed("7")
    laptop.page.evaluate("customer => frontdesk.setUser(customer.id, customer)", customer)
    laptop.expect_said("one", "You said: one").write("two").expect_settled()
    assert records.accounts == {"7": laptop.sender_id()}

    phone = Widget(open_page(signing_shop.url, as_customer("7")))
    expect(phone.launcher).to_have_accessible_name("Open chat")
    phone.open().expect_said("one", "You said: one", "two", "You said: two")
    phone.write("three")
    laptop.expect_said("one", "You said: one", "two", "You said: two", "three", "You said: three")
    assert {message.metadata.get("account_id") for message in processor.handled} == {None, "7"}


def test_signing_out_leaves_nothing_behind(
    open_page: OpenPage, signing_shop: RunningServer, processor: ScriptedProcessor
) -> None:
    """After `reset`, and on a page that no longer says who she is, the next one finds an empty chat."""
    widget = Widget(open_page(signing_shop.url)).open()
    widget.page.evaluate("customer => frontdesk.setUser(customer.id, customer)", signed("7"))
    widget.write("my secret").expect_said("my secret", "You said: my secret").expect_settled()
    widget.page.reload()
    widget.expect_said()
    widget.write("who am I?").expect_said("who am I?", "You said: who am I?").expect_settled()
    widget.page.evaluate("customer => frontdesk.setUser(customer.id, customer)", signed("7"))
    widget.expect_said("my secret", "You said: my secret")
    widget.page.evaluate("frontdesk.reset()")
    widget.expect_said()
    assert len({message.sender_id for message in processor.handled}) == 2


def test_a_page_hears_that_an_identity_was_refused(open_page: OpenPage, signing_shop: RunningServer) -> None:
    """A wrong signature is told to the page, and the chat goes on as a stranger's."""
    page = open_page(signing_shop.url)
    page.evaluate(
        "void (window.refusal = new Promise((heard) => "
        "addEventListener('frontdesk:error', (event) => heard(event.detail.reason))))"
    )
    page.evaluate("frontdesk.setUser('7', {identifier_hash: '00'})")
    Widget(page).open().write("one").expect_said("one", "You said: one")
    assert page.evaluate("window.refusal") == "IdentityRefused"
