"""`frontdesk data`: Rasa's spelling of the commands that work on a project's files."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.migrate import migrate
from bot.cli.screen import Root, explained, load_project, out
from bot.cli.train import validate
from bot.errors import FrontdeskError

if TYPE_CHECKING:
    from bot.training_data.nlu_examples import NluData, NluExample

TRAINING_FILE, TEST_FILE = "training_data.yml", "test_data.yml"

app = typer.Typer(help="Check, migrate and split the project's files.", no_args_is_help=True)
split = typer.Typer(help="Hold a part of the data back for tests.", no_args_is_help=True)
app.command("validate")(validate)
app.command("migrate")(migrate)
app.add_typer(split, name="split")


@split.callback()
def splits() -> None:
    """Hold a part of the data back for tests."""


@split.command("nlu")
def split_nlu(
    project: Root = Path(),
    training_fraction: Annotated[float, typer.Option(help="Share of each intent to train on.")] = 0.8,
    random_seed: Annotated[int, typer.Option(help="The same number splits the same way.")] = 1,
    results: Annotated[Path, typer.Option("--out", help="Folder of the two files.")] = Path(
        "train_test_split"
    ),
) -> None:
    """Split the NLU data by chance, every intent in proportion, into two files."""
    from bot.training_data.nlu_writer import write_nlu  # noqa: PLC0415 - fast commands do not wait for it

    with explained():
        if not 0 < training_fraction < 1:
            raise FrontdeskError(f"--training-fraction is {training_fraction}, expected between 0 and 1")
        parts = split_examples(load_project(project).nlu, training_fraction, random_seed)
        results.mkdir(parents=True, exist_ok=True)
        for name, part in zip((TRAINING_FILE, TEST_FILE), parts, strict=True):
            (results / name).write_text(write_nlu(part), encoding="utf-8")
            out.print(f"{len(part.examples)} sentences in {results / name}", soft_wrap=True)


def split_examples(data: NluData, training_fraction: float, seed: int) -> tuple[NluData, NluData]:
    """Split the examples; an intent with one sentence is trained on, any other stands in both parts.

    Synonyms, regexes, lookup tables and answers stand in both, sentiment sentences in the first.
    """
    chance = random.Random(seed)  # noqa: S311 - no secret
    by_intent: dict[str, list[NluExample]] = {}
    for example in data.examples:
        by_intent.setdefault(example.intent, []).append(example)
    held_out: set[int] = set()
    for rows in by_intent.values():
        count = min(max(1, round(len(rows) * (1 - training_fraction))), len(rows) - 1)
        held_out.update(map(id, chance.sample(rows, count)))
    training = tuple(row for row in data.examples if id(row) not in held_out)
    test = tuple(row for row in data.examples if id(row) in held_out)
    return replace(data, examples=training), replace(data, examples=test, sentiment_examples=())
