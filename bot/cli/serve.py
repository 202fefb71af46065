"""`frontdesk run`, `frontdesk shell` and `frontdesk run-actions`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.screen import Models, Root, explained, out


def run(
    project: Root = Path(),
    models: Models = None,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
    log_json: Annotated[bool, typer.Option(help="Log one JSON object per line.")] = False,
) -> None:
    """Serve the newest model: chat page, web widget, REST."""
    hide_torch()
    from bot.bootstrap import Assistant  # noqa: PLC0415 - after torch is hidden
    from bot.server.app import server  # noqa: PLC0415 - the same
    from bot.server.logs import configure_logs  # noqa: PLC0415 - the same
    from bot.settings import Settings  # noqa: PLC0415 - the same

    configure_logs(as_json=log_json)
    with explained():
        assistant = Assistant.start(Settings.read(project, models=models))
        web = assistant.app()
    address = f"http://{'localhost' if host in ('127.0.0.1', '0.0.0.0') else host}:{port}"  # noqa: S104
    out.print("Frontdesk is ready.")
    out.print(f"  chat page  {address}/")
    out.print(f"  REST       {address}/webhooks/rest/webhook")
    out.print(f"  health     {address}/health")
    server(web, host=host, port=port).run()


def shell(project: Root = Path(), models: Models = None) -> None:
    """Talk to the newest model in the terminal."""
    hide_torch()
    from bot.bootstrap import Assistant  # noqa: PLC0415 - after torch is hidden
    from bot.channels.console import chat  # noqa: PLC0415 - the same
    from bot.settings import Settings  # noqa: PLC0415 - the same

    async def talk() -> None:
        assistant = Assistant.start(Settings.read(project, models=models))
        try:
            await chat(assistant.processor, out)
        finally:
            await assistant.close()

    with explained():
        asyncio.run(talk())


def run_actions(
    actions: Annotated[str, typer.Argument(help="Python package with the actions.")] = "actions",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 5055,
) -> None:
    """Serve custom actions to this or any other assistant, with rasa-sdk's own server."""
    import rasa_sdk.__main__  # noqa: PLC0415 - brings a web server of its own

    sys.path.insert(0, str(Path.cwd()))
    sys.argv = ["rasa_sdk", "--actions", actions, "--port", str(port)]
    rasa_sdk.__main__.main()


def hide_torch() -> None:
    """Keep a serving process small: spaCy imports torch wherever it is installed, 270 MB for nothing."""
    sys.modules.setdefault("torch", None)  # type: ignore[arg-type]
