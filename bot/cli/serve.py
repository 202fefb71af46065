"""`frontdesk run`, `frontdesk shell` and `frontdesk run-actions`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.screen import Models, Root, explained, out

Endpoints = Annotated[str, typer.Option("--endpoints", help="Where actions run and conversations are kept.")]
Credentials = Annotated[str, typer.Option("--credentials", help="Which channels are open.")]


def run(  # noqa: PLR0913 - each option of the command is an argument
    project: Root = Path(),
    models: Models = None,
    host: Annotated[
        str, typer.Option("--host", "--interface", "-i", help="Address to listen on; 0.0.0.0 for all.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", "-p", help="Port to listen on.")] = 8000,
    endpoints: Endpoints = "endpoints.yml",
    credentials: Credentials = "credentials.yml",
    log_json: Annotated[bool, typer.Option(help="Log one JSON object per line.")] = False,
    enable_api: Annotated[bool, typer.Option("--enable-api", help="Serve Rasa's HTTP API.")] = False,
    auth_token: Annotated[
        str | None, typer.Option("--auth-token", "-t", help="Token that the API expects as ?token=.")
    ] = None,
    jwt_secret: Annotated[
        str | None, typer.Option(help="Key that checks the API's JSON Web Tokens; a public one for RS256.")
    ] = None,
    jwt_method: Annotated[str, typer.Option(help="How the API's tokens are signed.")] = "HS256",
    cors: Annotated[
        list[str] | None, typer.Option(help="Origin whose pages may read answers, * for all; repeatable.")
    ] = None,
    watch_models: Annotated[
        bool, typer.Option("--watch-models", help="Swap in each new model; no conversation is lost.")
    ] = False,
) -> None:
    """Serve the newest model: chat page, web widget, REST, and on demand Rasa's HTTP API."""
    hide_torch()
    from bot.bootstrap import Assistant, Model  # noqa: PLC0415 - after torch is hidden
    from bot.model_jobs import ServerJobs  # noqa: PLC0415 - the same
    from bot.runtime.model_watch import ModelWatch  # noqa: PLC0415 - the same
    from bot.server.app import server  # noqa: PLC0415 - the same
    from bot.server.auth import Access  # noqa: PLC0415 - the same
    from bot.server.logs import configure_logs  # noqa: PLC0415 - the same
    from bot.server.parts import ApiParts  # noqa: PLC0415 - the same
    from bot.settings import LogSettings, Settings  # noqa: PLC0415 - the same

    with explained():
        logs = LogSettings.from_environment()
        as_json = log_json or logs.as_json
        configure_logs(as_json=as_json, level=logs.level, library_level=logs.library_level)
        access = Access(auth_token, jwt_secret, jwt_method)
        settings = Settings.read(project, models=models, endpoints=endpoints, credentials=credentials)
        assistant = Assistant.start(settings)
        jobs = ServerJobs(settings.root, settings.models, Model.load)
        api = ApiParts(assistant.processor, jobs, access) if enable_api else None
        web = assistant.app(api=api, cors_origins=cors or ())
    address = f"http://{'localhost' if host in ('127.0.0.1', '0.0.0.0') else host}:{port}"  # noqa: S104
    out.print("Frontdesk is ready.")
    out.print(f"  chat page  {address}/")
    out.print(f"  REST       {address}/webhooks/rest/webhook")
    if enable_api:
        out.print(f"  HTTP API   {address}/conversations, {address}/model")
        if not (auth_token or jwt_secret):
            out.print(
                "  It is open to everybody who reaches this address; --auth-token closes it.", style="yellow"
            )
    out.print(f"  health     {address}/health")
    end_watch = ModelWatch(settings.models, assistant.processor, Model.load).start() if watch_models else None
    try:
        server(web, host=host, port=port).run()
    finally:
        if end_watch:
            end_watch()


def shell(
    project: Root = Path(),
    models: Models = None,
    debug: Annotated[bool, typer.Option("--debug", help="Say why, after each message.")] = False,
) -> None:
    """Talk to the newest model in the terminal."""
    import asyncio  # noqa: PLC0415 - commands that only read files start faster

    hide_torch()
    from bot.bootstrap import Assistant  # noqa: PLC0415 - after torch is hidden
    from bot.channels.console import chat  # noqa: PLC0415 - the same
    from bot.cli.explanation import ExplainingProcessor  # noqa: PLC0415 - the same
    from bot.settings import Settings  # noqa: PLC0415 - the same

    async def talk() -> None:
        assistant = Assistant.start(Settings.read(project, models=models))
        try:
            live = assistant.processor
            await chat(ExplainingProcessor(live, out) if debug else live, out)
        finally:
            await assistant.close()

    with explained():
        asyncio.run(talk())


def run_actions(
    actions: Annotated[str, typer.Argument(help="Python package with the actions.")] = "actions",
    port: Annotated[int, typer.Option("--port", "-p", help="Port to listen on.")] = 5055,
) -> None:
    """Serve custom actions to this or any other assistant, with rasa-sdk's own server."""
    import rasa_sdk.__main__  # noqa: PLC0415 - brings a web server of its own

    sys.path.insert(0, str(Path.cwd()))
    sys.argv = ["rasa_sdk", "--actions", actions, "--port", str(port)]
    rasa_sdk.__main__.main()


def hide_torch() -> None:
    """Keep a serving process small: spaCy imports torch wherever it is installed, 270 MB for nothing."""
    sys.modules.setdefault("torch", None)  # type: ignore[arg-type]
