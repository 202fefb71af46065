"""Rasa's HTTP API for bot developers: `/model/train` and `/model/test/…`."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import structlog
from fastapi import APIRouter, Depends, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from starlette.background import BackgroundTask

from bot.channels.http_errors import error_body, refusal_response
from bot.channels.incoming import Refused
from bot.dialogue.messages import JSON
from bot.errors import InvalidProject, Location
from bot.runtime.conversations import ConversationProcessor
from bot.runtime.evaluate import evaluate
from bot.server.api_requests import is_true, read_body, refusals, whole_number
from bot.server.parts import ApiParts, JobFailed, TrainingWishes
from bot.server.reports import nlu_report, story_report
from bot.training_data.findings import Findings
from bot.training_data.nlu_examples import NluExample
from bot.training_data.project import Project
from bot.training_data.stories import read_stories
from bot.training_data.story_graph import DEFAULT_AUGMENTATION
from bot.training_data.yaml_files import parse_yaml
from bot.training_data.yaml_values import YamlMap

_log = structlog.get_logger(__name__)

MAX_BODY_BYTES = 64 * 1024 * 1024
CALLBACK_TIMEOUT_S = 60.0
_YAML_TYPES = ("application/x-yaml", "application/yaml", "text/yaml")
_NO_TRAINING_DATA = "You must provide training data in the request body in order to train your model."
_NO_STORIES = "You must provide some stories in the request body in order to evaluate your model."
_NO_NLU_DATA = "You must provide some nlu data in the request body in order to evaluate your model."


class TrainingApi:
    """The three routes; each works in a folder of its own that is gone afterwards."""

    def __init__(self, parts: ApiParts) -> None:
        self._live = parts.live
        self._jobs = parts.jobs
        self._access = parts.access
        self._background: set[asyncio.Task[None]] = set()

    def router(self) -> APIRouter:
        """Return the routes, behind authentication."""
        router = APIRouter(dependencies=[Depends(self._access.check)])
        router.add_api_route("/model/train", self.train, methods=["POST"], response_model=None)
        router.add_api_route("/model/test/stories", self.test_stories, methods=["POST"])
        router.add_api_route("/model/test/intents", self.test_intents, methods=["POST"], response_model=None)
        return router

    async def train(self, request: Request) -> Response:
        """Train a project given as one YAML file, and return the model as an archive."""
        body = await read_body(request, _NO_TRAINING_DATA)
        _check_project(body)
        wishes = TrainingWishes(
            keep=is_true(request, "save_to_default_model_directory", default=True),
            force=is_true(request, "force_training"),
            augmentation=whole_number(request, "augmentation", default=DEFAULT_AUGMENTATION),
            threads=whole_number(request, "num_threads") or None,
        )

        async def work() -> Response:
            folder = _folder_with("data.yml", body)
            removal = BackgroundTask(shutil.rmtree, folder, ignore_errors=True)
            try:
                archive = await self._jobs.train(folder, wishes)
            except JobFailed as error:
                await removal()
                raise _refusal(error, "TrainingError") from error
            return FileResponse(
                archive,
                filename=archive.name,
                headers={"filename": archive.name},
                media_type="application/gzip",
                background=removal,
            )

        return await self._now_or_later(request, work)

    async def test_stories(self, request: Request) -> JSON:
        """Run test stories through the model."""
        async with refusals("TestingError"):
            processor = self._live.processor
            text = (await read_body(request, _NO_STORIES)).decode("utf-8", "replace")
            end_to_end = is_true(request, "e2e")
            return await asyncio.to_thread(_run_stories, text, processor, end_to_end)

    async def test_intents(self, request: Request) -> Response:
        """Test the model's NLU with examples, or, with `cross_validation_folds`, what they can teach."""
        body = await read_body(request, _NO_NLU_DATA)
        is_yaml = request.headers.get("content-type", "").split(";")[0] in _YAML_TYPES
        folds = request.query_params.get("cross_validation_folds")
        if folds is not None and not is_yaml:
            text = "Cross-validation is only supported for YAML data."
            raise Refused(text, reason="TestingError")
        count = _fold_count(folds)
        if is_yaml:
            _check_yaml(body)

        async def work() -> Response:
            folder = _folder_with("data.yml" if is_yaml else "data.json", body)
            try:
                if count is not None:
                    return JSONResponse(await self._jobs.cross_validate(folder, count))
                async with refusals("TestingError"):
                    return JSONResponse(await self._test_examples(folder, request))
            except JobFailed as error:
                raise _refusal(error, "TestingError") from error
            finally:
                shutil.rmtree(folder, ignore_errors=True)

        return await self._now_or_later(request, work)

    async def _test_examples(self, folder: Path, request: Request) -> JSON:
        named = request.query_params.get("model")
        parser = (await self._jobs.load(named)).interpreter if named else self._live
        examples = await asyncio.to_thread(_read_examples, folder)
        return nlu_report(
            [(example, await asyncio.to_thread(parser.parse, example.text)) for example in examples]
        )

    async def _now_or_later(self, request: Request, work: Callable[[], Awaitable[Response]]) -> Response:
        """Answer with the result, or at once, and send the result to `callback_url`."""
        callback_url = request.query_params.get("callback_url")
        if not callback_url:
            return await work()
        task = asyncio.create_task(_send_later(callback_url, work))
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return Response(status_code=204)


async def _send_later(url: str, work: Callable[[], Awaitable[Response]]) -> None:
    try:
        response = await work()
    except Refused as refused:
        response = refusal_response(refused)
    except Exception:  # noqa: BLE001  the rim: whoever waits at the URL hears of it, whatever it is
        _log.exception("job failed", callback_url=url)
        body = error_body("An unexpected error occurred.", code=500, reason="UnexpectedError")
        response = JSONResponse(body, status_code=500)
    content = await asyncio.to_thread(_content, response)
    headers = {"Content-Type": response.headers["content-type"]}
    try:
        async with httpx.AsyncClient(timeout=CALLBACK_TIMEOUT_S) as client:
            (await client.post(url, content=content, headers=headers)).raise_for_status()
    except httpx.HTTPError as error:
        _log.error("result not delivered", callback_url=url, error=str(error))
    if response.background is not None:
        await response.background()


def _content(response: Response) -> bytes:
    return Path(response.path).read_bytes() if isinstance(response, FileResponse) else bytes(response.body)


def _run_stories(text: str, processor: ConversationProcessor, end_to_end: bool) -> JSON:
    findings = Findings()
    document = _check_yaml(text.encode())
    steps = read_stories(document, processor.domain, findings)
    try:
        findings.raise_errors()
    except InvalidProject as error:
        raise Refused(f"The stories are wrong: {error}", reason="TestingError") from error
    tested = evaluate(steps, processor.domain, processor.parser, processor.policies)
    return story_report(tested, end_to_end=end_to_end)


def _read_examples(folder: Path) -> tuple[NluExample, ...]:
    file = next(folder.iterdir())
    try:
        return Project.load(folder, data=(file.name,)).nlu.examples
    except InvalidProject as error:
        raise Refused(f"The examples are wrong: {error}", reason="TestingError") from error


def _check_project(body: bytes) -> None:
    """Refuse what would read this machine: variables of its environment, and files beside a project."""
    document = _check_yaml(body)
    if document.get("imports"):
        place = document.at("imports")
        raise Refused(
            f"{place}: 'imports' names files of this machine; write what they hold into the request"
        )


def _check_yaml(body: bytes) -> YamlMap:
    try:
        document = parse_yaml(body.decode("utf-8"), "request body", is_trusted=False)
    except (InvalidProject, UnicodeDecodeError) as error:
        raise Refused(f"The request body does not contain valid YAML. Error: {error}") from error
    if not isinstance(document, YamlMap):
        raise Refused(f"The request body does not contain valid YAML: {Location('request body', 1)}: no keys")
    return document


def _fold_count(folds: str | None) -> int | None:
    if folds is None:
        return None
    if not folds.isdigit() or int(folds) < 2:
        raise Refused(f"'cross_validation_folds' is {folds!r}, expected a whole number from 2.")
    return int(folds)


def _folder_with(name: str, body: bytes) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="frontdesk-"))
    (folder / name).write_bytes(body)
    return folder


def _refusal(error: JobFailed, reason: str) -> Refused:
    return Refused(str(error), code=400 if error.is_input else 500, reason=reason)
