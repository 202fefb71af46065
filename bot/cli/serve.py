"""`frontdesk run`, `frontdesk shell` and `frontdesk run-actions`."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli.screen import Endpoints, Models, Root, explained, out

if TYPE_CHECKING:
    from bot.bootstrap import Assistant
    from bot.settings import Settings

_OBJECTS_BEFORE_COLLECTION = 10_000

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
    connector: Annotated[str | None, typer.Option(help="Open this channel alone.")] = None,
    log_file: Annotated[Path | None, typer.Option(help="Append logs to this file, too.")] = None,
    ssl_certificate: Annotated[Path | None, typer.Option(help="Speak TLS with this certificate.")] = None,
    ssl_keyfile: Annotated[Path | None, typer.Option(help="Key of the certificate.")] = None,
    ssl_ca_file: Annotated[
        Path | None, typer.Option(help="Who may sign clients' certificates, where they show one.")
    ] = None,
    ssl_password: Annotated[str | None, typer.Option(help="Password of the key.")] = None,
) -> None:
    """Serve the newest model: chat page, web widget, REST, and on demand Rasa's HTTP API."""
    hide_torch()
    from bot.bootstrap import Assistant, Model  # noqa: PLC0415 - after torch is hidden
    from bot.model_jobs import ServerJobs  # noqa: PLC0415 - the same
    from bot.server.app import server  # noqa: PLC0415 - the same
    from bot.server.auth import Access  # noqa: PLC0415 - the same
    from bot.server.parts import ApiParts  # noqa: PLC0415 - the same
    from bot.server.tls import Tls  # noqa: PLC0415 - the same
    from bot.settings import Settings  # noqa: PLC0415 - the same

    with explained():
        start_logs(as_json=log_json, also_to=log_file)
        access = Access(auth_token, jwt_secret, jwt_method)
        tls = Tls.of(ssl_certificate, ssl_keyfile, ssl_ca_file, ssl_password)
        settings = Settings.read(
            project, models=models, endpoints=endpoints, credentials=credentials, connector=connector
        )
        assistant = Assistant.start(settings)
        jobs = ServerJobs(settings.root, settings.models, Model.load)
        api = ApiParts(assistant.processor, jobs, access) if enable_api else None
        web = assistant.app(api=api, cors_origins=cors or ())
    name = "localhost" if host in ("127.0.0.1", "0.0.0.0") else host  # noqa: S104
    address = f"{'https' if tls else 'http'}://{name}:{port}"
    out.print("Frontdesk is ready.")
    out.print(f"  chat page  {address}/")
    out.print(f"  REST       {address}/webhooks/rest/webhook")
    if enable_api:
        out.print(f"  HTTP API   {address}/conversations, {address}/model")
        if not (auth_token or jwt_secret):
            out.print(
                "  It is open to everybody who reaches this address; --auth-token closes it.", style="yellow"
            )
    if settings.desk is not None:
        out.print(f"  desk       {address}/desk/")
        if web.state.first_account_path:
            out.print(f"  first account of the desk: {address}{web.state.first_account_path}", style="yellow")
    out.print(f"  health     {address}/health")
    ends = list(_watches(assistant, settings, watch_models=watch_models))
    # What is loaded by now stays: garbage is not looked for in it while customers wait. What a message leaves
    # goes by itself; to look for rings in it after every 700 objects takes a tenth of the time of a turn.
    gc.freeze()
    gc.set_threshold(_OBJECTS_BEFORE_COLLECTION, 20, 20)
    try:
        server(web, host=host, port=port, tls=tls).run()
    finally:
        for end in ends:
            end()


def start_logs(*, as_json: bool = False, also_to: Path | None = None) -> None:
    """Log as the environment says, or the file that it names."""
    from bot.server.logs import configure_logs, configure_logs_from  # noqa: PLC0415 - not for fast commands
    from bot.settings import LogSettings  # noqa: PLC0415 - the same

    logs = LogSettings.from_environment()
    if logs.file:
        configure_logs_from(logs.file)
    else:
        configure_logs(
            as_json=as_json or logs.as_json,
            level=logs.level,
            library_level=logs.library_level,
            also_to=also_to,
        )


def _watches(assistant: Assistant, settings: Settings, *, watch_models: bool) -> Iterator[Callable[[], None]]:
    """Begin to look for new models; yield what ends each watch."""
    from bot.bootstrap import Model  # noqa: PLC0415 - after torch is hidden
    from bot.runtime.model_server import ModelServer  # noqa: PLC0415 - the same
    from bot.runtime.model_watch import ModelWatch  # noqa: PLC0415 - the same

    if watch_models:
        yield ModelWatch(settings.models, assistant.processor, Model.load).start()
    if settings.model_server:
        source = ModelServer(settings.model_server, settings.models, usable=Model.load)
        yield source.follow(assistant.processor, Model.load)


def shell(  # noqa: PLR0913 - each option of the command is an argument
    project: Root = Path(),
    models: Models = None,
    debug: Annotated[bool, typer.Option("--debug", help="Say why, after each message.")] = False,
    nlu_only: Annotated[
        bool, typer.Option("--nlu-only", help="Print what is understood of each line, as JSON.")
    ] = False,
    conversation_id: Annotated[str | None, typer.Option(help="Go on with this conversation.")] = None,
    endpoints: Endpoints = "endpoints.yml",
    log_file: Annotated[Path | None, typer.Option(help="Write logs to this file, too.")] = None,
) -> None:
    """Talk to the newest model in the terminal."""
    import asyncio  # noqa: PLC0415 - commands that only read files start faster

    hide_torch()
    from bot.bootstrap import Assistant, Model  # noqa: PLC0415 - after torch is hidden
    from bot.channels.console import chat, show_understanding  # noqa: PLC0415 - the same
    from bot.cli.explanation import ExplainingProcessor  # noqa: PLC0415 - the same
    from bot.runtime.own_code import make_importable  # noqa: PLC0415 - the same
    from bot.settings import Settings  # noqa: PLC0415 - the same

    async def talk() -> None:
        assistant = Assistant.start(Settings.read(project, models=models, endpoints=endpoints))
        try:
            live = assistant.processor
            handler = ExplainingProcessor(live, out) if debug else live
            await chat(handler, out, sender_id=conversation_id)
        finally:
            await assistant.close()

    with explained():
        if log_file:
            start_logs(also_to=log_file)
        if nlu_only:
            make_importable(project)
            show_understanding(Model.load(models or project / "models").interpreter.parse, out)
        else:
            asyncio.run(talk())


def run_actions(  # noqa: PLR0913 - each option of the command is an argument
    package: Annotated[str | None, typer.Argument(help="Python package with the actions.")] = None,
    port: Annotated[int, typer.Option("--port", "-p", help="Port to listen on.")] = 5055,
    actions: Annotated[str | None, typer.Option("--actions", help="The same package.")] = None,
    cors: Annotated[list[str] | None, typer.Option(help="Origin whose pages may ask; repeatable.")] = None,
    ssl_certificate: Annotated[Path | None, typer.Option(help="Speak TLS with this certificate.")] = None,
    ssl_keyfile: Annotated[Path | None, typer.Option(help="Key of the certificate.")] = None,
    ssl_password: Annotated[str | None, typer.Option(help="Password of the key.")] = None,
    auto_reload: Annotated[
        bool, typer.Option("--auto-reload", help="Load modules again when they change.")
    ] = False,
) -> None:
    """Serve custom actions to this or any other assistant, with rasa-sdk's own server."""
    import rasa_sdk.__main__  # noqa: PLC0415 - brings a web server of its own
    from rasa_sdk.utils import number_of_sanic_workers  # noqa: PLC0415 - the same

    sys.path.insert(0, str(Path.cwd()))
    given = {
        "--ssl-certificate": ssl_certificate,
        "--ssl-keyfile": ssl_keyfile,
        "--ssl-password": ssl_password,
    }
    sys.argv = [
        *("rasa_sdk", "--actions", actions or package or "actions", "--port", str(port)),
        *(part for name, value in given.items() if value is not None for part in (name, str(value))),
        *(("--cors", *cors) if cors else ()),
        *(("--auto-reload",) if auto_reload else ()),
    ]
    if not auto_reload and number_of_sanic_workers() == 1:
        _serve_in_this_process()
    rasa_sdk.__main__.main()


def _serve_in_this_process() -> None:
    """Keep rasa-sdk from copying the actions to a process of their own, which not all of them survive.

    rasa-sdk 3.21 starts even its only worker anew, with the actions pickled; those that hold a function, as
    ActionQueryKnowledgeBase does, cannot be.
    """
    from sanic import Sanic  # noqa: PLC0415 - as above

    def serve(primary: Sanic[Any, Any], **_: object) -> None:
        Sanic.serve_single(primary)

    Sanic.serve = serve  # type: ignore[method-assign, assignment]


def hide_torch() -> None:
    """Keep a serving process small: spaCy imports torch wherever it is installed, 270 MB for nothing."""
    sys.modules.setdefault("torch", None)  # type: ignore[arg-type]
