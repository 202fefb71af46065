"""A desk with five weeks of plausible work, for pictures and for a look at every page.

Run as `python -m tests.browser.desk_work STORE PORT`: fills the store if it is new, and serves it; with
`empty` behind it, nobody has an account yet. What is said and by whom stands in desk_work.yml.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import uvicorn
import yaml
from fastapi import FastAPI
from sqlalchemy import select
from sqlalchemy.orm import Session

from crm_connector import database, opportunities, ownership, recommendations, sample_data, surveys, tickets
from crm_connector.choices import (
    ComplaintCategory,
    Outcome,
    Presence,
    Priority,
    Role,
    Sentiment,
    Severity,
    Stage,
    Target,
    TicketStatus,
)
from crm_connector.columns import JSON, JSONObject, utc_now
from crm_connector.desk import accounts, audit, service_levels, writing
from crm_connector.ownership import Matter
from crm_connector.tables import (
    Account,
    Agent,
    Clock,
    Conversation,
    ConversationEvent,
    Customer,
    Handoff,
    Note,
    Opportunity,
    Product,
    Recommendation,
    ServiceLevel,
    Survey,
    Ticket,
)
from desk.app import mount
from desk.options import DeskOptions
from tests.browser.desk_server import PASSWORD, Assistant

ME = sample_data.DEMO_AGENT
DAYS = 35
WORK: JSON = yaml.safe_load(Path(__file__).with_suffix(".yml").read_text(encoding="utf-8"))
_UNCLEAR = ("nlu_fallback", "out_of_scope")
_OPEN, _PENDING, _RESOLVED, _CLOSED = TicketStatus
_STATUSES = [_OPEN] * 7 + [_PENDING] * 4 + [_RESOLVED] * 5 + [_CLOSED] * 6
_STAGES = [stage for stage, count in zip(Stage, (6, 4, 3, 5, 3), strict=True) for _ in range(count)]


class ShopAssistant(Assistant):
    """The assistant of the demo shop, as far as the training inbox asks."""

    def intents(self) -> list[str]:
        """Those of the sentences, and their runners-up."""
        lines = [line for said in WORK["said"].values() for line in said]
        return sorted({line[1] for line in lines} | {line[3] for line in lines})

    def entities(self) -> list[str]:
        """Four kinds."""
        return ["order_number", "product", "city", "date"]


@dataclass
class Filling:
    """One store on its way from empty to busy; `random` is seeded."""

    session: Session
    now: datetime
    random: Random

    def run(self) -> None:
        """The demo company, its staff and promises, five weeks that are over, and a busy hour."""
        sample_data.fill(self.session, now=self.now)
        self.staff = self._open_accounts()
        self._promise()
        for shortcut, language, text in WORK["replies"]:
            writing.save_canned_reply(self.session, shortcut, language, text)
        self.customers = list(self.session.scalars(select(Customer).order_by(Customer.id)))
        for back in range(DAYS, 0, -1):
            self._day(self.now - timedelta(days=back))
        people = self._visitors()
        for case in WORK["cases"]:
            self._wait(case, people[case["who"]])
        self._open_tickets()
        self._open_opportunities()
        service_levels.run_out(self.session, self.now)  # what is late by now has been told
        for account in self.session.scalars(select(Account)):  # at the end, or it is long ago by then
            account.presence, account.seen_at = Presence.ONLINE, utc_now()

    def _note(self, action: str, subject: str, **detail: JSON) -> None:
        audit.note(self.session, ME, action, subject, detail)

    def _open_accounts(self) -> dict[str, Agent]:
        for email, name, roles, languages, topics in [(ME, "Ines Okafor", [*Role], [], []), *WORK["staff"]]:
            account = accounts.create(
                self.session, email, name=name, roles=[*map(Role, roles)], password=PASSWORD
            )
            account.languages, account.topics = languages, topics
            self._note("account.open", f"account {email}", roles=[str(role) for role in roles])
        self.session.flush()
        return {account.agent.email: account.agent for account in self.session.scalars(select(Account))}

    def _promise(self) -> None:
        for name, severity, first, following, end, hours, languages in WORK["levels"]:
            level = ServiceLevel(
                name=name, least_severity=Severity(severity), hours=WORK["hours"][hours], languages=languages,
                first_response_min=first, next_response_min=following, resolution_min=end,
            )  # fmt: skip
            self.session.add(level)
            self._note("service_level.save", f"service level {name}", first_response_min=first)
        self.session.flush()

    def _day(self, day: datetime) -> None:
        """More on a Monday than on a Sunday."""
        for number in range(self.random.randint(5, 9) + (0 if day.weekday() > 4 else 6)):
            start = day.replace(hour=self.random.randint(7, 20), minute=self.random.randint(0, 59))
            if start < self.now - timedelta(hours=3):
                self._past(f"past-{day:%m%d}-{number}", start)

    def _past(self, name: str, start: datetime) -> None:
        """One in five went to a person, and of those two in five were rated."""
        random = self.random
        customer = random.choice(self.customers[2:])
        language = customer.language or "en"
        lines = random.sample(WORK["said"][language], random.randint(1, 3))
        events: list[JSONObject] = []
        for step, (text, intent, score, runner_up, mood) in enumerate(lines):
            at = start + timedelta(minutes=2 * step)
            ranking = [(intent, score), (runner_up, round(min(score - 0.04, (1 - score) * 0.9), 2))]
            if random.random() < 0.06:
                ranking = [(random.choice(_UNCLEAR), 0.3), (intent, 0.28)]
            events += [_user(text, at, ranking, mood, step), _bot(WORK["answers"][language], at)]
        channel = random.choices(["web_widget", "telegram", "slack", "rest"], [6, 3, 1, 1])[0]
        row = self._conversation(customer, channel, name, events)
        if random.random() < (0.45 if lines[-1][4] == "negative" else 0.1):
            self._stay(row, start + timedelta(minutes=7))
        elif random.random() < 0.15:
            self._rate(row, random.choices([3, 4, 5], [2, 5, 6])[0], start)

    def _conversation(
        self, customer: Customer, channel: str, name: str, events: Sequence[JSONObject]
    ) -> Conversation:
        """A conversation whose events stand where they happened, not when they were written down."""
        moments = [datetime.fromtimestamp(event["timestamp"], self.now.tzinfo) for event in events]
        row = Conversation(
            sender_id=f"{name}-{customer.id:06d}", channel=channel, customer_id=customer.id,
            language=customer.language, last_sequence=len(events), created_at=moments[0],
            owner_since_at=moments[0], last_activity_at=moments[-1],
        )  # fmt: skip
        self.session.add(row)
        self.session.flush()
        self.session.add_all(
            ConversationEvent(
                conversation_id=row.id, sequence=number, type_name=event["event"], data=event, created_at=at
            )
            for number, (event, at) in enumerate(zip(events, moments, strict=True), start=1)
        )
        return row

    def _stay(self, row: Conversation, at: datetime) -> None:
        random = self.random
        answered = at + timedelta(minutes=random.expovariate(1 / 9))
        ended = answered + timedelta(minutes=random.expovariate(1 / 90))
        handoff = Handoff(
            conversation_id=row.id, reason="asked", language=row.language,
            severity=random.choices([*Severity], [4, 4, 2, 1])[0],
            topic=random.choice([*ComplaintCategory]),
            agent_id=random.choice([*self.staff.values()][:4]).id,
            requested_at=at, waiting_since_at=None, claimed_at=answered, first_reply_at=answered,
            ended_at=ended, outcome=random.choices([*Outcome][:3], [7, 2, 1])[0],
        )  # fmt: skip
        self.session.add(handoff)
        self.session.flush()
        service_levels.start_handoff(self.session, handoff, row)
        service_levels.stop(self.session, handoff, [Target.FIRST_RESPONSE], answered)
        service_levels.stop(self.session, handoff, [Target.RESOLUTION], ended)
        if random.random() < 0.4:
            self._rate(row, random.choices([1, 2, 3, 4, 5], [1, 1, 2, 6, 7])[0], ended)

    def _rate(self, row: Conversation, rating: int, at: datetime) -> None:
        survey = Survey(
            source_key=f"survey {row.id}", customer_id=row.customer_id or 0, conversation_id=row.id,
            rating=rating, created_at=at,
        )  # fmt: skip
        surveys.record_survey(self.session, survey)

    def _visitors(self) -> dict[str, Customer]:
        found = {"anna": self.customers[0], "lilei": self.customers[1]}
        for key, (name, language, city) in WORK["visitors"].items():
            found[key] = Customer(name=name, email=f"{key}@example.org", language=language, city=city)
        self.session.add_all(found.values())
        self.session.flush()
        return found

    def _wait(self, case: JSONObject, customer: Customer) -> None:
        """A conversation that asks for a person, has one, or has been put aside."""
        start = self.now - timedelta(minutes=case["minutes"])
        language = customer.language or "en"
        mood = case.get("mood", "neutral")
        lines = [*case["lines"], *([WORK["answers"][language]] if len(case["lines"]) % 2 else [])]
        events = []
        for number, text in enumerate(lines):
            at = start + timedelta(seconds=20 * number)
            ranking = [(f"complaint_{case['topic']}", 0.91), ("open_ticket", 0.05)]
            events.append(_bot(text, at) if number % 2 else _user(text, at, ranking, mood, number))
        row = self._conversation(customer, case.get("channel", "web_widget"), "visitor", events)
        matter = Matter(
            reason=case.get("reason", "asked"),
            topic=ComplaintCategory(case["topic"]),
            severity=Severity(case.get("severity", "low")),
            sentiment=Sentiment(mood),
            language=language,
            card=case.get("card") or _card(case),
        )
        ownership.request_agent(self.session, row, matter)
        self._back_date(row)
        if "agent" in case:
            self._help(row, case)

    def _back_date(self, row: Conversation) -> None:
        """Let the clocks run since the customer asked."""
        handoff = self.session.scalars(select(Handoff).where(Handoff.conversation_id == row.id)).one()
        at = handoff.requested_at = handoff.waiting_since_at = row.last_activity_at
        for clock in self.session.scalars(select(Clock).where(Clock.handoff_id == handoff.id)):
            late = clock.started_at - at
            clock.started_at, clock.due_at, clock.warn_at = at, clock.due_at - late, clock.warn_at - late
        self.session.flush()

    def _help(self, row: Conversation, case: Mapping[str, JSON]) -> None:
        agent, asked_at = self.staff[case["agent"]], row.last_activity_at
        ownership.claim(self.session, row, agent)
        self._note("conversation.claim", f"conversation {row.id}")
        if case.get("is_answered"):
            greeting = WORK["greetings"][row.language or "en"]
            ownership.reply(self.session, row, agent, greeting, key=f"reply {row.id}")
        else:
            self._enrich(row)
        if case.get("is_snoozed"):
            handoff = self.session.scalars(select(Handoff).where(Handoff.conversation_id == row.id)).one()
            handoff.snoozed_until_at = self.now + timedelta(hours=16)
        row.last_activity_at = asked_at
        self.session.flush()

    def _enrich(self, row: Conversation) -> None:
        """A colleague's note, and what may be offered."""
        jonas = self.staff["jonas@lumen.example"]
        self.session.add(
            Note(source_key="note", conversation_id=row.id, agent_id=jonas.id, text=WORK["note"])
        )
        products = {one.code: one for one in self.session.scalars(select(Product))}
        for code, reason in WORK["offers"]:
            offer = Recommendation(
                source_key="offer", customer_id=row.customer_id or 0, product_id=products[code].id,
                conversation_id=row.id, reason=reason, score=0.8,
            )  # fmt: skip
            recommendations.offer(self.session, offer)

    def _open_tickets(self) -> None:
        for number, status in enumerate(_STATUSES):
            subject, category = WORK["tickets"][number % len(WORK["tickets"])]
            first = number == 0
            ticket = Ticket(
                source_key=f"ticket {number}", category=ComplaintCategory(category), subject=subject,
                customer_id=(self.customers[0] if first else self.random.choice(self.customers)).id,
                description=f"“{subject}.” The assistant has asked for order and product.",
                priority=Priority.URGENT if first else self.random.choices([*Priority], [2, 5, 2, 1])[0],
                created_at=self.now - timedelta(hours=3 + 7 * number),
            )  # fmt: skip
            tickets.open_ticket(self.session, ticket)
            if number % 3 or first:
                agent = self.random.choice([*self.staff.values()][:4])
                tickets.assign(self.session, ticket, agent, actor=ME)
                self._note("ticket.assign", f"ticket {ticket.number}", to=agent.email)
            tickets.add_note(
                self.session, ticket, "Asked the carrier for a trace.", actor="jonas@lumen.example",
                source_key="trace",
            )  # fmt: skip
            tickets.set_status(self.session, ticket, status, actor=ME)

    def _open_opportunities(self) -> None:
        products = list(self.session.scalars(select(Product).order_by(Product.price.desc())))
        for number, stage in enumerate(_STAGES):
            customer = self.random.choice(self.customers) if number else self.customers[0]
            product = products[(number * 7) % len(products)]
            sale = Opportunity(
                source_key=f"sale {number}", customer_id=customer.id, product_id=product.id,
                title=product.name_zh if customer.language == "zh" else product.name_en, amount=product.price,
            )  # fmt: skip
            opportunities.open_opportunity(self.session, sale)
            opportunities.set_stage(self.session, sale, stage)


def _user(
    text: str, at: datetime, ranking: Sequence[tuple[str, float]], mood: str, number: int
) -> JSONObject:
    ranked = [{"name": name, "confidence": score} for name, score in ranking]
    parsed = {"intent": ranked[0], "intent_ranking": ranked, "sentiment": {"value": mood}, "entities": []}
    return {
        "event": "user", "text": text, "timestamp": at.timestamp(), "message_id": f"m{number}",
        "parse_data": parsed,
    }  # fmt: skip


def _bot(text: str, at: datetime) -> JSONObject:
    return {"event": "bot", "text": text, "timestamp": at.timestamp(), "data": None, "metadata": {}}


def _card(case: Mapping[str, JSON]) -> JSONObject:
    sentence = {"text": f"The customer wrote: “{case['lines'][0][:80]}”.", "sources": ["m0"]}
    return {"wanted": case["wanted"], "tried": ["took up a ticket"], "sentences": [sentence]}


def main() -> None:
    """Fill the store if it is new, and serve."""
    path, port, options = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    is_new = not path.exists()
    store = database.open(f"sqlite:///{path}")
    if is_new and "empty" not in options:
        with store.session() as session:
            Filling(session, utc_now(), Random(7)).run()
    app = FastAPI()
    mounted = mount(app, store, DeskOptions(assign=False), assistant=ShopAssistant(path.parent))
    app.add_api_route("/health", lambda: {"first_run_path": mounted.first_run_path})
    uvicorn.run(app, port=port, log_level="error")


if __name__ == "__main__":
    main()
