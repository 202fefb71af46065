"""Agents and customers at once on one process: `python -m benchmarks.desk_load --agents 20 --customers 100`.

One server process serves the trained project in this folder with its desk, from a store of its own; agents
and customers are sockets of a second process on the same machine. An agent is no Chromium, twenty of which
would take both cores for themselves: she fetches the page over HTTP with her cookie and speaks the protocol
of its WebSocket (`benchmarks/desk_page.py`), so the server does all that it does for a browser but to send
its unchanging files.

Customers write as in `benchmarks.widget_load`; `--people` of them ask for a person with their third message
and go on writing. The desk gives conversations to agents by itself; half of the agents have told it not to,
watch who waits and claim. Each reads what a customer wrote, types for one to four seconds, replies, and hands
back after three replies. Every fourth agent looks at all conversations with people, the others at their own.

A message stands on an agent's desk when an update brings it as the last line of a row of her list, or as a
line of the conversation that she has open. It is awaited from all agents who have the conversation open or
listed while it is sent; a row that an answer reaches before the message counts from then. Prints JSON.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
import uuid
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.desk_page import JSON, LIST, THREAD, DeskPage
from benchmarks.open_widget import Door, OpenWidget
from benchmarks.widget_load import Plan, Tally, Watched, milliseconds, on_new_store
from crm_connector import database
from crm_connector.choices import Role
from crm_connector.desk import accounts

PASSWORD = "correct horse battery"  # noqa: S105 - of a store that is thrown away
ASKS_FOR_A_PERSON = "/human_handoff"  # what the widget's button sends
ASKS_AT = 2  # the message, counted from 0
REPLIES = 3
MEMORY_EVERY_S = 30.0
LOST_AFTER_S = 30.0


@dataclass(slots=True)
class Awaited:
    """A message on its way to the agents who have its conversation before them."""

    conversation_id: int
    sent_s: float
    previews: dict[int, str | None]  # by agent: what her list showed of it then


@dataclass(slots=True)
class Seen:
    """What all agents of a run saw, in seconds from sending, and what they did."""

    update_s: list[float] = field(default_factory=list)
    reply_s: list[float] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    notices: Counter[str] = field(default_factory=Counter)
    awaited: dict[str, Awaited] = field(default_factory=dict)
    replies: dict[str, float] = field(default_factory=dict)
    conversation_of: dict[str, int] = field(default_factory=dict)

    def lost(self, now_s: float) -> int:
        """How many awaited updates are long overdue."""
        return sum(len(one.previews) for one in self.awaited.values() if now_s - one.sent_s > LOST_AFTER_S)


class Agent:
    """Somebody at the desk, with one page open."""

    def __init__(self, number: int, page: DeskPage, seen: Seen, rng: random.Random) -> None:
        self._number = number
        self._page = page
        self._seen = seen
        self._rng = rng
        self._home = "all" if number % 4 == 0 else "mine"
        self._claims = number % 2 == 1
        self._replies: Counter[int] = Counter()
        page.on_change = self._changed
        page.on_notice = self._noticed

    @property
    def received_bytes(self) -> int:
        """What the server has sent her."""
        return self._page.received_bytes

    def has(self, conversation_id: int) -> bool:
        """Whether a conversation stands before her now, open or in the list."""
        return conversation_id == self._open_id() or any(row["id"] == conversation_id for row in self._rows())

    async def work(self, ends_at: float) -> None:
        """Claim, read, reply and hand back until the end."""
        if self._claims:
            await self._page.emit("q-toggle", "update:modelValue", False)
        await self._go_to(self._home)
        while time.perf_counter() < ends_at and self._page.is_open:
            await asyncio.sleep(self._rng.uniform(0.5, 1.5))
            name = _name(self._number)
            waiting = [row for row in self._rows() if row["agent"] == name and row["waiting_since_at"]]
            if waiting:
                await self._answer(waiting[0]["id"])
            elif self._claims and self._page.props(LIST).get("counts", {}).get("unassigned"):
                await self._claim()
        if not self._page.is_open:
            self._seen.counts["pages closed by the server"] += 1

    async def _claim(self) -> None:
        """Take one of those who wait for a person."""
        await self._go_to("unassigned")
        rows = self._rows()
        if rows and await self._opened(self._rng.choice(rows)["id"]):
            self._seen.counts["claims tried"] += 1
            await self._page.emit(THREAD, "act", {"name": "claim"})
        await self._go_to(self._home)

    async def _answer(self, conversation_id: int) -> None:
        """Open a conversation, read, type, send; the last reply is followed by the hand-back."""
        if not await self._opened(conversation_id) or not self._page.props(THREAD)["open"]["is_mine"]:
            return
        text = f"Let me look into that for you, one moment please ({uuid.uuid4().hex[:12]})"
        await asyncio.sleep(self._rng.uniform(0.5, 2.0))
        typed = {"id": conversation_id, "text": text[:20], "slash": None, "isNote": False}
        await self._page.emit(THREAD, "typed", typed)
        await asyncio.sleep(self._rng.uniform(0.5, 2.0))
        self._seen.replies[text] = time.perf_counter()
        words = {"id": conversation_id, "text": text, "isNote": False, "key": uuid.uuid4().hex}
        await self._page.emit(THREAD, "send", words)
        self._replies[conversation_id] += 1
        self._seen.counts["replies"] += 1
        if self._replies[conversation_id] % REPLIES == 0:
            await asyncio.sleep(self._rng.uniform(0.5, 2.0))
            self._seen.counts["handed back"] += 1
            await self._page.emit(THREAD, "act", {"name": "give_back"})

    async def _opened(self, conversation_id: int) -> bool:
        await self._page.emit(LIST, "open", conversation_id)
        return await self._until(lambda: self._open_id() == conversation_id, "conversation not opened")

    async def _go_to(self, folder: str) -> None:
        await self._page.emit(LIST, "folder", folder)
        await self._until(lambda: self._page.props(LIST).get("folder") == folder, "folder not shown")

    async def _until(self, holds: JSON, otherwise: str) -> bool:
        deadline = time.perf_counter() + LOST_AFTER_S
        while not holds():
            if time.perf_counter() > deadline:
                self._seen.counts[otherwise] += 1
                return False
            await asyncio.sleep(0.05)
        return True

    def _changed(self) -> None:
        """See which messages are there now."""
        now_s = time.perf_counter()
        rows = {row["id"]: row for row in self._rows()}
        lines = self._customer_lines()
        for text, conversation_id in [
            *lines.items(),
            *((row["preview"], row["id"]) for row in rows.values() if row["is_from_customer"]),
        ]:
            self._seen.conversation_of[text.rpartition(" ")[2]] = conversation_id
        for text, awaited in self._seen.awaited.items():
            if self._number not in awaited.previews:
                continue
            row = rows.get(awaited.conversation_id)
            if text in lines or (row and row["preview"] != awaited.previews[self._number]):
                self._seen.update_s.append(now_s - awaited.sent_s)
            elif self.has(awaited.conversation_id):
                continue
            else:
                self._seen.counts["updates no longer awaited: not before her any more"] += 1
            del awaited.previews[self._number]

    def preview(self, conversation_id: int) -> str | None:
        """What her list shows of a conversation."""
        return next((row["preview"] for row in self._rows() if row["id"] == conversation_id), None)

    def _customer_lines(self) -> dict[str, int]:
        """What the customer of the open conversation wrote of late, with the conversation."""
        thread = self._page.props(THREAD).get("open")
        if not thread:
            return {}
        return {line["text"]: thread["id"] for line in thread["lines"][-10:] if line["kind"] == "customer"}

    def _noticed(self, words: str) -> None:
        self._seen.notices[words] += 1

    def _rows(self) -> list[JSON]:
        return self._page.props(LIST).get("rows") or []

    def _open_id(self) -> int | None:
        return (self._page.props(THREAD).get("open") or {}).get("id")


@dataclass
class Customers:
    """All who write; `people` is the share of them who ask for a person."""

    plan: Plan
    people: float
    tally: Tally
    seen: Seen
    agents: list[Agent]
    rng: random.Random

    async def come(self, count: int, seconds: float) -> None:
        """Keep so many widgets open for so long; they come one after the other within the first pause."""
        ends_at = time.perf_counter() + seconds

        async def seat(number: int) -> None:
            await asyncio.sleep(number / count * min(self.plan.pause_s, seconds / 4))
            while time.perf_counter() < ends_at:
                await self._visit(ends_at)

        await asyncio.gather(*(seat(number) for number in range(count)))

    async def _visit(self, ends_at: float) -> None:
        self.tally.customers += 1
        name = uuid.uuid4().hex[:12]
        wants_a_person = self.rng.random() < self.people
        async with OpenWidget.open(self.plan.door, self._heard) as widget:
            for number in range(self.plan.messages):
                await asyncio.sleep(self.plan.pause_s * self.rng.uniform(0.5, 1.5))
                if time.perf_counter() > ends_at:
                    return
                if wants_a_person and number == ASKS_AT:
                    text = ASKS_FOR_A_PERSON
                    self.seen.counts["asked for a person"] += 1
                else:
                    text = f"{self.plan.text(self.rng)} {name}"
                    self._await(name, text)
                self.tally.note(await widget.say(text))

    def _await(self, name: str, text: str) -> None:
        """Remember who has to see a message, as far as it is known which conversation is this customer's."""
        conversation_id = self.seen.conversation_of.get(name)
        if conversation_id is None:
            return
        previews = {
            number: agent.preview(conversation_id)
            for number, agent in enumerate(self.agents)
            if agent.has(conversation_id)
        }
        self.seen.awaited[text] = Awaited(conversation_id, time.perf_counter(), previews)

    def _heard(self, frame: JSON) -> None:
        if frame["type"] == "event" and frame["from"] == "agent":
            for message in frame["messages"]:
                sent_s = self.seen.replies.pop(message.get("text"), None)
                if sent_s is not None:
                    self.seen.reply_s.append(time.perf_counter() - sent_s)


async def measure(plan: Plan, people: float, pid: int, size: tuple[int, int], minutes: float) -> JSON:
    """Let so many agents and customers work at once for so long."""
    agent_count, customer_count = size
    rng = random.Random(7)  # noqa: S311 - the same people in every run
    seen, tally = Seen(), Tally()
    seconds = minutes * 60
    async with AsyncExitStack() as pages:
        agents = []
        for number in range(agent_count):
            page = await pages.enter_async_context(DeskPage.open(plan.door.origin, _email(number), PASSWORD))
            agents.append(Agent(number, page, seen, rng))
        watched = Watched(pid)
        sampling = asyncio.create_task(watched.go_on())
        ends_at = time.perf_counter() + seconds
        customers = Customers(plan, people, tally, seen, agents, rng)
        await asyncio.gather(
            customers.come(customer_count, seconds), *(agent.work(ends_at) for agent in agents)
        )
        sampling.cancel()
        received_mib = sum(agent.received_bytes for agent in agents) / 2**20
    return {
        "agents": agent_count,
        "customers_at_once": customer_count,
        "minutes": minutes,
        "customers": tally.customers,
        "messages": len(tally.whole_answer_s),
        "messages_per_s": round(len(tally.whole_answer_s) / seconds, 1),
        "failed": tally.failed,
        "bot_first_words_ms": _times(tally.first_words_s),
        "desk_updates": len(seen.update_s),
        "desk_update_ms": _times(seen.update_s),
        "desk_updates_lost": seen.lost(time.perf_counter()),
        "agent_replies": len(seen.reply_s),
        "agent_reply_to_widget_ms": _times(seen.reply_s),
        "agent_did": dict(seen.counts),
        "agent_was_told": dict(seen.notices.most_common(8)),
        "sent_to_each_agent_kib_per_s": round(received_mib * 1024 / seconds / agent_count, 1),
        "server_memory": watched.figures(every_s=MEMORY_EVERY_S),
        "server_cores_busy": watched.cores(),
    }


def _times(seconds: list[float]) -> JSON:
    """The percentiles, None where too little was seen for any."""
    return milliseconds(seconds) if len(seconds) > 1 else None


def _open_accounts(url: str, count: int) -> None:
    with database.open(url) as store, store.session() as session:
        for number in range(count):
            accounts.create(
                session, _email(number), name=_name(number), roles=[Role.AGENT], password=PASSWORD
            )


def _email(number: int) -> str:
    return f"agent{number}@example.com"


def _name(number: int) -> str:
    return f"Agent {number}"


def main(
    project: Annotated[Path, typer.Option(help="Project folder, trained.")] = Path(),
    agents: Annotated[int, typer.Option(help="Agents signed in.")] = 20,
    customers: Annotated[int, typer.Option(help="Widgets open at once.")] = 100,
    people: Annotated[float, typer.Option(help="Share of customers who ask for a person.")] = 0.5,
    minutes: Annotated[float, typer.Option(help="How long.")] = 10.0,
    port: Annotated[int, typer.Option(help="Free port for the server.")] = 8767,
) -> None:
    """Let agents and customers work on one server process and print what they saw, as JSON."""
    with on_new_store(project, port) as running:
        _open_accounts(running.store, agents)
        plan = Plan(Door.of(port), pause_s=20.0, messages=12, texts=running.texts)
        figures = asyncio.run(measure(plan, people, running.pid, (agents, customers), minutes))
    typer.echo(json.dumps(figures, indent=2))


if __name__ == "__main__":
    typer.run(main)
