"""Two trainings do not mix, a crash leaves the old model, and a server follows the newest one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bot.dialogue.messages import UserMessage
from bot.runtime import model_package
from bot.runtime.model_watch import ModelWatch
from bot.runtime.tracker_store import InMemoryTrackerStore
from bot.runtime.train import Wishes, train
from bot.training_data.project import Project
from tests.server.contract_bot import PROJECT, Trainer, serve

# Trains until the NLU has written half of its files, says so, and never comes back.
HALF_A_TRAINING = """
import signal, sys
from pathlib import Path
from bot.runtime.train import Wishes, train
from bot.training_data.project import Project

def never_ends(data, pipeline, folder, **_):
    folder.mkdir()
    (folder / "half.json").write_text("[")
    print("half", flush=True)
    signal.pause()

train(Project.load(Path(sys.argv[1])), Path(sys.argv[2]), train_nlu=never_ends, wishes=Wishes(force=True))
"""


def _learns(_data: Any, _pipeline: Any, folder: Path, **_: Any) -> SimpleNamespace:
    folder.mkdir(parents=True)
    (folder / "model.json").write_text("{}", encoding="utf-8")
    return SimpleNamespace(components=(), notes=())


def _train(models: Path, **options: Any) -> Path:
    wishes = Wishes(force=True)
    return train(Project.load(PROJECT), models, train_nlu=_learns, wishes=wishes, **options).package.folder


@pytest.fixture
def half(tmp_path: Path) -> Any:
    """Start a training in another process and wait until it is in the middle."""
    command = [sys.executable, "-c", HALF_A_TRAINING, str(PROJECT), str(tmp_path / "models")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def until_half() -> subprocess.Popen[str]:
        assert process.stdout
        assert process.stdout.readline() == "half\n"
        return process

    yield until_half
    process.kill()
    process.wait()
    if process.stdout:
        process.stdout.close()


def test_a_killed_training_leaves_the_old_model(tmp_path: Path, half: Any) -> None:
    """What a killed process wrote is no model, and the next training clears it away."""
    models = tmp_path / "models"
    other = half()
    (left,) = models.glob(f"{model_package.TRAINING_PREFIX}*")
    os.kill(other.pid, signal.SIGKILL)
    other.wait()
    assert (left / "nlu" / "half.json").exists()
    with pytest.raises(model_package.ModelError):
        model_package.latest(models)
    trained = _train(models)
    assert model_package.latest(models) == trained
    assert not left.exists()
    model_package.open_package(trained)


def test_a_second_training_waits_for_the_first(tmp_path: Path, half: Any) -> None:
    """It touches nothing until the other process is gone, however it went."""
    models = tmp_path / "models"
    other = half()
    told = threading.Event()

    def progress(stage: str, _share: float) -> None:
        if stage == "wait for another training":
            # The other one is still at work, and its files are untouched; now it dies.
            assert [path.name for path in models.glob(f"{model_package.TRAINING_PREFIX}*/nlu/*")] == [
                "half.json"
            ]
            os.kill(other.pid, signal.SIGKILL)
            told.set()

    trained = _train(models, progress=progress)
    assert told.is_set()
    assert model_package.latest(models) == trained


async def test_a_conversation_goes_on_with_the_newest_model(tmp_path: Path) -> None:
    """In the middle of a form a new model takes over, and the form is finished."""
    trainer = Trainer(tmp_path / "models")
    trainer.train()
    served = serve(trainer, InMemoryTrackerStore())
    watch = ModelWatch(trainer.models, served.live, trainer.load)
    (question,) = await served.live.handle(UserMessage("book", "mia"))
    assert not watch.check()
    before = served.live.model_id
    folder = trainer.train()
    assert watch.check()
    assert (served.live.model_id != before, served.live.model_file) == (True, str(folder))
    (answer,) = await served.live.handle(UserMessage("in Lima", "mia"))
    assert (question.text, answer.text) == ("In which city?", "A room in Lima.\n\nAnything else?")
    assert not watch.check()


async def test_a_broken_model_changes_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The running model stays and the log says why; the next good one is taken."""
    trainer = Trainer(tmp_path / "models")
    trainer.train()
    served = serve(trainer, InMemoryTrackerStore())
    watch = ModelWatch(trainer.models, served.live, trainer.load)
    before = served.live.model_id
    (trainer.train() / "domain.json").write_text("{", encoding="utf-8")
    assert not watch.check()
    assert served.live.model_id == before
    assert "cannot be loaded" in caplog.text
    trainer.train()
    assert watch.check()


def test_a_folder_is_followed_while_the_server_runs(tmp_path: Path) -> None:
    """A training in another thread is noticed without anybody asking."""
    trainer = Trainer(tmp_path / "models")
    trainer.train()
    served = serve(trainer, InMemoryTrackerStore())
    swapped = threading.Event()

    def load(folder: Path) -> Any:
        swapped.set()
        return trainer.load(folder)

    end = ModelWatch(trainer.models, served.live, load).start()
    try:
        # The watch of the operating system begins some time after its thread: a training is never early, so
        # another one follows until one was seen.
        for _ in range(20):
            trainer.train()
            if swapped.wait(timeout=1):
                break
    finally:
        end()
    assert swapped.is_set()
    assert served.live.model_file is not None
