"""`frontdesk deliveries`: what waits to be handled or sent, what was given up, and what to do about it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from crm_connector.address import DEFAULT_URL
from crm_connector.choices import Progress
from crm_connector.cli import AsJson, Url, cell, opened

if TYPE_CHECKING:
    from crm_connector.columns import JSONObject

app = typer.Typer(
    help="Messages and events that wait to be handled or sent, and those that were given up.",
    no_args_is_help=True,
)

Ids = Annotated[list[str] | None, typer.Argument(help="Ids as `list` shows them, such as out-12 in-3.")]
Every = Annotated[bool, typer.Option("--all", help="All that were given up.")]

_COLUMNS = ("id", "state", "channel", "sender_id", "attempts", "error", "next_attempt_at", "text")


@app.command("list")
def show(
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
    limit: Annotated[int, typer.Option(min=1, help="How many of the oldest in each queue.")] = 50,
    state: Annotated[
        Progress | None, typer.Option(help="Only what is in this state; without it what is not over.")
    ] = None,
    channel: Annotated[str | None, typer.Option(help="Only this channel, or webhook:NAME.")] = None,
) -> None:
    """List what waits or was given up, oldest first: `in` is to be handled, `out` to be sent."""
    from crm_connector import waiting  # noqa: PLC0415 - the bot's commands wait for none of this

    with opened(url, must_exist=True) as store, store.reading() as session:
        rows = waiting.listed(session, state, channel=channel, limit=limit)
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    elif rows:
        Console().print(_table(rows))
    else:
        typer.echo("nothing waits, nothing was given up" if state is None else f"nothing is {state.value}")


@app.command()
def replay(ids: Ids = None, url: Url = DEFAULT_URL, every: Every = False) -> None:
    """Have what was given up tried again, in its old place; a running server begins within a second."""
    _decide("replay", ids, url, "will be tried again", every=every)


@app.command()
def drop(ids: Ids = None, url: Url = DEFAULT_URL, every: Every = False) -> None:
    """Give up for good what waits or was given up: it is not sent, and the next one is."""
    _decide("drop", ids, url, "is dropped", every=every)


def _decide(decision: str, ids: list[str] | None, url: str, outcome: str, *, every: bool) -> None:
    """Do it, and say to which rows it was done."""
    from crm_connector import waiting  # noqa: PLC0415 - the bot's commands wait for none of this

    if bool(ids) == every:
        _refuse("name ids as `frontdesk deliveries list` shows them, or give --all")
    with opened(url, must_exist=True) as store, store.session() as session:
        try:
            done = waiting.decide(session, waiting.Decision(decision), None if every else ids)
        except waiting.UnknownId as error:
            _refuse(str(error))
    for one in done:
        typer.echo(f"{one} {outcome}")
    left = [one for one in ids or () if one not in done]
    if left:
        _refuse(f"left alone, because it is over or unknown: {', '.join(left)}")
    if not done:
        typer.echo("nothing was given up")


def _table(rows: list[JSONObject]) -> Table:
    table = Table(title="deliveries")
    for name in _COLUMNS:
        table.add_column(name, overflow="fold")
    for row in rows:
        state = f"{row['state']} (doubtful)" if row["doubtful"] else row["state"]
        table.add_row(*(cell(state if name == "state" else row[name]) for name in _COLUMNS))
    return table


def _refuse(reason: str) -> NoReturn:
    typer.echo(f"error: {reason}", err=True)
    raise typer.Exit(1)
