"""The command `frontdesk`: which commands there are."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.metadata import version as installed_version
from typing import Annotated

import typer

from bot.cli import (
    data,
    evaluate,
    explain,
    export,
    init,
    interactive,
    markers,
    migrate,
    pretrain,
    rasa_component,
    serve,
    train,
    validate,
    visualize,
)
from bot.cli.screen import err, explained, out
from bot.cli.spelling import translate
from crm_connector.cli import app as crm
from crm_connector.deliveries_cli import app as deliveries

app = typer.Typer(
    name="frontdesk",
    help="A conversational agent for customer service that lives beside a CRM.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for command in (
    init.init,
    train.train,
    validate.validate,
    explain.explain,
    pretrain.pretrain,
    rasa_component.rasa_component,
    serve.run,
    serve.shell,
    serve.run_actions,
    migrate.migrate,
    visualize.visualize,
    export.export,
    interactive.interactive,
):
    app.command()(command)
app.command("test")(evaluate.run_tests)
app.add_typer(data.app, name="data")
app.add_typer(markers.app, name="markers")
app.add_typer(deliveries, name="deliveries")
app.add_typer(crm, name="crm")


def _say_version(is_asked: bool) -> None:
    if is_asked:
        out.print(f"Frontdesk {installed_version('frontdesk-crm')}", highlight=False)
        raise typer.Exit


@app.callback()
def frontdesk(
    _version: Annotated[
        bool,
        typer.Option("--version", help="Say which version this is.", callback=_say_version, is_eager=True),
    ] = False,
) -> None:
    """A conversational agent for customer service that lives beside a CRM."""


def main() -> None:
    """Run the command line, in our spelling or in Rasa's."""
    try:
        _run(sys.argv[1:])
    except typer.Exit as ended:
        # Outside of the application nobody else takes it.
        sys.exit(ended.exit_code)


def _run(written: Sequence[str]) -> None:
    with explained():
        translation = translate(written)
    for note in translation.notes:
        err.print(note, style="dim", markup=False, soft_wrap=True)
    if translation.names_logs:
        with explained():
            serve.start_logs()
    if translation.arguments is not None:
        app(translation.arguments)
