"""`frontdesk data`: Rasa's spelling of the commands that work on a project's files."""

from __future__ import annotations

import random
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.migrate import migrate
from bot.cli.screen import DataFiles, Root, explained, load_project, out
from bot.cli.validate import validate
from bot.errors import FrontdeskError

if TYPE_CHECKING:
    from bot.training_data.nlu_examples import NluData, NluExample

TRAINING_FILE, TEST_FILE = "training_data.yml", "test_data.yml"


class Form(StrEnum):
    """In which form NLU data are written."""

    YAML = "yaml"
    JSON = "json"


NluFile = Annotated[
    str | None, typer.Option("--nlu", "-u", help="File or folder that is split; `data` in the project.")
]
Fraction = Annotated[float, typer.Option(help="Share of each intent, or of the stories, to train on.")]
Seed = Annotated[int, typer.Option(help="The same number splits the same way.")]
Results = Annotated[Path, typer.Option("--out", help="Folder of the files that are written.")]

app = typer.Typer(help="Check, migrate, split and convert the project's files.", no_args_is_help=True)
split = typer.Typer(help="Hold a part of the data back for tests.", no_args_is_help=True)
convert = typer.Typer(help="Write data in another form.", no_args_is_help=True)
app.command("validate")(validate)
app.command("migrate")(migrate)
app.add_typer(split, name="split")
app.add_typer(convert, name="convert")


@split.callback()
def splits() -> None:
    """Hold a part of the data back for tests."""


@convert.callback()
def conversions() -> None:
    """Write data in another form."""


@split.command("nlu")
def split_nlu(
    project: Root = Path(),
    nlu: NluFile = None,
    training_fraction: Fraction = 0.8,
    random_seed: Seed = 1,
    results: Results = Path("train_test_split"),
) -> None:
    """Split the NLU data by chance, every intent in proportion, into two files."""
    from bot.training_data.nlu_writer import write_nlu  # noqa: PLC0415 - fast commands do not wait for it

    with explained():
        _check_fraction(training_fraction)
        loaded = load_project(project, data=[nlu] if nlu else None)
        parts = split_examples(loaded.nlu, training_fraction, random_seed)
        results.mkdir(parents=True, exist_ok=True)
        for name, part in zip((TRAINING_FILE, TEST_FILE), parts, strict=True):
            (results / name).write_text(write_nlu(part), encoding="utf-8")
            out.print(f"{len(part.examples)} sentences in {results / name}", soft_wrap=True)


@split.command("stories")
def split_stories(
    project: Root = Path(),
    data: NluFile = None,
    training_fraction: Fraction = 0.8,
    random_seed: Seed = 1,
    results: Results = Path("train_test_split"),
) -> None:
    """Split the stories of each file by chance; everything else in it stays with those to train on."""
    from bot.training_data.story_split import split_story_file, story_files  # noqa: PLC0415 - as above

    with explained():
        _check_fraction(training_fraction)
        root = project / (data or "data")
        if not root.exists():
            raise FrontdeskError(f"{root} is not there")
        results.mkdir(parents=True, exist_ok=True)
        for path in story_files(root):
            written = split_story_file(path, training_fraction, random_seed)
            for kind, (text, count) in zip(("train", "test"), written, strict=True):
                (results / f"{kind}_{path.name}").write_text(text, encoding="utf-8")
                out.print(f"{count} stories in {results / f'{kind}_{path.name}'}", soft_wrap=True)


@convert.command("nlu")
def convert_nlu(
    project: Root = Path(),
    data: DataFiles = None,
    form: Annotated[Form, typer.Option("--format", "-f", help="What is written.")] = Form.YAML,
    target: Annotated[Path, typer.Option("--out", help="A file, or a folder for one.")] = Path(
        "converted_data"
    ),
    language: Annotated[
        str, typer.Option("--language", "-l", help="Whose sentences of a Dialogflow agent are read.")
    ] = "en",
) -> None:
    """Write NLU data of every form that is read (YAML, JSON, Dialogflow, LUIS, Wit.ai) in one of two."""
    from bot.training_data.nlu_json import write_nlu_json  # noqa: PLC0415 - fast commands do not wait for it
    from bot.training_data.nlu_writer import write_nlu  # noqa: PLC0415 - the same
    from bot.training_data.project import read_nlu  # noqa: PLC0415 - the same

    with explained():
        paths = [project / path for path in data or ["data"]]
        missing = [path for path in paths if not path.exists()]
        if missing:
            raise FrontdeskError(f"{missing[0]} is not there")
        examples = read_nlu(paths, language)
        file = target if target.suffix else target / f"nlu.{'yml' if form is Form.YAML else 'json'}"
        file.parent.mkdir(parents=True, exist_ok=True)
        write = write_nlu if form is Form.YAML else write_nlu_json
        file.write_text(write(examples), encoding="utf-8")
    out.print(f"{len(examples.examples)} sentences in {file}", soft_wrap=True)


def _check_fraction(fraction: float) -> None:
    if not 0 < fraction < 1:
        raise FrontdeskError(f"--training-fraction is {fraction}, expected between 0 and 1")


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
