"""A desk in a process of its own, because NiceGUI is one application in a process; with people and work.

Run as `python -m tests.browser.desk_server STORE PORT`, or as a `DeskServer`.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crm_connector import conversations, database, opportunities, ownership, tickets
from crm_connector.choices import ComplaintCategory, Priority, Role, Sentiment, Severity
from crm_connector.columns import JSONObject
from crm_connector.desk import accounts, writing
from crm_connector.desk.opening_hours import OpeningHours
from crm_connector.ownership import Matter
from crm_connector.tables import (
    Agent,
    Conversation,
    Customer,
    Opportunity,
    ServiceLevel,
    Ticket,
)
from desk.app import mount
from desk.options import DeskOptions
from tests.browser.processes import free_port, wait_until_well

ROOT = Path(__file__).parents[2]
PASSWORD = "correct horse battery"
PEOPLE = {"anna@example.com": ("Anna", list(Role)), "ben@example.com": ("Ben", [Role.AGENT])}
EVIL = "It broke! <img src=x onerror='window.stolen=1'> {{constructor.constructor('window.stolen=1')()}}"


CUSTOMERS = {"Ada": Severity.CRITICAL, "Bo": Severity.LOW, "蔡女士": Severity.LOW}


class DeskServer:
    """The process that serves the desk; it can be killed and started again."""

    def __init__(self, store: Path) -> None:
        self._store = store
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and wait until it answers."""
        command = [sys.executable, "-m", "tests.browser.desk_server", str(self._store), str(self._port)]
        self._process = subprocess.Popen(command, cwd=ROOT)
        wait_until_well(self._process, self.url)

    def kill(self) -> None:
        """End it without a word."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)

    def begin_anew(self) -> None:
        """Let three other customers come, and nobody wait who was there before."""
        with database.open(f"sqlite:///{self._store}") as store, store.session() as session:
            leave_all_to_the_bot(session)
            three_come(session)


class Assistant:
    """An assistant beside the desk that knows two intents."""

    def __init__(self, folder: Path) -> None:
        self.nlu_folder = folder / "data" / "nlu"

    def intents(self) -> list[str]:
        """Two."""
        return ["greet", "complaint_product"]

    def entities(self) -> list[str]:
        """One."""
        return ["product"]

    async def resolved(self, channel: str, sender_id: str) -> None:
        """Say nothing."""


def fill(store: database.Store) -> None:
    """Two people, three customers who wait, a ticket, an opportunity, a promise and canned replies."""
    with store.session() as session:
        for email, (name, roles) in PEOPLE.items():
            accounts.create(session, email, name=name, roles=roles, password=PASSWORD)
        hours = OpeningHours().as_json()
        session.add(ServiceLevel(name="all", hours=hours, first_response_min=30, resolution_min=480))
        session.flush()
        writing.save_canned_reply(session, "hello", "en", "Hello {name}, this is {agent}.")
        customer = three_come(session)
        ticket = Ticket(
            source_key="t", customer_id=customer.id, category=ComplaintCategory.PRODUCT, subject=EVIL,
            priority=Priority.HIGH,
        )  # fmt: skip
        tickets.open_ticket(session, ticket)
        sale = Opportunity(source_key="o", customer_id=customer.id, title=EVIL, amount=49)
        opportunities.open_opportunity(session, sale)


def leave_all_to_the_bot(session: Session) -> None:
    """Let nobody wait, and nobody have a person."""
    for conversation in ownership.waiting(session):
        ownership.leave_queue(session, conversation)
    for conversation in session.scalars(select(Conversation).where(Conversation.agent_id.is_not(None))):
        agent = session.get_one(Agent, conversation.agent_id)
        ownership.hand_back(session, conversation, agent)


def three_come(session: Session) -> Customer:
    """Three customers complain and wait, the first one the most urgent; returns the last one."""
    before = session.scalar(select(func.count(Conversation.id))) or 0
    for number, (name, severity) in enumerate(CUSTOMERS.items(), start=before):
        customer = Customer(name=name, email=f"c{number}@example.com")
        session.add(customer)
        session.flush()
        conversation = conversations.find_or_create(
            session, f"visitor-{number:06d}", "web_widget", customer_id=customer.id
        )
        parsed = {
            "intent": {"name": "complaint_product", "confidence": 0.5},
            "intent_ranking": [{"name": "complaint_product", "confidence": 0.5}],
            "sentiment": {"value": "negative"},
        }
        said: JSONObject = {
            "event": "user", "text": EVIL, "timestamp": time.time(), "message_id": "m1",
            "parse_data": parsed,
        }  # fmt: skip
        conversations.append_events(session, conversation, [said])
        card: JSONObject = {
            "wanted": "a refund",
            "tried": ["took up a ticket"],
            "slots": {"product": EVIL},
            "sentences": [{"text": EVIL, "sources": ["m1"]}],
        }
        matter = Matter("asked", ComplaintCategory.PRODUCT, severity, Sentiment.NEGATIVE, "en", card)
        ownership.request_agent(session, conversation, matter)
    return customer


def main() -> None:
    """Fill the store if it is new, and serve."""
    path = Path(sys.argv[1])
    is_new = not path.exists()
    store = database.open(f"sqlite:///{path}")
    if is_new:
        fill(store)
    app = FastAPI()
    app.add_api_route("/health", lambda: "well")
    mount(app, store, DeskOptions(assign=False), assistant=Assistant(path.parent))
    uvicorn.run(app, port=int(sys.argv[2]), log_level="error")


if __name__ == "__main__":
    main()
