"""Rasa's HTTP API on the model: `/status`, `/model/…`, `/domain`."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Mapping

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import LiteralScalarString

from bot.channels.incoming import Refused, read_text
from bot.dialogue.messages import JSON, ParseResult
from bot.dialogue.tracker import Tracker
from bot.errors import ModelError
from bot.runtime.live import TrainedModel
from bot.server.api_requests import NO_MODEL, read_events, read_mapping_body, refusals, verbosity
from bot.server.conversations_api import predicted
from bot.server.emulation import EMULATIONS
from bot.server.parts import ApiParts

_NO_TEXT = (
    "No text message defined in request_body. Add text message to request body in order to obtain the intent "
    "and extracted entities."
)
_YAML_TYPE = "application/x-yaml"


class ModelApi:
    """The routes, but for training and testing."""

    def __init__(self, parts: ApiParts) -> None:
        self._live = parts.live
        self._jobs = parts.jobs
        self._access = parts.access

    def router(self) -> APIRouter:
        """Return the routes, behind authentication."""
        router = APIRouter(dependencies=[Depends(self._access.check)])
        router.add_api_route("/status", self.status, methods=["GET"])
        router.add_api_route("/model/parse", self.parse, methods=["POST"])
        router.add_api_route("/model/predict", self.predict, methods=["POST"])
        router.add_api_route("/model", self.load, methods=["PUT"], response_model=None)
        router.add_api_route("/model", self.unload, methods=["DELETE"], response_model=None)
        router.add_api_route("/domain", self.domain, methods=["GET"], response_model=None)
        return router

    async def status(self) -> JSON:
        """Name the model."""
        if self._live.model_id is None:
            raise Refused(NO_MODEL, code=409, reason="Conflict")
        return {
            "model_file": self._live.model_file,
            "model_id": self._live.model_id,
            "num_active_training_jobs": self._jobs.active,
        }

    async def parse(self, request: Request) -> JSON:
        """Understand one text; `emulation_mode` gives the answer another service's shape."""
        async with refusals("ParsingError"):
            processor = self._live.processor
            body = await read_mapping_body(request, _NO_TEXT)
            shape = _shape(request)
            if isinstance(body.get("text"), list):
                body["text"] = next(iter(body["text"]), None)
            return shape(await processor.parse(read_text(body, "text")))

    async def predict(self, request: Request) -> JSON:
        """Say what would be done after these events."""
        async with refusals("PredictionError"):
            processor = self._live.processor
            events, shown = await read_events(request), verbosity(request)
            tracker = Tracker.from_events("default", events, processor.domain)
            scores = await asyncio.to_thread(processor.scores, tracker)
            return predicted(scores, tracker, shown)

    async def load(self, request: Request) -> Response:
        """Let another model answer; conversations go on, and one that cannot be loaded changes nothing."""
        body = await read_mapping_body(request, "No path to model file defined in request_body.")
        try:
            model = await self._named(body)
        except ModelError as error:
            text = f"Agent with name '{body.get('model_file')}' could not be loaded. {error}"
            raise Refused(text, details={"parameter": "model", "in": "query"}) from error
        self._live.swap(model)
        return Response(status_code=204)

    async def _named(self, body: Mapping[str, JSON]) -> TrainedModel:
        file, server = body.get("model_file"), body.get("model_server")
        if isinstance(file, str) and file:
            return await self._jobs.load(file)
        if isinstance(server, Mapping) and isinstance(server.get("url"), str):
            return await self._jobs.fetch(server["url"])
        raise Refused("Expected 'model_file', a path, or 'model_server', an object with 'url'.")

    async def unload(self) -> Response:
        """Let no model answer."""
        self._live.unload()
        return Response(status_code=204)

    async def domain(self, request: Request) -> Response:
        """Return the domain as JSON or YAML, as the last word of `Accept` says."""
        async with refusals():
            source = dict(self._live.domain.source)
        accept = request.headers.get("accept") or "application/json"
        if accept.endswith(("json", "*/*")):
            return JSONResponse(source)
        if accept.endswith(("yml", "yaml")):
            return PlainTextResponse(_as_yaml(source), media_type=_YAML_TYPE)
        text = f"Invalid Accept header. Domain can be provided as application/json or {_YAML_TYPE}."
        raise Refused(text, code=406, reason="NotAcceptable")


def _shape(request: Request) -> JSON:
    mode = request.query_params.get("emulation_mode")
    if mode is None:
        return ParseResult.as_dict
    if mode.lower() in EMULATIONS:
        return EMULATIONS[mode.lower()]
    raise Refused(
        "Invalid parameter value for 'emulation_mode'. Should be one of 'WIT', 'LUIS', 'DIALOGFLOW'.",
        details={"parameter": "emulation_mode", "in": "query"},
    )


def _as_yaml(source: JSON) -> str:
    yaml, text = YAML(), io.StringIO()
    yaml.width = 4096
    yaml.dump(_readable(source), text)
    return text.getvalue()


def _readable(value: JSON) -> JSON:
    """Let texts of several lines stand as blocks."""
    if isinstance(value, Mapping):
        return {key: _readable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_readable(item) for item in value]
    return LiteralScalarString(value) if isinstance(value, str) and "\n" in value else value
