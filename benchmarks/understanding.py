"""Every row of the table in docs/understanding.md: `python -m benchmarks.understanding DATA RESULTS.jsonl`.

DATA holds the folders `banking77`, `clinc150_oos`, `hwu64`, `airline_tweets`, `uci_sentiment_sentences` and
`snips`. Each row is appended to RESULTS as soon as it is measured and is not measured again while it stands
there; the table is then written from all of them. `--peer` has Rasa's DIET learn the same sentences.
"""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from sklearn.model_selection import StratifiedKFold

from benchmarks import annotated, entities, nlu
from bot.nlu.plan import FineTune
from bot.training_data.nlu_examples import NluData, SentimentExample
from bot.training_data.project import Project

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "understanding.md"
_FOLDS = 5
_OUT_OF_SCOPE = "oos"

Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table; `figures` names what is shown, `aims` what is to be reached, in their order.

    `from_demo` says that the demo's own sentences teach, and none of `data`.
    """

    name: str
    data: str
    figures: tuple[str, ...]
    aims: tuple[float, ...]
    shots: int | None = None
    fine_tune: FineTune = FineTune.HEAD
    folds: int = _FOLDS
    has_peer: bool = False
    from_demo: bool = False


def _intents(name: str, data: str, *aims: float, **options: Any) -> Row:
    shown = ("accuracy", "out_of_scope_recall", "in_scope_rejected")[: max(1, len(aims))]
    return Row(name, data, shown, aims, **options)


def _moods(name: str, data: str, figure: str, aim: float, **options: Any) -> Row:
    return Row(name, data, (f"sentiment_{figure}",), (aim,), **options)


_FULL = FineTune.FULL
ROWS = (
    _intents("BANKING77, 5 of each intent", "banking77", 0.825, shots=5),
    _intents("BANKING77, 10 of each intent", "banking77", 0.875, shots=10, has_peer=True),
    _intents("BANKING77, all", "banking77", 0.935),
    _intents("HWU64, 10 of each intent", "hwu64", 0.87, shots=10),
    _intents("HWU64, all", "hwu64", 0.925),
    _intents("CLINC150, 10 of each intent", "clinc150_oos", 0.935, shots=10),
    _intents("CLINC150, all; out of scope; rejected", "clinc150_oos", 0.97, 0.87, 0.04),
    Row("SNIPS, entities", "snips", ("f1",), (0.92,)),
    _moods("Review sentences", "uci_sentiment_sentences", "accuracy", 0.91),
    _moods("Airline tweets, macro F1", "airline_tweets", "macro_f1", 0.76),
    Row("The demo's sentiment on review sentences; abstained", "uci_sentiment_sentences",
        ("sentiment_accuracy_when_sure", "sentiment_abstained"), (0.85, 0.15), from_demo=True),
    _intents("BANKING77, all, `full`", "banking77", 0.945, fine_tune=_FULL),
    _moods("Review sentences, `full`, one fold", "uci_sentiment_sentences", "accuracy", 0.94,
           fine_tune=_FULL, folds=1),
    Row("SNIPS, entities, `full`", "snips", ("f1",), (0.955,), fine_tune=_FULL),
    _moods("Airline tweets, macro F1, `full`, one fold", "airline_tweets", "macro_f1", 0.80,
           fine_tune=_FULL, folds=1),
)  # fmt: skip


def measure(row: Row, folder: Path, seeds: int, peer: Path | None) -> Figures:
    """Measure one row: medians over draws, means over folds."""
    if row.data == "snips":
        data, held_out = (annotated.read(folder / f"{part}.jsonl") for part in ("train", "test"))
        options = {"fine_tune": row.fine_tune.value}
        found = entities.measure(data, held_out, language="en", options=options)
        return {name: value for name, value in found.items() if name != "types"}
    drawn = list(draws(row, folder, seeds))
    measured = [
        nlu.measure(data, held_out, language="en", fine_tune=row.fine_tune.value, oos=_OUT_OF_SCOPE)
        for data, held_out in drawn
    ]
    figures: Figures = {"draws": len(drawn), **nlu.summary(measured, np.median if row.shots else np.mean)}
    if peer and row.has_peer:
        data, held_out = (nlu.without(part, _OUT_OF_SCOPE) for part in drawn[-1])
        theirs = entities.measure_peer(peer, data, held_out, "en")
        figures["peer"] = {
            "accuracy": theirs["intent_accuracy"],
            "training_s": theirs["training_s"],
            "parse_p50_ms": theirs["parse_p50_ms"],
            "training_ratio": round(theirs["training_s"] / measured[-1]["training_s"], 1),
        }
    return figures


def draws(row: Row, folder: Path, seeds: int) -> Iterator[tuple[NluData, NluData]]:
    """Yield what is learnt and what is asked, once for each seed or fold."""
    if (folder / "test.csv").exists():
        data, held_out = nlu.read(folder / "train.csv"), nlu.read(folder / "test.csv")
        for seed in range(1, seeds + 1 if row.shots else 2):
            yield nlu.draw(data, row.shots, seed) if row.shots else data, held_out
        return
    moods = _reviews(folder) or nlu.read(folder / "tweets.csv.gz").sentiment_examples
    if row.from_demo:
        yield Project.load(ROOT).nlu, NluData((), moods)
        return
    values = [one.value for one in moods]
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=0).split(np.zeros(len(moods)), values)
    for taught, asked in list(folds)[: row.folds]:
        yield (
            NluData((), tuple(moods[place] for place in taught)),
            NluData((), tuple(moods[place] for place in asked)),
        )


def _reviews(folder: Path) -> tuple[SentimentExample, ...]:
    """Read the files whose label is 0 (negative) or 1 (positive)."""
    rows: list[SentimentExample] = []
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as lines:
            named = {"0": "negative", "1": "positive"}
            rows += [SentimentExample(row["text"], named[row["label"]]) for row in csv.DictReader(lines)]
    return tuple(rows)


def table(results: Sequence[Figures]) -> str:
    """Return the table in Markdown; rows that nobody measured are left out."""
    measured = {found["name"]: found for found in results}
    lines = [
        "| set | aim | reached | calibration error | training, s | parse p50, ms |",
        "|---|---|---|---|---|---|",
    ]
    for row in ROWS:
        if found := measured.get(row.name):
            error = found.get("expected_calibration_error", found.get("sentiment_calibration_error"))
            cells = (
                row.name,
                " / ".join(f"{100 * aim:.1f}" for aim in row.aims),
                " / ".join(f"{100 * found[name]:.1f}" for name in row.figures),
                "" if error is None else f"{error:.3f}",
                f"{found['training_s']:.0f}",
                f"{found['parse_p50_ms']:.1f}",
            )
            lines.append("| " + " | ".join(cells) + " |")
    beside = [found for found in measured.values() if "peer" in found]
    for found in beside:
        theirs = found["peer"]
        lines += [
            "",
            f"Rasa 3.6's DIET beside it, {found['name']} (one draw, same run): accuracy "
            f"{100 * theirs['accuracy']:.1f}, {theirs['training_s']:.0f} s of training "
            f"({theirs['training_ratio']} times ours), parse p50 {theirs['parse_p50_ms']:.1f} ms.",
        ]
    return "\n".join(lines) + "\n"


def _write(results: Sequence[Figures]) -> None:
    page = PAGE.read_text(encoding="utf-8")
    block = r"(?<=<!-- figures -->\n).*?(?=<!-- end -->)"
    PAGE.write_text(re.sub(block, lambda _: table(results), page, flags=re.DOTALL), encoding="utf-8")


def main(
    data: Annotated[Path, typer.Argument(help="Folder of the data sets.")],
    results: Annotated[Path, typer.Argument(help="Lines of JSON: measured rows, which are kept.")],
    only: Annotated[str, typer.Option(help="Rows whose name matches.")] = "",
    seeds: Annotated[int, typer.Option(help="Draws of the rows with few examples.")] = 5,
    peer: Annotated[Path | None, typer.Option(help="Python of an environment with Rasa 3.6.")] = None,
) -> None:
    """Measure what is missing, write the table."""
    lines = results.read_text(encoding="utf-8").splitlines() if results.exists() else []
    found = [json.loads(line) for line in lines]
    for row in ROWS:
        if not re.search(only, row.name) or any(known["name"] == row.name for known in found):
            continue
        sys.stderr.write(f"{row.name} …\n")
        found.append({"name": row.name, **measure(row, data / row.data, seeds, peer)})
        with results.open("a", encoding="utf-8") as file:
            file.write(json.dumps(found[-1]) + "\n")
        typer.echo(json.dumps(found[-1], indent=1))
    _write(found)


if __name__ == "__main__":
    typer.run(main)
