"""`frontdesk markers`: where in the stored conversations something happened, as tables."""

from __future__ import annotations

import csv
import random
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.screen import Endpoints, Root, explained, load_project, out
from bot.errors import FrontdeskError

if TYPE_CHECKING:
    from bot.training_data.markers import Mark

Sessions = Mapping[str, Sequence[Mapping[str, Sequence["Mark"]]]]
Rows = Iterator[tuple[object, ...]]

app = typer.Typer(help="Find where markers apply in stored conversations.", no_args_is_help=True)

Output = Annotated[Path, typer.Argument(help="The CSV file that is written.")]
Count = Annotated[int, typer.Argument(min=1, help="How many conversations.")]
Config = Annotated[Path, typer.Option(help="File or folder with the markers.")]
Stats = Annotated[bool, typer.Option("--stats/--no-stats", help="Write statistics, too.")]
Prefix = Annotated[Path, typer.Option(help="Beginning of the names of the two files of statistics.")]

_HEAD = ("sender_id", "session_idx", "marker", "statistic", "value")
_TURNS = "(number of preceding user turns)"


@app.command("all")
def mark_all(
    output: Output,
    project: Root = Path(),
    config: Config = Path("markers.yml"),
    stats: Stats = True,
    stats_file_prefix: Prefix = Path("stats"),
    endpoints: Endpoints = "endpoints.yml",
) -> None:
    """Look at every conversation."""
    _mark((project, endpoints), config, output, stats_file_prefix if stats else None, lambda names: names)


@app.command("first_n")
def mark_first(  # noqa: PLR0913 - each option of the command is an argument
    count: Count,
    output: Output,
    project: Root = Path(),
    config: Config = Path("markers.yml"),
    stats: Stats = True,
    stats_file_prefix: Prefix = Path("stats"),
    endpoints: Endpoints = "endpoints.yml",
) -> None:
    """Look at the first conversations."""
    _mark(
        (project, endpoints),
        config,
        output,
        stats_file_prefix if stats else None,
        lambda names: names[:count],
    )


@app.command("sample_n")
def mark_sample(  # noqa: PLR0913 - each option of the command is an argument
    count: Count,
    output: Output,
    project: Root = Path(),
    config: Config = Path("markers.yml"),
    seed: Annotated[int | None, typer.Option(help="The same number draws the same ones.")] = None,
    stats: Stats = True,
    stats_file_prefix: Prefix = Path("stats"),
    endpoints: Endpoints = "endpoints.yml",
) -> None:
    """Look at conversations drawn by chance."""
    chance = random.Random(seed)  # noqa: S311 - no secret

    def draw(names: list[str]) -> list[str]:
        return chance.sample(names, min(count, len(names)))

    _mark((project, endpoints), config, output, stats_file_prefix if stats else None, draw)


def _mark(
    source: tuple[Path, str],
    config: Path,
    output: Path,
    prefix: Path | None,
    choose: Callable[[list[str]], list[str]],
) -> None:
    """Find marks in the conversations that a project keeps by its endpoints."""
    from bot.runtime.stores.archive import open_archive  # noqa: PLC0415 - fast commands go first
    from bot.settings import Settings  # noqa: PLC0415 - the same
    from bot.training_data.markers import find_marks, read_markers  # noqa: PLC0415 - the same

    project, endpoints = source
    overall, per_session = (Path(f"{prefix}-{name}.csv") for name in ("overall", "per-session"))
    with explained():
        for path in (output, *((overall, per_session) if prefix else ())):
            if path.exists():
                raise FrontdeskError(f"{path} is there already; move it away or name another file")
        markers = read_markers(project / config, load_project(project).domain)
        settings = Settings.read(project, endpoints=endpoints)
        with open_archive(settings.root, settings.crm_url, settings.tracker_store) as archive:
            chosen = choose(archive.sender_ids())
            found = {sender_id: find_marks(markers, archive.events(sender_id)) for sender_id in chosen}
        _write(
            output,
            ("sender_id", "session_idx", "marker", "event_idx", "num_preceding_user_turns"),
            marks(found),
        )
        if prefix:
            _write(overall, _HEAD, overall_statistics(found, sorted(markers)))
            _write(per_session, _HEAD, session_statistics(found, sorted(markers)))
    count = sum(1 for _ in marks(found))
    out.print(f"{count} marks in {len(found)} conversations, written to {output}", soft_wrap=True)


def marks(found: Sessions) -> Rows:
    """Return a row for each event at which a marker applies."""
    for sender_id, sessions in found.items():
        for index, session in enumerate(sessions):
            for name, applied in session.items():
                for mark in applied:
                    yield sender_id, index, name, mark.event_index, mark.preceding_user_turns


def overall_statistics(found: Sessions, names: Sequence[str]) -> Rows:
    """Return Rasa's rows over all sessions: how many there are, in how many each marker applied, and when."""
    sessions = [session for sessions in found.values() for session in sessions]
    yield "all", "nan", "-", "total_number_of_sessions", len(sessions)
    for name in names:
        times = sum(bool(session[name]) for session in sessions)
        share = round(100 * times / len(sessions), 3) if sessions else 100.0
        yield "all", "nan", name, "number_of_sessions_where_marker_applied_at_least_once", times
        yield "all", "nan", name, "percentage_of_sessions_where_marker_applied_at_least_once", share
    for name in names:
        turns = [mark.preceding_user_turns for session in sessions for mark in session[name]]
        for statistic, value in _statistics(turns):
            yield "all", "nan", name, f"{statistic}{_TURNS}", value


def session_statistics(found: Sessions, names: Sequence[str]) -> Rows:
    """Return the same figures for each session."""
    for name in names:
        for sender_id, sessions in found.items():
            for index, session in enumerate(sessions):
                turns = [mark.preceding_user_turns for mark in session[name]]
                for statistic, value in _statistics(turns):
                    yield sender_id, index, name, f"{statistic}{_TURNS}", value


def _statistics(turns: Sequence[int]) -> list[tuple[str, object]]:
    if not turns:
        return [("count", 0), *((name, "nan") for name in ("mean", "median", "min", "max"))]
    return [
        ("count", len(turns)),
        ("mean", round(float(statistics.mean(turns)), 3)),
        ("median", round(float(statistics.median(turns)), 3)),
        ("min", min(turns)),
        ("max", max(turns)),
    ]


def _write(path: Path, head: Sequence[str], rows: Rows) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        writer.writerows(rows)
