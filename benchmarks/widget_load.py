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
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from benchmarks.open_widget import CREDENTIALS, JSON, Answer, Door, OpenWidget
from benchmarks.serve import frontdesk, memory_mib, seconds_of, served, typical_messages

SAMPLE_EVERY_S = 5.0
SINGLE_MESSAGES = 40


@dataclass(frozen=True, slots=True)
class Plan:
    """How customers behave: seconds between answer and next message, messages a customer, what they write."""

    door: Door
    pause_s: float
    messages: int
    texts: Sequence[str]

    def text(self, rng: random.Random) -> str:
        """Return something that nobody has written before."""
        return f"{rng.choice(self.texts)} {rng.randrange(10**6)}"


@dataclass(slots=True)
class Tally:
    """What all customers of a run saw. Seconds from sending to the first words, and to the whole answer."""

    first_words_s: list[float] = field(default_factory=list)
    whole_answer_s: list[float] = field(default_factory=list)
    customers: int = 0
    without_words: int = 0
    failed: int = 0

    def note(self, answer: Answer) -> None:
        """Count one answer."""
        if answer.is_error:
            self.failed += 1
            return
        self.whole_answer_s.append(answer.whole_s)
        if answer.first_words_s is None:
            self.without_words += 1
        else:
            self.first_words_s.append(answer.first_words_s)


async def visit(plan: Plan, tally: Tally, rng: random.Random, ends_at: float, *, pause_s: float) -> None:
    """Open the widget, talk, and leave; `ends_at` is on the clock of `time.perf_counter`."""
    tally.customers += 1
    async with OpenWidget.open(plan.door) as widget:
        for _ in range(plan.messages):
            await asyncio.sleep(pause_s * rng.uniform(0.5, 1.5))
            if time.perf_counter() > ends_at:
                return
            tally.note(await widget.say(plan.text(rng)))


async def one_alone(plan: Plan, rng: random.Random) -> Tally:
    """Let one customer after the other talk, with nobody else there and hardly a pause."""
    tally = Tally()
    while len(tally.whole_answer_s) < SINGLE_MESSAGES:
        await visit(plan, tally, rng, time.perf_counter() + 3600, pause_s=0.2)
    return tally


async def many(plan: Plan, sessions: int, seconds: float, rng: random.Random) -> Tally:
    """Keep so many widgets open for so long; they come one after the other within the first pause."""
    tally = Tally()
    ends_at = time.perf_counter() + seconds

    async def seat(number: int) -> None:
        await asyncio.sleep(number / sessions * min(plan.pause_s, seconds / 4))
        while time.perf_counter() < ends_at:
            await visit(plan, tally, rng, ends_at, pause_s=plan.pause_s)

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

    def figures(self, *, every_s: float = 60.0) -> dict[str, JSON]:
        """Return the memory in even steps, and by how much it grew a minute over the second half."""
        later = self.samples[len(self.samples) // 2 :]
        slope = statistics.linear_regression(*zip(*later, strict=True)).slope if len(later) > 1 else 0.0
        return {
            "every_s": every_s,
            "mib": [mib for _, mib in self.samples[:: round(every_s / SAMPLE_EVERY_S)]],
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


@dataclass(frozen=True, slots=True)
class Running:
    """A server, the store that only it has, and what customers of its project may write."""

    pid: int
    store: str
    texts: Sequence[str]


@contextmanager
def on_new_store(project: Path, port: int) -> Iterator[Running]:
    """Serve a trained project from a store of its own, to any number of widgets of one address."""
    with tempfile.TemporaryDirectory() as scratch:
        url = os.environ["FRONTDESK_CRM_URL"] = f"sqlite:///{scratch}/crm.db"
        seconds_of((sys.executable, "-m", "crm_connector", "fill"), project)
        credentials = Path(scratch) / "credentials.yml"
        credentials.write_text(CREDENTIALS, encoding="utf-8")
        texts = typical_messages(project, 40)
        command = (*frontdesk(port).serve, "--credentials", str(credentials))
        with served(command, port, project, texts[0]) as (pid, _):
            yield Running(pid, url, texts)


def main(
    project: Annotated[Path, typer.Option(help="Project folder, trained.")] = Path(),
    sessions: Annotated[int, typer.Option(help="Widgets open at once.")] = 200,
    minutes: Annotated[float, typer.Option(help="How long.")] = 10.0,
    pause: Annotated[float, typer.Option(help="Mean seconds between an answer and the next message.")] = 20.0,
    messages: Annotated[int, typer.Option(help="Messages of one customer before she leaves.")] = 12,
    port: Annotated[int, typer.Option(help="Free port for the server.")] = 8766,
) -> None:
    """Keep widgets open on one server process and print what their customers saw, as JSON."""
    with on_new_store(project, port) as running:
        plan = Plan(Door.of(port), pause, messages, running.texts)
        figures = asyncio.run(measure(plan, running.pid, sessions, minutes))
    typer.echo(json.dumps(figures, indent=2))


if __name__ == "__main__":
    typer.run(main)
