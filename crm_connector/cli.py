"""The CRM on the command line: list rows, fill a demo store, upgrade tables."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from crm_connector.address import DEFAULT_URL
from crm_connector.choices import EscalationStatus, RecommendationStatus, Stage, TicketStatus

if TYPE_CHECKING:
    from crm_connector.columns import JSON, JSONObject
    from crm_connector.database import Store

app = typer.Typer(name="crm", help="Look into the CRM store.", no_args_is_help=True)

Url = Annotated[
    str, typer.Option("--url", envvar="FRONTDESK_CRM_URL", help="Where the store is, as an SQLAlchemy URL.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Limit = Annotated[int, typer.Option(min=1, help="How many of the newest rows.")]

_WIDE = ("description", "summary", "tried", "open_questions", "phone", "updated_at", "sender_id")


@app.command()
def tickets(
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
    limit: Limit = 50,
    status: Annotated[TicketStatus | None, typer.Option(help="Only tickets in this state.")] = None,
) -> None:
    """List tickets, newest first."""
    _show("tickets", url, as_json=as_json, limit=limit, status=status)


@app.command()
def escalations(
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
    limit: Limit = 50,
    status: Annotated[EscalationStatus | None, typer.Option(help="Only escalations in this state.")] = None,
) -> None:
    """List escalated complaints with their summaries, newest first."""
    _show("escalations", url, as_json=as_json, limit=limit, status=status)


@app.command()
def recommendations(
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
    limit: Limit = 50,
    status: Annotated[RecommendationStatus | None, typer.Option(help="Only those in this state.")] = None,
) -> None:
    """List what was recommended to whom and why, newest first."""
    _show("recommendations", url, as_json=as_json, limit=limit, status=status)


@app.command()
def opportunities(
    url: Url = DEFAULT_URL,
    as_json: AsJson = False,
    limit: Limit = 50,
    stage: Annotated[Stage | None, typer.Option(help="Only opportunities in this stage.")] = None,
) -> None:
    """List possible sales, newest first."""
    _show("opportunities", url, as_json=as_json, limit=limit, status=stage)


@app.command()
def customers(url: Url = DEFAULT_URL, as_json: AsJson = False, limit: Limit = 50) -> None:
    """List customers, newest first."""
    _show("customers", url, as_json=as_json, limit=limit)


@app.command()
def fill(
    url: Url = DEFAULT_URL,
    seed: Annotated[int, typer.Option(help="The same seed gives the same rows on the same day.")] = 1,
) -> None:
    """Fill an empty store with the demo company; a store with products is left alone."""
    from crm_connector import sample_data  # noqa: PLC0415 - the bot's commands wait for none of this

    with opened(url, must_exist=False) as store, store.session() as session:
        filled = sample_data.fill(session, seed=seed)
    typer.echo(
        f"{store.address}: {'demo company filled in' if filled else 'has products already, left alone'}"
    )


@app.command()
def upgrade(url: Url = DEFAULT_URL) -> None:
    """Make the tables, or bring them up to date; rows are kept."""
    with opened(url, must_exist=False) as store:
        typer.echo(f"{store.address}: tables are up to date")


def opened(url: str, *, must_exist: bool) -> Store:
    """Open the store, or end with one line that says why not."""
    from crm_connector import database  # noqa: PLC0415 - the bot's commands wait for none of this

    try:
        return database.open(url, must_exist=must_exist)
    except database.StoreUnavailable as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error


def _show(subject: str, url: str, *, as_json: bool, limit: int, status: str | None = None) -> None:
    """Print rows as JSON or as a table."""
    from crm_connector import listing  # noqa: PLC0415 - the bot's commands wait for none of this

    with opened(url, must_exist=True) as store, store.reading() as session:
        rows = listing.LISTINGS[subject](session, limit=limit, status=status)
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    elif rows:
        Console().print(_table(subject, rows))
    else:
        typer.echo(f"no {subject}")


def _table(subject: str, rows: list[JSONObject]) -> Table:
    """A table of what fits on a screen; the text of customers is shown as it is, never as markup."""
    names = [name for name in rows[0] if name not in _WIDE]
    table = Table(title=subject)
    for name in names:
        table.add_column(name)
    for row in rows:
        table.add_row(*(cell(row[name]) for name in names))
    return table


def cell(value: JSON) -> Text:
    """A value without what would steer the terminal."""
    text = "" if value is None else str(value)
    return Text("".join(character if character.isprintable() else " " for character in text))
