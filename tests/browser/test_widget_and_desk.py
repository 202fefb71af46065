"""Customers in the widget and agents at the desk, at once, over a real assistant in a process of its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from crm_connector import database
from crm_connector.choices import Presence, Role
from crm_connector.desk import accounts
from tests.browser import small_shop
from tests.browser.agent import AgentPage
from tests.browser.conftest import NewContext
from tests.browser.desk_server import PASSWORD, leave_all_to_the_bot
from tests.browser.widget import Widget
from tests.integration.demo import ServedDemo

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]  # the first of them trains a model

ROLES = {"Anna": [Role.AGENT, Role.SUPERVISOR], "Ben": [Role.AGENT]}

NewCustomer = Callable[[], Widget]
NewAgent = Callable[[str], AgentPage]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedDemo]:
    """Serve the small shop with two agents, as `frontdesk run` does."""
    folder = small_shop.write_and_train(tmp_path_factory.mktemp("shop"))
    url = f"sqlite:///{folder / 'crm.db'}"
    with database.open(url) as store, store.session() as session:
        for name, roles in ROLES.items():
            accounts.create(session, f"{name.lower()}@example.com", name=name, roles=roles, password=PASSWORD)
    with ServedDemo(folder / "models", url, project=folder) as served:
        yield served


@pytest.fixture(autouse=True)
def nobody_waits(shop: ServedDemo) -> None:
    """Begin each test with an empty queue, also after one that ended halfway."""
    with database.open(shop.crm_url) as store, store.session() as session:
        leave_all_to_the_bot(session)


@pytest.fixture
def new_customer(new_context: NewContext, shop: ServedDemo) -> NewCustomer:
    """Open the shop's page and the widget on it."""

    def open_widget() -> Widget:
        page = new_context().new_page()
        page.goto(shop.url)
        return Widget(page).open()

    return open_widget


@pytest.fixture
def new_agent(new_context: NewContext, shop: ServedDemo) -> NewAgent:
    """Sign an agent in; she claims what she takes."""
    return lambda name: AgentPage(new_context().new_page(), name).sign_in(shop.url).take_nothing()


def _name(customer: Widget) -> str:
    """What the desk calls a customer whose name it does not know."""
    return f"Visitor {customer.sender_id()[-6:]}"


def test_a_complaint_is_answered_by_a_person_and_rated(
    new_customer: NewCustomer, new_agent: NewAgent, shop: ServedDemo
) -> None:
    """From the complaint to the rating in the reports; of two agents who claim at once, one wins."""
    ada, bo = new_customer(), new_customer()
    agents = [new_agent("Anna"), new_agent("Ben")]

    bo.write(small_shop.WANTS_A_PERSON)
    expect(bo.status).to_contain_text("You are number 1 in the queue")
    ada.write(small_shop.COMPLAINT)
    expect(ada.log).to_contain_text("I've opened ticket T-1")
    ada.write(small_shop.YES)
    expect(ada.status).to_contain_text("You are number 1 in the queue")
    expect(bo.status).to_contain_text("You are number 2 in the queue")

    for agent in agents:
        agent.folder("Unassigned")
        expect(agent.rows).to_have_count(2)
        agent.open("Unassigned")
        expect(agent.thread.get_by_role("heading", name=_name(ada))).to_be_visible()
        expect(agent.card).to_contain_text("A person was accepted after a complaint")
        expect(agent.card).to_contain_text(small_shop.COMPLAINT)
    _click_at_once(agents, "Claim")
    winner, loser = _winner_first(agents)
    expect(loser.page.get_by_role("alert")).to_contain_text(f"{winner.name} has this conversation")
    loser.expect_standing(f"{winner.name} answers")
    expect(ada.log).to_contain_text(f"{winner.name} has joined the conversation")
    expect(bo.status).to_contain_text("You are number 1 in the queue")
    loser.open("Unassigned").claim()
    expect(bo.log).to_contain_text(f"{loser.name} has joined the conversation")

    winner.reply("Good morning, which order is it?")
    expect(ada.log).to_contain_text("Good morning, which order is it?")
    ada.write(small_shop.THANKS)
    expect(winner.said(small_shop.THANKS)).to_be_visible()
    winner.reply("I am looking into it.")
    expect(ada.log).to_contain_text("I am looking into it.")
    people = ada.log.locator(".item.customer, .item.agent").locator(".bubble")
    expect(people).to_have_text(
        [small_shop.COMPLAINT, small_shop.YES, "Good morning, which order is it?", small_shop.THANKS,
         "I am looking into it."]
    )  # fmt: skip
    after_joining = ada.log.locator(".item.desk ~ .item.assistant")
    expect(after_joining).to_have_count(0)

    winner.act("Back to the bot")
    expect(winner.log).to_contain_text(f"{winner.name} left the conversation")
    expect(ada.log).to_contain_text(f"{winner.name} has left. The assistant answers again.")
    ada.write(small_shop.ASKS_FOR_TICKET)
    expect(after_joining.last).to_contain_text("T-1")

    winner.act("Take over").expect_standing("You answer").reply("One more thing: it arrives today.")
    winner.resolve()
    expect(ada.log).to_contain_text("How satisfied are you with this chat")
    ada.choice("5").click()
    ada.choice("No comment").click()
    expect(ada.log).to_contain_text("Thank you for 5 out of 5")
    loser.resolve("The customer left")

    anna = next(agent for agent in agents if agent.name == "Anna")
    anna.page.goto(f"{shop.url}/desk/reports")
    satisfaction = anna.page.locator(".figure").filter(has_text="Satisfaction")
    expect(satisfaction).to_contain_text("5.0")


def _click_at_once(agents: list[AgentPage], name: str) -> None:
    """Let all browsers press the button in the same moment, half a second from now."""
    press = """(button) => { const at = Math.ceil(Date.now() / 500 + 1) * 500;
                             setTimeout(() => button.click(), at - Date.now()); }"""
    for agent in agents:
        agent.page.get_by_role("button", name=name, exact=True).evaluate(press)


def _winner_first(agents: list[AgentPage]) -> list[AgentPage]:
    heads = agents[0].thread.locator(".thread-head")
    expect(heads).to_contain_text(re.compile("You answer|answers$|answers ·"))
    return agents if "You answer" in heads.inner_text() else agents[::-1]


def test_the_customer_of_an_agent_who_vanishes_gets_another(
    new_customer: NewCustomer, new_agent: NewAgent, shop: ServedDemo
) -> None:
    """She hears of it and is in the queue again; whoever takes conversations is given hers, and told."""
    customer, anna, ben = new_customer(), new_agent("Anna"), new_agent("Ben")
    customer.write(small_shop.WANTS_A_PERSON)
    ben.open("Unassigned").claim()
    customer.write("Are you there?")
    expect(ben.said("Are you there?")).to_be_visible()
    ben.page.context.close()
    _let_pass(shop, "Ben", timedelta(minutes=3))
    expect(customer.log.locator(".item.desk").last).to_contain_text("Ben has left.")
    expect(customer.log).not_to_contain_text("The assistant answers again")
    expect(customer.status).to_contain_text("You are number 1 in the queue")
    anna.open("Unassigned")
    expect(anna.said("Are you there?")).to_be_visible()

    anna.page.get_by_role("switch", name="Taking conversations").click()
    expect(anna.page.get_by_role("alert")).to_contain_text("New conversation for you")
    anna.expect_standing("You answer")
    expect(customer.log).to_contain_text("Anna has joined the conversation")
    anna.reply("Anna here, I am sorry that you had to wait.")
    expect(customer.log).to_contain_text("Anna here")
    anna.resolve("The customer left")


def _let_pass(shop: ServedDemo, name: str, duration: timedelta) -> None:
    """Let the last sign of life of an agent be so long ago."""
    with database.open(shop.crm_url) as store, store.session() as session:
        account = accounts.find(session, f"{name.lower()}@example.com")
        assert account is not None
        assert account.seen_at is not None
        assert account.presence == Presence.AWAY
        account.seen_at -= duration


def test_a_server_that_is_killed_in_the_middle_loses_nothing(
    new_customer: NewCustomer, new_agent: NewAgent, shop: ServedDemo
) -> None:
    """Both pages come back by themselves; what was written meanwhile arrives once, a draft is kept."""
    customer, anna = new_customer(), new_agent("Anna")
    customer.write(small_shop.WANTS_A_PERSON)
    anna.open("Unassigned").claim().reply("Good morning")
    expect(customer.log).to_contain_text("Good morning")
    anna.reply_box.press_sequentially("I was just")
    shop.kill()
    customer.write("It is about my lamp")
    anna.reply_box.press_sequentially(" about to say")
    expect(customer.banner).to_be_visible()
    shop.start()
    expect(customer.banner).to_be_hidden()
    expect(anna.said("It is about my lamp")).to_have_count(1)
    expect(anna.reply_box).to_have_value("I was just about to say")
    anna.reply_box.press("Control+Enter")
    expect(customer.log.locator(".item.agent .bubble")).to_have_text(
        ["Good morning", "I was just about to say"]
    )
    expect(anna.reply_box).to_have_value("")
    expect(anna.said("Good morning")).to_have_count(1)
    anna.resolve("The customer left")
