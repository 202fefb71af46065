"""The command `frontdesk`: which commands there are."""

from __future__ import annotations

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
    serve,
    train,
    visualize,
)
from crm_connector.cli import app as crm

app = typer.Typer(
    name="frontdesk",
    help="A conversational agent for customer service that lives beside a CRM.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for command in (
    init.init,
    train.train,
    train.validate,
    explain.explain,
    pretrain.pretrain,
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
app.add_typer(crm, name="crm")


def main() -> None:
    """Run the command line."""
    app()
