"""Kill servers while customers write over a messenger with faults, and count what is lost, doubled, late.

`python -m benchmarks.deliveries --messages 10000 --kill-every 3` runs a server of a project of its own
against a local peer that redelivers, delays, answers 429 and 500 and drops connections, and kills the server
(SIGKILL) again and again. `--postgresql URL --processes 2` lets two share the work. With `--kill-every 0
--no-faults` it measures how long an answer takes. Prints JSON; the exit code is 1 if anything is lost, out of
order, or doubled without being marked as doubtful.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import random
import signal
import statistics
import sys
import tempfile
import time
from ast import literal_eval
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from benchmarks.peers.customers import CHANNELS, Customers
from benchmarks.peers.faults import CountedFaults, Fault
from benchmarks.peers.served import Server, write_credentials, write_project
from crm_connector import database, lanes
from crm_connector.choices import Progress
from crm_connector.database import Store
from crm_connector.tables import AcceptedMessage, Conversation, ConversationEvent, Delivery

PARTS = ("one", "two")
SETTLED_S = 5.0
GIVE_UP_S = 60.0
_LOOK_EVERY_S = 0.05
FAULTS: Mapping[Fault, float] = {
    Fault.RATE_LIMIT: 0.02,
    Fault.SERVER_ERROR: 0.02,
    Fault.DROP_BEFORE: 0.01,
    Fault.DROP_AFTER: 0.005,
}


@dataclass(frozen=True, slots=True)
class Trial:
    """What is to be tried; `kill_every_s` is a mean, `redeliver` a chance in [0, 1].

    After `ahead` messages a customer waits for an answer before she writes the next one; after
    `longest_s` seconds nobody writes any more.
    """

    channel: str
    messages: int
    customers: int
    ahead: int
    longest_s: float | None
    kill_every_s: float
    most_kills: int
    processes: int
    faults: Mapping[Fault, float]
    delay_s: float
    redeliver: float
    seed: int


@dataclass(slots=True)
class Outcome:
    """What came of it; texts are those that customers got. Times in seconds or milliseconds."""

    written: int = 0
    sent: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    out_of_order: list[str] = field(default_factory=list)
    doubled_and_marked_doubtful: int = 0
    marked_doubtful: int = 0
    dead_letters: int = 0
    left_open: int = 0
    kills: int = 0
    redeliveries: int = 0
    requests_with_faults: int = 0
    seconds: float = 0.0
    messages_per_s: float = 0.0
    p50_ms: float | None = None
    p95_ms: float | None = None

    @property
    def is_sound(self) -> bool:
        """Whether nothing is lost, late or doubled, but what nobody could know and what is marked so."""
        unmarked = len(self.doubled) - self.doubled_and_marked_doubtful
        return not (self.lost or self.out_of_order or unmarked or self.left_open or self.dead_letters)


class Run:
    """One trial under way."""

    def __init__(self, trial: Trial, servers: Sequence[Server], customers: Customers, crm_url: str) -> None:
        self._trial = trial
        self._crm_url = crm_url
        self._servers = servers
        self._customers = customers
        self._random = random.Random(trial.seed)  # noqa: S311 - no secret
        self._acknowledged: dict[str, float] = {}
        self._ends_at = math.inf
        self._is_over = False
        self.outcome = Outcome()

    async def go(self, report: Callable[[str], None]) -> None:
        """Let all customers write, kill meanwhile, and wait until everything was answered."""
        started = time.perf_counter()
        if self._trial.longest_s is not None:
            self._ends_at = started + self._trial.longest_s
        killer = asyncio.create_task(self._kill())
        reporter = asyncio.create_task(self._report(report))
        try:
            async with asyncio.TaskGroup() as group:
                for customer in range(self._trial.customers):
                    group.create_task(self._write(customer))
            await self._quiet(GIVE_UP_S, len(PARTS) * len(self._acknowledged))
            # Whoever was killed last is started first; that a server did not start again is an error.
            self._is_over = True
            await killer
            await self._nothing_open()
            await self._quiet(SETTLED_S)
        finally:
            killer.cancel()
            reporter.cancel()
        self.outcome.seconds = round(time.perf_counter() - started, 1)
        self.outcome.written = len(self._acknowledged)
        self.outcome.messages_per_s = round(self.outcome.written / self.outcome.seconds, 1)

    def texts(self, customer: int) -> list[str]:
        """Return what a customer is to write."""
        return [f"say {number}" for number in range(customer, self._trial.messages, self._trial.customers)]

    async def _write(self, customer: int) -> None:
        for written, text in enumerate(self.texts(customer)):
            await self._listen(customer, written - self._trial.ahead)
            if time.perf_counter() > self._ends_at:
                return
            times = 2 if self._random.random() < self._trial.redeliver else 1
            self.outcome.redeliveries += times - 1
            await self._customers.write(customer, text, times=times)
            self._acknowledged[text] = time.perf_counter()

    async def _listen(self, customer: int, wanted: int) -> None:
        """Wait for more answers than `wanted`, unless one is lost."""
        if wanted < 0:
            return
        since = time.perf_counter()
        while self._answers(customer) <= wanted and time.perf_counter() - since < GIVE_UP_S:  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_EVERY_S)

    def _answers(self, customer: int) -> int:
        """Count the messages of a customer that were answered in all parts."""
        return len({text for _, text in self._customers.got(customer) if text.endswith(f": {PARTS[-1]}")})

    async def _kill(self) -> None:
        while self.outcome.kills < self._trial.most_kills:
            await asyncio.sleep(self._trial.kill_every_s * (0.5 + self._random.random()))
            if self._is_over:
                return
            server = self._random.choice(self._servers)
            await server.kill()
            self.outcome.kills += 1
            await server.start()

    async def _quiet(self, quiet_s: float, enough: float = math.inf) -> None:
        """Wait until as many answers as are enough have arrived, or none for a while."""
        seen, since = -1, time.perf_counter()
        while self._distinct() < enough and time.perf_counter() - since < quiet_s:
            if self._customers.count() != seen:
                seen, since = self._customers.count(), time.perf_counter()
            await asyncio.sleep(0.2)

    async def _nothing_open(self) -> None:
        """Wait until the store says that all is done, unless nothing comes of it."""
        since = time.perf_counter()
        with database.open(self._crm_url) as store:
            while (  # noqa: ASYNC110 - other processes bring it about
                await asyncio.to_thread(_count_open, store) and time.perf_counter() - since < GIVE_UP_S
            ):
                await asyncio.sleep(0.2)

    def _distinct(self) -> int:
        """Count the answers that arrived, each once."""
        customers = range(self._trial.customers)
        return sum(len({text for _, text in self._customers.got(customer)}) for customer in customers)

    async def _report(self, report: Callable[[str], None]) -> None:
        while True:
            await asyncio.sleep(5)
            report(
                f"{len(self._acknowledged)} of {self._trial.messages} messages taken in,"
                f" {self._customers.count()} answers arrived, {self.outcome.kills} kills"
            )

    def judge(self) -> None:
        """Compare what arrived with what should have, and with what the store says of it."""
        doubtful = self._read_store()
        waits = []
        for customer in range(self._trial.customers):
            got = self._customers.got(customer)
            texts = [text for _, text in got]
            written = [text for text in self.texts(customer) if text in self._acknowledged]
            expected = [f"{text}: {part}" for text in written for part in PARTS]
            counts = Counter(texts)
            self.outcome.lost += [text for text in expected if text not in counts]
            doubled = [text for text, count in counts.items() if count > 1]
            self.outcome.doubled += doubled
            self.outcome.doubled_and_marked_doubtful += sum(_words(text) in doubtful for text in doubled)
            firsts = list(dict.fromkeys(texts))
            order = {text: place for place, text in enumerate(expected)}
            self.outcome.out_of_order += [
                text for before, text in pairwise(firsts) if order[text] < order[before]
            ]
            first_at = {text: at for at, text in reversed(got)}
            waits += [
                first_at[f"{text}: {PARTS[0]}"] - self._acknowledged[text]
                for text in written
                if f"{text}: {PARTS[0]}" in first_at
            ]
        self.outcome.sent = self._customers.count()
        if not self._trial.most_kills and len(waits) > 1:
            self.outcome.p50_ms = round(statistics.median(waits) * 1000, 1)
            self.outcome.p95_ms = round(statistics.quantiles(waits, n=20)[-1] * 1000, 1)

    def _read_store(self) -> set[str]:
        """Return the messages whose answers the store marks as doubtful."""
        with database.open(self._crm_url) as store, store.reading() as session:
            rows = session.execute(select(Delivery.key, Delivery.state, Delivery.is_doubtful)).all()
            states = [row.state for row in rows] + list(session.scalars(select(AcceptedMessage.state)))
            texts = _texts_by_key(session)
        self.outcome.marked_doubtful = sum(row.is_doubtful for row in rows)
        self.outcome.dead_letters = states.count(Progress.DEAD)
        self.outcome.left_open = sum(state in lanes.OPEN for state in states)
        return {texts[_message_of(row.key)] for row in rows if row.is_doubtful}


def _count_open(store: Store) -> int:
    """Return how many messages are not handled yet, and how many answers not sent."""
    with store.reading() as session:
        return sum(
            session.scalar(select(func.count()).where(table.state.in_(lanes.OPEN))) or 0
            for table in (Delivery, AcceptedMessage)
        )


def _message_of(key: str) -> tuple[str, str]:
    """Return the sender and the message that a delivery answers: its key quotes both."""
    _, sender_id, external_id, _ = key.rsplit("/", 3)
    return literal_eval(sender_id), literal_eval(external_id)


def _texts_by_key(session: Session) -> dict[tuple[str, str], str]:
    """Return the words of each message, by sender and id, from the transcripts."""
    rows = session.execute(
        select(Conversation.sender_id, ConversationEvent.data)
        .join(ConversationEvent, ConversationEvent.conversation_id == Conversation.id)
        .where(ConversationEvent.type_name == "user")
    )
    return {(sender_id, str(data.get("message_id"))): str(data.get("text")) for sender_id, data in rows}


def _words(answer: str) -> str:
    return answer.rpartition(":")[0]


async def try_out(
    trial: Trial, folder: Path, crm_url: str, *, report: Callable[[str], None] = lambda _: None
) -> Outcome:
    """Run a trial in a folder that holds the trained project (`write_project`)."""
    faults = CountedFaults(trial.faults, delay_s=trial.delay_s, seed=trial.seed)
    servers = [Server(folder, crm_url) for _ in range(trial.processes)]
    async with CHANNELS[trial.channel](faults, servers) as customers:
        write_credentials(folder, customers.credentials())
        run = Run(trial, servers, customers, crm_url)
        try:
            for server in servers:
                await server.start()
            await customers.ready()
            await run.go(report)
        finally:
            for server in servers:
                await server.stop()
    run.outcome.requests_with_faults = faults.count
    run.judge()
    return run.outcome


def main(  # noqa: PLR0913 - each option of the command is an argument
    channel: Annotated[
        str, typer.Option(help="telegram, which cannot be asked what arrived, or slack.")
    ] = "telegram",
    messages: Annotated[int, typer.Option(min=1, help="How many messages customers write in all.")] = 10_000,
    customers: Annotated[int, typer.Option(min=1, help="How many customers write at once.")] = 50,
    ahead: Annotated[
        int, typer.Option(min=1, help="How many messages each writes before she waits for an answer.")
    ] = 5,
    minutes: Annotated[
        float | None, typer.Option(min=0.0, help="Write no more after so long; what was written counts.")
    ] = None,
    kill_every: Annotated[
        float, typer.Option(min=0.0, help="Mean seconds between kills; 0 kills never.")
    ] = 3.0,
    processes: Annotated[int, typer.Option(min=1, help="How many servers share the work.")] = 1,
    postgresql: Annotated[
        str | None, typer.Option(help="CRM store, as an SQLAlchemy URL; without it SQLite.")
    ] = None,
    faults: Annotated[bool, typer.Option(help="Let the peer delay, refuse and hang up.")] = True,
    seed: Annotated[int, typer.Option(help="The same seed draws the same faults and kills.")] = 1,
) -> None:
    """Try the trial that the options describe."""
    trial = Trial(
        channel,
        messages,
        customers,
        ahead,
        None if minutes is None else minutes * 60,
        kill_every,
        10**9 if kill_every else 0,
        processes,
        FAULTS if faults else {},
        0.1 if faults else 0.0,
        0.05 if faults else 0.0,
        seed,
    )
    # However the trial ends, its servers end with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # The peer hangs up on purpose, and servers are killed while they speak.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_project(folder)
        crm_url = postgresql or f"sqlite:///{folder / 'crm.db'}"
        outcome = asyncio.run(try_out(trial, folder, crm_url, report=lambda line: typer.echo(line, err=True)))
    typer.echo(json.dumps({"trial": asdict(trial), "outcome": asdict(outcome)}, indent=2))
    if not outcome.is_sound:
        sys.exit(1)


if __name__ == "__main__":
    typer.run(main)
