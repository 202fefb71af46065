"""Training and loading for a running server; what trains has a process of its own, as large as it likes."""

from __future__ import annotations

import asyncio
import multiprocessing
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import httpx

from bot.dialogue.messages import JSON
from bot.errors import InvalidProject, ModelError
from bot.runtime import model_archive, model_package
from bot.runtime.live import TrainedModel
from bot.runtime.threads import limit_threads
from bot.server.parts import JobFailed, TrainingWishes
from bot.training_data.config_file import DEFAULT_LANGUAGE

FETCH_TIMEOUT_S = 300.0
_DATA = "data.yml"


class ServerJobs:
    """Work on the models of one project; `load_model` brings a model's folder into memory."""

    def __init__(self, root: Path, models: Path, load_model: Callable[[Path], TrainedModel]) -> None:
        self._root = root
        self._models = models
        self._load_model = load_model
        self._active = 0

    @property
    def active(self) -> int:
        """How many trainings are under way."""
        return self._active

    async def load(self, model_file: str) -> TrainedModel:
        """Load a model by path or by name; see `ModelJobs.load`."""
        return await asyncio.to_thread(self._load, model_file)

    async def fetch(self, url: str) -> TrainedModel:
        """Load what a model server gives; see `ModelJobs.fetch`."""
        folder = Path(tempfile.mkdtemp(prefix="frontdesk-"))
        try:
            file = folder / f"fetched{model_archive.SUFFIX}"
            await _download(url, file)
            return await asyncio.to_thread(self._load_archive, file)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    async def train(self, folder: Path, wishes: TrainingWishes) -> Path:
        """Train in another process; see `ModelJobs.train`."""
        models = self._models.resolve() if wishes.keep else folder / "models"
        self._active += 1
        try:
            trained = await run_in_own_process(_train, folder, models, wishes)
        finally:
            self._active -= 1
        package = model_package.open_package(Path(trained))
        return await asyncio.to_thread(model_archive.pack, package, folder)

    async def cross_validate(self, folder: Path, folds: int) -> JSON:
        """Train and test in another process; see `ModelJobs.cross_validate`."""
        return await run_in_own_process(_cross_validate, folder, folds)

    def _load(self, model_file: str) -> TrainedModel:
        places = (Path(model_file), self._root / model_file, self._models / model_file)
        found = next((place for place in places if place.exists()), None)
        if found is None:
            raise ModelError(f"there is no model at {model_file}")
        return self._load_model(found) if found.is_dir() else self._load_archive(found)

    def _load_archive(self, file: Path) -> TrainedModel:
        return self._load_model(model_archive.unpack(file, self._models, usable=self._load_model))


@dataclass(frozen=True, slots=True)
class _Failure:
    """What a process says instead of an error: errors do not always survive the way between processes."""

    message: str
    is_input: bool


async def run_in_own_process(work: Callable[..., JSON], *arguments: object) -> JSON:
    """Run a function of this module in a fresh process, without anything this one has loaded."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            result = await asyncio.get_running_loop().run_in_executor(pool, work, *arguments)
        except BrokenProcessPool as error:
            raise JobFailed("the process that trained has died; the running model stays") from error
    if isinstance(result, _Failure):
        raise JobFailed(result.message, is_input=result.is_input)
    return result


def _train(folder: Path, models: Path, asked: TrainingWishes) -> JSON:
    limit_threads(asked.threads)
    # The server loads none of this: it would bring the training libraries into memory.
    from bot.nlu.train import train as train_nlu  # noqa: PLC0415
    from bot.runtime.check import check_project  # noqa: PLC0415
    from bot.runtime.train import Wishes  # noqa: PLC0415
    from bot.runtime.train import train as train_project  # noqa: PLC0415
    from bot.training_data.project import Project  # noqa: PLC0415

    try:
        project = Project.load(folder, domain=_DATA, config=_DATA, data=(_DATA,))
        wishes = Wishes(force=asked.force, augmentation=asked.augmentation)
        outcome = train_project(project, models, train_nlu=train_nlu, check=check_project, wishes=wishes)
    except InvalidProject as error:
        # The caller knows nothing of the folder that its project stood in.
        return _Failure(str(error).replace(f"{folder}/", ""), is_input=True)
    # A rim: whatever breaks in there, the caller in the other process is told.
    except Exception as error:  # noqa: BLE001
        return _Failure(f"{type(error).__name__}: {error}", is_input=False)
    return str(outcome.package.folder)


def _cross_validate(folder: Path, folds: int) -> JSON:
    from bot.nlu.cross_validation import Lesson, held_out_parts  # noqa: PLC0415 (as above)
    from bot.server.reports import nlu_report  # noqa: PLC0415
    from bot.training_data.project import Project  # noqa: PLC0415

    try:
        project = Project.load(folder, domain=_DATA, config=_DATA, data=(_DATA,))
        language = project.config.language or DEFAULT_LANGUAGE
        lesson = Lesson(project.nlu, project.config.pipeline, project.domain, language)
        parts = held_out_parts(lesson, folds=folds, parts=folds)
        parsed = [(row.example, row.result) for part in parts for row in part.examples]
    except InvalidProject as error:
        # The caller knows nothing of the folder that its project stood in.
        return _Failure(str(error).replace(f"{folder}/", ""), is_input=True)
    # A rim, as above.
    except Exception as error:  # noqa: BLE001
        return _Failure(f"{type(error).__name__}: {error}", is_input=False)
    return nlu_report(parsed)


async def _download(url: str, file: Path) -> None:
    try:
        async with (
            httpx.AsyncClient(timeout=FETCH_TIMEOUT_S, follow_redirects=True) as client,
            client.stream("GET", url) as response,
        ):
            response.raise_for_status()
            size = 0
            with file.open("wb") as target:
                async for block in response.aiter_bytes():
                    size += len(block)
                    if size > model_archive.MAX_BYTES:
                        raise ModelError(f"{url} gives more than {model_archive.MAX_BYTES:,} bytes: no model")
                    target.write(block)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ModelError(f"{url} gives no model: {error}") from error
