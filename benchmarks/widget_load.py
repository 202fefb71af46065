"""Many open widgets on one server process: `python -m benchmarks.widget_load --sessions 200`; prints JSON.

One server process serves the trained project in this folder from a store of its own; the customers are
WebSockets of a second process on the same machine. Each customer opens a widget, writes, reads the whole
answer, thinks for half to one and a half times `--pause` seconds, writes again, and leaves after
`--messages` messages; the next one comes in her place. Every text is new, so nothing that was understood
before helps. Beforehand one customer alone is measured in the same way.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.serve import frontdesk, memory_mib, seconds_of, served, typical_messages

JSON = Any  # a JSON value as it crosses a wire

ANSWER_LIMIT_S = 60
SAMPLE_EVERY_S = 5.0
SINGLE_MESSAGES = 40
# One address begins all conversations here.
CREDENTIALS = "rest:\nweb_widget:\n  new_conversations_per_hour: 1000000\n"


@dataclass(frozen=True, slots=True)
class Plan:
    """How customers behave: seconds between answer and next message, messages a customer, what they write."""

    url: str
    origin: str
    pause_s: float
    messages: int
    texts: Sequence[str]


@dataclass(slots=True)
class Tally:
    """What all customers of a run saw. Seconds from sending to the first words, and to the whole answer."""

    first_words_s: list[float] = field(default_factory=list)
    whole_answer_s: list[float] = field(default_factory=list)
    customers: int = 0
    without_words: int = 0
    failed: int = 0


class Customer:
    """One visitor with an open widget, as far as the protocol goes."""

    def __init__(self, plan: Plan, tally: Tally, rng: random.Random) -> None:
        self._plan = plan
        self._tally = tally
        self._rng = rng

    async def visit(self, ends_at: float, *, pause_s: float) -> None:
        """Open the widget, talk, and leave; `ends_at` is on the clock of `time.perf_counter`."""
        self._tally.customers += 1
        async with connect(self._plan.url, origin=self._plan.origin, proxy=None) as line:  # type: ignore[arg-type]
            await line.send(json.dumps({"type": "hello", "conversation_id": uuid.uuid4().hex}))
            await self._until(line, "ready")
            for _ in range(self._plan.messages):
                await asyncio.sleep(pause_s * self._rng.uniform(0.5, 1.5))
                if time.perf_counter() > ends_at:
                    return
                await self._say(line)

    async def _say(self, line: ClientConnection) -> None:
        message_id = uuid.uuid4().hex
        text = f"{self._rng.choice(self._plan.texts)} {self._rng.randrange(10**6)}"
        sent = time.perf_counter()
        frame = {"type": "message", "message_id": message_id, "text": text, "locale": "en"}
        await line.send(json.dumps(frame))
        first_words_s: float | None = None
        while True:
            heard = await self._hear(line)
            if heard["type"] == "event" and heard["from"] == "assistant" and first_words_s is None:
                first_words_s = time.perf_counter() - sent
            if heard["type"] == "error":
                self._tally.failed += 1
                return
            if heard["type"] == "ack" and heard["state"] == "stored":
                break
        self._tally.whole_answer_s.append(time.perf_counter() - sent)
        if first_words_s is None:
            self._tally.without_words += 1
        else:
            self._tally.first_words_s.append(first_words_s)

    async def _until(self, line: ClientConnection, kind: str) -> None:
        while (await self._hear(line))["type"] != kind:
            pass

    @staticmethod
    async def _hear(line: ClientConnection) -> JSON:
        async with asyncio.timeout(ANSWER_LIMIT_S):
            return json.loads(await line.recv())


async def one_alone(plan: Plan, rng: random.Random) -> Tally:
    """Let one customer after the other talk, with nobody else there and hardly a pause."""
    tally = Tally()
    while len(tally.whole_answer_s) < SINGLE_MESSAGES:
        await Customer(plan, tally, rng).visit(time.perf_counter() + 3600, pause_s=0.2)
    return tally


async def many(plan: Plan, sessions: int, seconds: float, rng: random.Random) -> Tally:
    """Keep so many widgets open for so long; they come one after the other within the first pause."""
    tally = Tally()
    ends_at = time.perf_counter() + seconds

    async def seat(number: int) -> None:
        await asyncio.sleep(number / sessions * min(plan.pause_s, seconds / 4))
        while time.perf_counter() < ends_at:
            await Customer(plan, tally, rng).visit(ends_at, pause_s=plan.pause_s)

    await asyncio.gather(*(seat(number) for number in range(sessions)))
    return tally


@dataclass(slots=True)
class Watched:
    """The server's memory, in MiB, every few seconds, and the seconds of processor it used."""

    pid: int
    samples: list[tuple[float, int]] = field(default_factory=list)
    cpu_before_s: float = 0.0

    def __post_init__(self) -> None:
        self.cpu_before_s = self._cpu_s()

    async def go_on(self) -> None:
        """Sample until cancelled."""
        started = time.perf_counter()
        while True:
            self.samples.append((time.perf_counter() - started, memory_mib(self.pid, "VmRSS")))
            await asyncio.sleep(SAMPLE_EVERY_S)

    def figures(self) -> dict[str, JSON]:
        """Return the memory minute by minute, and by how much it grew a minute over the second half."""
        later = self.samples[len(self.samples) // 2 :]
        slope = statistics.linear_regression(*zip(*later, strict=True)).slope if len(later) > 1 else 0.0
        every_minute = round(60 / SAMPLE_EVERY_S)
        return {
            "minute_by_minute_mib": [mib for _, mib in self.samples[::every_minute]],
            "peak_mib": max(mib for _, mib in self.samples),
            "growth_in_second_half_mib_per_minute": round(slope * 60, 2),
        }

    def cores(self) -> float:
        """Return how many cores the server kept busy."""
        return round((self._cpu_s() - self.cpu_before_s) / max(self.samples[-1][0], 1.0), 2)

    def _cpu_s(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def milliseconds(seconds: Sequence[float]) -> dict[str, float]:
    """Return the usual percentiles."""
    if len(seconds) < 2:
        raise SystemExit("no answers came: nothing to report")
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    named = {"p50": cuts[49], "p95": cuts[94], "p99": cuts[98], "max": max(seconds)}
    return {name: round(value * 1000, 1) for name, value in named.items()}


async def measure(plan: Plan, pid: int, sessions: int, minutes: float) -> dict[str, JSON]:
    """Measure one customer alone, then many at once."""
    rng = random.Random(7)  # noqa: S311 - the same customers in every run
    single = await one_alone(plan, rng)
    watched = Watched(pid)
    sampling = asyncio.create_task(watched.go_on())
    tally = await many(plan, sessions, minutes * 60, rng)
    sampling.cancel()
    return {
        "sessions": sessions,
        "minutes": minutes,
        "mean_pause_s": plan.pause_s,
        "customers": tally.customers,
        "messages": len(tally.whole_answer_s),
        "messages_per_s": round(len(tally.whole_answer_s) / (minutes * 60), 1),
        "failed": tally.failed,
        "answers_without_words": tally.without_words,
        "first_words_ms": milliseconds(tally.first_words_s),
        "whole_answer_ms": milliseconds(tally.whole_answer_s),
        "single_session": {
            "messages": len(single.whole_answer_s),
            "first_words_ms": milliseconds(single.first_words_s),
            "whole_answer_ms": milliseconds(single.whole_answer_s),
        },
        "server_memory": watched.figures(),
        "server_cores_busy": watched.cores(),
    }


def main(
    project: Annotated[Path, typer.Option(help="Project folder, trained.")] = Path(),
    sessions: Annotated[int, typer.Option(help="Widgets open at once.")] = 200,
    minutes: Annotated[float, typer.Option(help="How long.")] = 10.0,
    pause: Annotated[float, typer.Option(help="Mean seconds between an answer and the next message.")] = 20.0,
    messages: Annotated[int, typer.Option(help="Messages of one customer before she leaves.")] = 12,
    port: Annotated[int, typer.Option(help="Free port for the server.")] = 8766,
) -> None:
    """Keep widgets open on one server process and print what their customers saw, as JSON."""
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["FRONTDESK_CRM_URL"] = f"sqlite:///{scratch}/crm.db"
        seconds_of((sys.executable, "-m", "crm_connector", "fill"), project)
        credentials = Path(scratch) / "credentials.yml"
        credentials.write_text(CREDENTIALS, encoding="utf-8")
        texts = typical_messages(project, 40)
        command = (*frontdesk(port).serve, "--credentials", str(credentials))
        address = f"127.0.0.1:{port}"
        plan = Plan(f"ws://{address}/webhooks/web_widget/socket", f"http://{address}", pause, messages, texts)
        with served(command, port, project, texts[0]) as (pid, _):
            figures = asyncio.run(measure(plan, pid, sessions, minutes))
    typer.echo(json.dumps(figures, indent=2))


if __name__ == "__main__":
    typer.run(main)
