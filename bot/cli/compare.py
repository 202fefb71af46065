"""Which configuration does better: models trained on less and less of the data, and tested on the same."""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from bot.cli.result_files import can_draw
from bot.cli.screen import out, progress_bar
from bot.errors import FrontdeskError

if TYPE_CHECKING:
    from bot.training_data.nlu_examples import NluData
    from bot.training_data.project import Project
    from bot.training_data.stories import StoryStep

DEFAULT_PERCENTAGES = [0, 25, 50, 75]
BETWEEN = "__percentage__"
"""Between the name of a configuration and the share left out, in the names of models to compare."""

RESULTS, STORY_COUNTS = "results.json", "num_stories.json"
CORE_GRAPH, NLU_GRAPH = "core_model_comparison_graph.pdf", "nlu_model_comparison_graph.pdf"
Scores = Mapping[str, Sequence[Sequence[float]]]


def train_to_compare(
    sources: Mapping[str, Callable[[], Project]], models: Path, percentages: Sequence[int], runs: int
) -> None:
    """Train the policies of each configuration on all stories and on less of them, below `run_1` and so on.

    Rules are never left out. `frontdesk test core --evaluate-model-directory` compares the models.
    """
    from bot.cli.train import train_nlu  # noqa: PLC0415 - the command is loaded by then
    from bot.runtime.model_package import POLICIES  # noqa: PLC0415 - loading the engine takes a second
    from bot.runtime.train import Wishes, train  # noqa: PLC0415 - the same

    _check(percentages)
    counts: list[int] = []
    with progress_bar() as progress:
        for run in range(1, runs + 1):
            for percentage in percentages:
                for file, source in sources.items():
                    project = source()
                    steps = without_stories(project.steps, percentage, seed=run)
                    name = f"{Path(file).stem}{BETWEEN}{percentage}"
                    progress(f"run {run}: {name}", run / (runs + 1))
                    wishes = Wishes((POLICIES,), force=True, name=name)
                    train(
                        replace(project, steps=steps),
                        models / f"run_{run}",
                        train_nlu=train_nlu,
                        wishes=wishes,
                    )
                if run == 1:
                    counts.append(len({step.name for step in steps if not step.is_rule}))
    (models / STORY_COUNTS).write_text(json.dumps(counts), encoding="utf-8")
    total = runs * len(percentages) * len(sources)
    out.print(f"{total} models below {models}; compare them with", soft_wrap=True)
    out.print(f"  frontdesk test core --evaluate-model-directory --model {models}", soft_wrap=True)


def without_stories(steps: Sequence[StoryStep], percentage: int, *, seed: int) -> tuple[StoryStep, ...]:
    """Leave a share of the stories out, by chance; a larger share of the same seed holds the smaller one."""
    names = list(dict.fromkeys(step.name for step in steps if not step.is_rule))
    random.Random(seed).shuffle(names)  # noqa: S311 - no secret
    gone = set(names[: round(len(names) * percentage / 100)])
    return tuple(step for step in steps if step.is_rule or step.name not in gone)


def compare_models(places: Sequence[Path], steps: Sequence[StoryStep], results: Path) -> None:
    """Say how many test stories each model predicts as told, into `results.json`."""
    correct = {place.name: [_correct(place, steps)] for place in places}
    _write(results / RESULTS, correct)
    _print(
        {name: [[float(count)] for count in counts] for name, counts in correct.items()}, [str(len(steps))]
    )


def compare_directory(models: Path, steps: Sequence[StoryStep], results: Path) -> None:
    """Do the same for what `frontdesk train core` trained to compare; a row for each run, and a picture."""
    runs = sorted(path for path in models.glob("run_*") if path.is_dir())
    if not runs:
        raise FrontdeskError(
            f"no folder run_1 in {models}; `frontdesk train core -c a.yml -c b.yml --out {models}` makes it"
        )
    correct: dict[str, list[list[float]]] = {}
    shares: list[int] = []
    for run in runs:
        found = {path: path.name.split(BETWEEN) for path in run.iterdir() if BETWEEN in path.name}
        for path, (name, share) in sorted(found.items(), key=lambda item: (item[1][0], int(item[1][1]))):
            rows = correct.setdefault(name, [])
            rows += [[]] if len(rows) < runs.index(run) + 1 else []
            rows[-1].append(float(_correct(path, steps)))
            shares += [int(share)] if int(share) not in shares else []
    _write(results / RESULTS, correct)
    counted = models / STORY_COUNTS
    stories = json.loads(counted.read_text("utf-8")) if counted.exists() else sorted(shares)
    _print(correct, [f"{share}% left out" for share in sorted(shares)])
    _draw(results / CORE_GRAPH, correct, stories, "stories trained on", "test stories predicted as told")


def compare_nlu(
    sources: Mapping[str, Callable[[], Project]], percentages: Sequence[int], runs: int, results: Path
) -> None:
    """Train the understanding of each configuration on less and less, and score it on the same fifth.

    Every run draws another fifth. The score is the weighted F1 of the intents.
    """
    from bot.cli.data import split_examples  # noqa: PLC0415 - loading the engine takes a second

    _check(percentages)
    scores: dict[str, list[list[float]]] = {Path(file).stem: [] for file in sources}
    counts: list[int] = []
    with progress_bar() as progress:
        for run in range(1, runs + 1):
            for file, source in sources.items():
                project, row = source(), list[float]()
                taught, held_out = split_examples(project.nlu, 0.8, run)
                for percentage in percentages:
                    share = 1 - percentage / 100
                    kept = split_examples(taught, share, run)[0] if percentage else taught
                    progress(f"run {run}: {Path(file).stem}, {percentage}% left out", run / (runs + 1))
                    folder = results / f"run_{run}" / f"{percentage}%_exclusion" / f"{Path(file).stem}_report"
                    row.append(_score(project, kept, held_out, folder))
                    counts += [len(kept.examples)] if len(counts) < len(percentages) else []
                scores[Path(file).stem].append(row)
    _write(results / RESULTS, scores)
    _print(scores, [f"{percentage}% left out" for percentage in percentages])
    _draw(results / NLU_GRAPH, scores, counts, "sentences trained on", "weighted F1 of intents")


def _score(project: Project, taught: NluData, held_out: NluData, folder: Path) -> float:
    from bot.cli.result_files import ResultFiles  # noqa: PLC0415 - loading the engine takes a second
    from bot.nlu.interpreter import Interpreter  # noqa: PLC0415 - the same
    from bot.nlu.train import train  # noqa: PLC0415 - the same
    from bot.server.reports import score_labels  # noqa: PLC0415 - the same
    from bot.training_data.config_file import DEFAULT_LANGUAGE  # noqa: PLC0415 - the same

    with tempfile.TemporaryDirectory() as scratch:
        language = project.config.language or DEFAULT_LANGUAGE
        train(taught, project.config.pipeline, Path(scratch), language=language)
        interpreter = Interpreter.load(Path(scratch), project.domain)
        parsed = [(example, interpreter.parse(example.text)) for example in held_out.examples]
    ResultFiles(folder, plot=False).write_nlu(parsed)
    told = [example.intent.partition("/")[0] for example, _ in parsed]
    report = score_labels(told, [result.intent.name for _, result in parsed])
    return float(report["weighted avg"]["f1-score"])


def _correct(place: Path, steps: Sequence[StoryStep]) -> int:
    from bot.bootstrap import Model  # noqa: PLC0415 - loading the engine takes a second
    from bot.dialogue.intent_payload import PayloadParser  # noqa: PLC0415 - the same
    from bot.runtime.evaluate import evaluate  # noqa: PLC0415 - the same

    model = Model.load(place)
    parser = None if isinstance(model.interpreter, PayloadParser) else model.interpreter
    return len(evaluate(steps, model.domain, parser, model.policies).successful)


def _check(percentages: Sequence[int]) -> None:
    wrong = [share for share in percentages if not 0 <= share < 100]
    if wrong:
        raise FrontdeskError(f"--percentages has {wrong[0]}, expected numbers from 0 to 99")


def _write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _print(scores: Scores, columns: Sequence[str]) -> None:
    """Print the mean of each column over the runs."""
    table = Table("configuration", *columns)
    for name, rows in scores.items():
        means = [sum(column) / len(column) for column in zip(*rows, strict=False)]
        table.add_row(name, *(f"{mean:.3g}" for mean in means))
    out.print(table)


def _draw(path: Path, scores: Scores, counts: Sequence[int], below: str, beside: str) -> None:
    if can_draw():
        from bot.cli.pictures import draw_comparison  # noqa: PLC0415 - matplotlib is optional

        draw_comparison(path, scores, counts, below=below, beside=beside)
        out.print(f"drawn in {path}", soft_wrap=True)
