"""A desk in a process of its own, because NiceGUI is one application in a process; with people and work.

Run as `python -m tests.browser.desk_server STORE PORT`.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from crm_connector import conversations, database, opportunities, ownership, tickets
from crm_connector.choices import ComplaintCategory, Priority, Role, Sentiment, Severity
from crm_connector.columns import JSONObject
from crm_connector.desk import accounts, writing
from crm_connector.desk.opening_hours import OpeningHours
from crm_connector.ownership import Matter
from crm_connector.tables import Customer, Opportunity, ServiceLevel, Ticket
from desk.app import mount
from desk.options import DeskOptions

PASSWORD = "correct horse battery"
PEOPLE = {"anna@example.com": ("Anna", list(Role)), "ben@example.com": ("Ben", [Role.AGENT])}
EVIL = "It broke! <img src=x onerror='window.stolen=1'> {{constructor.constructor('window.stolen=1')()}}"


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
        for number, (name, severity) in enumerate(
            [("Ada", Severity.CRITICAL), ("Bo", Severity.LOW), ("蔡女士", Severity.LOW)]
        ):
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
        ticket = Ticket(
            source_key="t", customer_id=customer.id, category=ComplaintCategory.PRODUCT, subject=EVIL,
            priority=Priority.HIGH,
        )  # fmt: skip
        tickets.open_ticket(session, ticket)
        sale = Opportunity(source_key="o", customer_id=customer.id, title=EVIL, amount=49)
        opportunities.open_opportunity(session, sale)


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
