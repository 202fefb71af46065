"""Why a message is understood as it is, over HTTP: `GET /model/explain?text=…`, or `POST` with a body."""

from __future__ import annotations

import asyncio
from pathlib import Path

from fastapi import APIRouter, Depends, Request

from bot.channels.incoming import Refused, clean, read_text
from bot.dialogue.messages import JSON
from bot.errors import ModelError
from bot.nlu.explain import Explainer
from bot.nlu.interpreter import Interpreter
from bot.runtime.live import LiveProcessor
from bot.runtime.model_package import NLU
from bot.server.api_requests import read_mapping_body, refusals
from bot.server.auth import Access

_NO_TEXT = "Expected the parameter 'text', or a JSON body with 'text'."


class ExplainApi:
    """The route; one explanation is worked out at a time, since each asks the model a hundred times."""

    def __init__(self, live: LiveProcessor) -> None:
        self._live = live
        self._one_at_a_time = asyncio.Lock()
        self._explainer: tuple[Interpreter, Explainer] | None = None

    def router(self, access: Access) -> APIRouter:
        """Return the route, behind authentication."""
        router = APIRouter(dependencies=[Depends(access.check)])
        router.add_api_route("/model/explain", self.explain, methods=["GET", "POST"])
        return router

    async def explain(self, request: Request) -> JSON:
        """Explain one text by the model that answers now."""
        async with refusals("ExplanationError"):
            text = await _text(request)
            async with self._one_at_a_time:
                explainer = self._current()
                try:
                    found = await asyncio.to_thread(explainer.explain, text)
                except ModelError as error:
                    raise Refused(str(error), code=500, reason="ExplanationError") from error
            return {"model_id": self._live.model_id, **found.as_dict()}

    def _current(self) -> Explainer:
        """Keep the explainer of the loaded model: it holds the training sentences."""
        interpreter, folder = self._live.parser, self._live.model_file
        if not isinstance(interpreter, Interpreter) or folder is None:
            text = "The loaded model cannot explain itself: another server understands in its place."
            raise Refused(text, code=409, reason="Conflict")
        if self._explainer is None or self._explainer[0] is not interpreter:
            self._explainer = interpreter, Explainer(interpreter, Path(folder) / NLU)
        return self._explainer[1]


async def _text(request: Request) -> str:
    if request.method == "POST":
        return read_text(await read_mapping_body(request, _NO_TEXT), "text")
    given = request.query_params.get("text")
    return read_text({"text": None if given is None else clean(given)}, "text")
