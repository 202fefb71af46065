"""Heavy work happens elsewhere, and whatever becomes of it, the server goes on with the model it has."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.responses import FileResponse

from bot.errors import ModelError
from bot.model_jobs import ServerJobs, run_in_own_process
from bot.runtime import model_archive, model_package
from bot.server.parts import JobFailed, TrainingWishes
from tests.server.contract_bot import Trainer
from tests.server.factories import RunningServer


@pytest.fixture
def trainer(tmp_path: Path) -> Trainer:
    """Train the project of the recordings."""
    trainer = Trainer(tmp_path / "models")
    trainer.train()
    return trainer


async def test_a_wrong_project_is_told_from_the_other_process(tmp_path: Path, trainer: Trainer) -> None:
    """The findings come back with file and line, without the job's own folder; no model appears."""
    (tmp_path / "data.yml").write_text("version: '3.1'\nintents: [greet]\npolicies: [{name: RulPolicy}]\n")
    jobs = ServerJobs(tmp_path, trainer.models, trainer.load)
    before = sorted(trainer.models.iterdir())
    with pytest.raises(JobFailed, match=r"^data\.yml:3: error: .*'RulPolicy', did you mean") as failed:
        await jobs.train(tmp_path, TrainingWishes())
    assert failed.value.is_input
    assert jobs.active == 0
    assert sorted(trainer.models.iterdir()) == before


async def test_a_process_that_dies_is_an_error_of_its_job_alone() -> None:
    """A training that the system kills is told, and nothing else happens."""
    with pytest.raises(JobFailed, match="has died; the running model stays") as failed:
        await run_in_own_process(os._exit, 1)
    assert not failed.value.is_input


async def test_a_model_server_gives_an_archive(tmp_path: Path, trainer: Trainer) -> None:
    """A model is fetched by its address, and stands among the others afterwards."""
    package = model_package.open_package(model_package.latest(trainer.models))
    archive = model_archive.pack(package, tmp_path)
    app = FastAPI(openapi_url=None)
    app.add_api_route("/models/x", lambda: FileResponse(archive), methods=["GET"])
    elsewhere = tmp_path / "elsewhere"
    jobs = ServerJobs(tmp_path, elsewhere, trainer.load)
    with RunningServer(app) as server:
        model = await jobs.fetch(f"{server.url}/models/x")
        assert model.model_id == package.metadata.model_id
        assert [path.name for path in elsewhere.iterdir()] == [package.folder.name]
        again = await jobs.fetch(f"{server.url}/models/x")
        assert again.model_id == model.model_id
        with pytest.raises(ModelError, match="gives no model"):
            await jobs.fetch(f"{server.url}/models/y")


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/models", "no address"])
async def test_a_model_server_that_is_away_gives_none(tmp_path: Path, trainer: Trainer, url: str) -> None:
    """An address where nobody answers is an error that names it."""
    jobs = ServerJobs(tmp_path, trainer.models, trainer.load)
    with pytest.raises(ModelError, match="gives no model"):
        await asyncio.wait_for(jobs.fetch(url), 30)
