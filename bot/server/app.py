"""The web application: channels, page, health and model interface under one roof."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import structlog
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware

from bot.channels.channel import Channel, MountedChannel, StartedChannel
from bot.channels.delivery import ChannelDelivery
from bot.channels.http_errors import error_body, refusal_response
from bot.channels.incoming import Refused
from bot.channels.registry import channels_from_credentials
from bot.channels.web_widget.widget import WebWidget
from bot.delivery.peer import QueuedChannel
from bot.dialogue.messages import JSON
from bot.server.conversations_api import ConversationsApi
from bot.server.deliveries_api import DeliveriesApi
from bot.server.explain_api import ExplainApi
from bot.server.health import health_router
from bot.server.middleware import MAX_BODY_BYTES, BodyLimit, RequestLog, SecurityHeaders
from bot.server.model_api import ModelApi
from bot.server.pages import STATIC, WidgetFiles, pages_router
from bot.server.parts import ApiParts, ServerParts
from bot.server.tls import Tls
from bot.server.trace_api import TraceApi
from bot.server.training_api import MAX_BODY_BYTES as MAX_TRAINING_BYTES
from bot.server.training_api import TrainingApi

_log = structlog.get_logger(__name__)

_Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

# A whole project comes in one piece.
_LARGER_BODIES = dict.fromkeys(
    ("/model/train", "/model/test/stories", "/model/test/intents"), MAX_TRAINING_BYTES
)

_REASONS = {401: "NotAuthenticated", 403: "NotAuthorized", 404: "Not found", 406: "NotAcceptable"}


def create_app(parts: ServerParts, credentials: Mapping[str, JSON]) -> FastAPI:
    """Build the application with the channels that `credentials` names.

    The channels are kept in `app.state.channels`, by name.

    Raises:
        SettingsError: `credentials` names an unknown channel or holds a wrong setting.
    """
    channels = channels_from_credentials(credentials, parts.channel_parts)
    app = FastAPI(title="Frontdesk", openapi_url=None, lifespan=_lifespan(parts, channels))
    app.state.channels = {channel.name: channel for channel in channels}
    for channel in channels:
        if parts.queues is not None and isinstance(channel, QueuedChannel):
            parts.queues.serve(channel)
    for channel in channels:
        app.include_router(channel.router())
        if isinstance(channel, MountedChannel):
            app.mount(channel.path, channel.asgi_app())
    app.include_router(pages_router(with_widget="web_widget" in app.state.channels))
    app.include_router(health_router(parts))
    if parts.api is not None:
        _mount_api(app, parts.api)
        if parts.queues is not None:
            app.include_router(DeliveriesApi(parts.queues).router(parts.api.access))
    app.mount("/static", WidgetFiles(directory=STATIC), name="static")
    _answer_errors(app)
    # The last one added is the outermost.
    app.add_middleware(BodyLimit, larger=_larger_bodies(channels, with_api=parts.api is not None))
    if parts.cors_origins:
        _share(app, parts.cors_origins)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(RequestLog)
    return app


def delivery_of(app: FastAPI) -> ChannelDelivery:
    """Return who brings messages to customers over the application's channels."""
    return ChannelDelivery(app.state.channels)


def server(
    app: FastAPI, *, host: str, port: int, grace_s: int = 10, tls: Tls | None = None
) -> uvicorn.Server:
    """Return the HTTP server for the application; at its end turns under way get `grace_s` seconds.

    Our own request log replaces uvicorn's, which would print whole addresses.
    """
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        access_log=False,
        log_config=None,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=grace_s,
        ws_max_size=MAX_BODY_BYTES,
        # Frames are short; compressing them would cost memory for every open page.
        ws_per_message_deflate=False,
        **(tls.arguments() if tls else {}),
    )
    return uvicorn.Server(config)


def _larger_bodies(channels: Sequence[Channel], *, with_api: bool) -> dict[str, int]:
    """Return the paths that take more than others, and how many bytes."""
    files = dict(channel.largest_body for channel in channels if isinstance(channel, WebWidget))
    return files | (_LARGER_BODIES if with_api else {})


def _mount_api(app: FastAPI, api: ApiParts) -> None:
    app.include_router(ConversationsApi(api.live).router(api.access))
    app.include_router(TraceApi(api.live).router(api.access))
    app.include_router(ExplainApi(api.live).router(api.access))
    app.include_router(ModelApi(api).router())
    app.include_router(TrainingApi(api).router())


def _share(app: FastAPI, origins: Sequence[str]) -> None:
    """Let pages of other origins read answers; cookies go along only where the origins are named."""
    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(origins),
        allow_methods=["*"],
        allow_headers=["*"],
        allow_credentials="*" not in origins,
        expose_headers=["filename"],
    )


def _lifespan(parts: ServerParts, channels: Sequence[Channel]) -> _Lifespan:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if parts.queues is not None:
            await parts.queues.start()
        for channel in channels:
            if isinstance(channel, StartedChannel):
                await channel.start()
        parts.start()
        _log.info("serving", channels=[channel.name for channel in channels], model_id=parts.model.model_id)
        yield
        # The queues first: what they are sending needs the channels' connections.
        if parts.queues is not None:
            await parts.queues.close()
        for channel in channels:
            await channel.close()
        await parts.close()

    return lifespan


def _answer_errors(app: FastAPI) -> None:
    @app.exception_handler(Refused)
    async def refused(_: Request, error: Refused) -> Response:
        return refusal_response(error)

    @app.exception_handler(HTTPException)
    async def http(_: Request, error: HTTPException) -> Response:
        reason = _REASONS.get(error.status_code, "BadRequest")
        body = error_body(str(error.detail), code=error.status_code, reason=reason)
        return JSONResponse(body, status_code=error.status_code, headers=error.headers)

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> Response:
        _log.error("request failed", path=request.url.path, exc_info=error)
        body = error_body("Something went wrong on our side.", code=500, reason="InternalError")
        return JSONResponse(body, status_code=500)
