"""How cost grows with the work: policies by story steps, the NLU by intents, a turn by what went before it.

`python -m benchmarks.scaling` writes projects of growing size, trains each in a process of its own, and talks
to a small one for a thousand events; prints Markdown tables. Compare only figures of one run; seconds of the
processor grow with the work alone, those of the clock with whatever else the machine does.
"""

from __future__ import annotations

import asyncio
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from ruamel.yaml import YAML

from bot.dialogue.messages import Intent, ParseResult, UserMessage
from bot.policies import train as policy_training
from bot.runtime.action_runner import ActionRunner
from bot.runtime.crm_tracker_store import CrmTrackerStore
from bot.runtime.processor import Processor
from bot.training_data.project import Project
from bot.training_data.story_graph import generate_trackers
from crm_connector import database

STORY_STEPS = (50, 500, 5_000)
INTENTS = (20, 100, 300)
EVENTS = (10, 100, 1_000)
STEPS_PER_STORY = 10
EXAMPLES_PER_INTENT = 15
_WORDS = [f"word{number}" for number in range(300)]


def write_project(folder: Path, *, intents: int, story_steps: int, policies: list[str]) -> None:
    """Write a project of that many intents and story steps, the same for the same numbers."""
    draw = random.Random(intents * 10_007 + story_steps)  # noqa: S311 - a benchmark, not a secret
    names = [f"intent_{number}" for number in range(intents)]
    pipeline = [{"name": "BertUnderstanding", "entity_recognition": False}]
    files: dict[str, object] = {
        "config.yml": {
            "recipe": "default.v1", "language": "en", "assistant_id": "scaling", "pipeline": pipeline,
            "policies": [{"name": name} for name in policies],
        },
        "domain.yml": {
            "version": "3.1", "intents": names,
            "responses": {f"utter_{name}": [{"text": name}] for name in names},
        },
        "data/nlu.yml": {"version": "3.1", "nlu": [_examples(name, draw) for name in names]},
        "data/stories.yml": {"version": "3.1", "stories": _stories(names, story_steps, draw)},
    }  # fmt: skip
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        with (folder / name).open("w", encoding="utf-8") as file:
            YAML(typ="safe").dump(content, file)


def _examples(name: str, draw: random.Random) -> dict[str, str]:
    topic = draw.sample(_WORDS, 3)
    lines = [
        f"- {' '.join(draw.sample([*topic, *draw.sample(_WORDS, 4)], 6))} {name} {number}"
        for number in range(EXAMPLES_PER_INTENT)
    ]
    return {"intent": name, "examples": "\n".join(lines) + "\n"}


def _stories(names: list[str], steps: int, draw: random.Random) -> list[dict[str, object]]:
    stories: list[dict[str, object]] = []
    for number in range(steps // STEPS_PER_STORY):
        turns = [draw.choice(names) for _ in range(STEPS_PER_STORY // 2)]
        written = [step for turn in turns for step in ({"intent": turn}, {"action": f"utter_{turn}"})]
        stories.append({"story": f"story {number}", "steps": written})
    return stories


def trained(part: str, *, intents: int, story_steps: int, policies: list[str]) -> tuple[float, float, int]:
    """Train a part of such a project (`core` or `nlu`) in a process of its own.

    Returns seconds by the clock, seconds of the processor, and peak MiB.
    """
    with tempfile.TemporaryDirectory() as scratch:
        write_project(Path(scratch), intents=intents, story_steps=story_steps, policies=policies)
        code = (
            "import resource, sys; from bot.cli.app import app\n"
            "try: app()\n"
            "finally:\n"
            "  used = resource.getrusage(resource.RUSAGE_SELF)\n"
            "  print('USED', used.ru_utime + used.ru_stime, used.ru_maxrss // 1024)"
        )
        started = time.perf_counter()
        run = subprocess.run(  # noqa: S603 - this program's own command
            [sys.executable, "-c", code, "train", part],
            cwd=scratch,
            capture_output=True,
            text=True,
            check=True,
        )
        seconds = time.perf_counter() - started
        processor_s, peak = run.stdout.rpartition("USED ")[2].split()
        return seconds, float(processor_s), int(peak)


class FirstWord:
    """Understands a text as the intent of its first word, so that a turn costs what the dialogue costs."""

    def parse(self, text: str) -> ParseResult:
        """Split the text."""
        return ParseResult(text, Intent(text.split()[0], 1.0))


async def turns(events: int) -> tuple[float, float]:
    """Talk until a conversation has that many events; return medians of the turns around.

    In milliseconds: by the clock, and of the processor.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write_project(folder, intents=20, story_steps=500, policies=["MemoizationPolicy", "RulePolicy"])
        project = Project.load(folder)
        trackers = generate_trackers(project.steps, project.domain, augmentation_factor=0)
        policy_training.train(project.config.policies, trackers, project.domain, folder / "policies")
        with database.open(f"sqlite:///{folder}/crm.db") as store:
            processor = Processor(
                domain=project.domain,
                parser=FirstWord(),
                policies=policy_training.load(folder / "policies"),
                runner=ActionRunner(project.domain),
                store=CrmTrackerStore(store),
            )
            durations, used = [], []
            for number in range(events // 5 + 10):  # a turn is about five events
                started, began = time.perf_counter(), time.process_time()
                await processor.handle(UserMessage(f"intent_{number % 20}", "s", message_id=str(number)))
                durations.append(time.perf_counter() - started)
                used.append(time.process_time() - began)
    return statistics.median(durations[-10:]) * 1000, statistics.median(used[-10:]) * 1000


def _print_training(of: str, part: str, sizes: list[tuple[int, int]], policies: list[str]) -> None:
    typer.echo(f"| {of} | seconds | of the processor | peak MiB |\n|---|---|---|---|")
    for intents, steps in sizes:
        used = trained(part, intents=intents, story_steps=steps, policies=policies)
        size = intents if part == "nlu" else steps
        typer.echo(f"| {size:,} | {used[0]:.1f} | {used[1]:.1f} | {used[2]:,} |")


def main(
    policies: Annotated[str, typer.Option(help="Policies to train, with commas.")] = (
        "MemoizationPolicy,RulePolicy,TEDPolicy"
    ),
) -> None:
    """Print the tables."""
    chosen = policies.split(",")
    typer.echo(f"Policies ({', '.join(chosen)}), 20 intents:\n")
    _print_training("story steps", "core", [(20, steps) for steps in STORY_STEPS], chosen)
    typer.echo(f"\nThe NLU, {EXAMPLES_PER_INTENT} examples for each intent:\n")
    _print_training("intents", "nlu", [(intents, 50) for intents in INTENTS], chosen)
    typer.echo("\nA turn, without understanding, median ms:\n")
    typer.echo("| events before | by the clock | of the processor |\n|---|---|---|")
    for events in EVENTS:
        clock_ms, processor_ms = asyncio.run(turns(events))
        typer.echo(f"| {events} | {clock_ms:.1f} | {processor_ms:.1f} |")
    typer.echo(f"\nPeak of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB")


if __name__ == "__main__":
    typer.run(main)
