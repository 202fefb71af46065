"""A model server is asked as Rasa asks it, and nothing that it gives is trusted unseen."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from bot.dialogue.messages import UserMessage
from bot.errors import ModelError
from bot.runtime import model_archive, model_package
from bot.runtime.http_endpoint import HttpEndpoint
from bot.runtime.live import TrainedModel
from bot.runtime.model_server import ModelServer, ModelServerOptions
from bot.runtime.tracker_store import InMemoryTrackerStore
from tests.server.contract_bot import Trainer, serve

URL = "http://models.example/shop"


@dataclass
class Server:
    """Gives an archive with its mark; asked with the mark, it says that nothing is new."""

    content: bytes = b""
    etag: str = '"1"'
    unchanged: int = 304
    asked: list[httpx.Request] = field(default_factory=list)
    error: Exception | None = None
    status: int = 200

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer."""
        self.asked.append(request)
        if self.error:
            raise self.error
        if self.etag and request.headers.get("If-None-Match") == self.etag:
            return httpx.Response(self.unchanged)
        return httpx.Response(self.status, content=self.content, headers={"ETag": self.etag})


@pytest.fixture(scope="module")
def trainer(tmp_path_factory: pytest.TempPathFactory) -> Trainer:
    """Who trained the models that servers have."""
    return Trainer(tmp_path_factory.mktemp("elsewhere"))


@pytest.fixture(scope="module")
def archives(trainer: Trainer) -> list[bytes]:
    """Two packed models."""
    packages = [model_package.open_package(trainer.train()) for _ in range(2)]
    return [model_archive.pack(package, trainer.models).read_bytes() for package in packages]


def asking(server: Server, models: Path, **endpoint: str) -> ModelServer:
    """Ask that server for models."""
    options = ModelServerOptions(HttpEndpoint(URL, **endpoint))
    return ModelServer(options, models, transport=httpx.MockTransport(server))


@pytest.mark.parametrize("unchanged", [304, 204])
def test_a_model_is_pulled_once(tmp_path: Path, archives: list[bytes], unchanged: int) -> None:
    """Asked again with its mark, the server says that nothing is new; also after this process has ended."""
    server = Server(archives[0], unchanged=unchanged)
    asked = asking(server, tmp_path, token="t")
    folder = asked.pull()
    assert folder is not None
    assert model_package.latest(tmp_path) == folder
    assert asked.pull() is None
    assert asking(server, tmp_path).pull() is None
    assert [request.headers.get("If-None-Match") for request in server.asked] == [None, '"1"', '"1"']
    assert server.asked[0].url.params["token"] == "t"


def test_a_model_that_was_deleted_is_asked_for_again(tmp_path: Path, archives: list[bytes]) -> None:
    """A mark without its model says nothing."""
    server = Server(archives[0])
    folder = asking(server, tmp_path).pull()
    assert folder
    shutil.rmtree(folder)
    assert asking(server, tmp_path).pull() == folder
    assert server.asked[-1].headers.get("If-None-Match") is None


def test_a_server_without_marks_is_believed_by_the_model_itself(
    tmp_path: Path, archives: list[bytes]
) -> None:
    """The same model again is not new."""
    server = Server(archives[0], etag="")
    asked = asking(server, tmp_path)
    assert asked.pull() is not None
    first = sorted(tmp_path.iterdir())
    asked.pull()
    assert sorted(tmp_path.iterdir()) == first


async def test_a_new_model_answers_without_losing_a_conversation(
    tmp_path: Path, archives: list[bytes], trainer: Trainer
) -> None:
    """It is swapped in; a conversation goes on, and its next event names the new model."""
    asked = asking(Server(archives[0]), tmp_path)
    store = InMemoryTrackerStore()
    live = serve(trainer, store).live
    await live.handle(UserMessage("hello", "anna"))
    assert asked.check(live, trainer.load)
    await live.handle(UserMessage("hello", "anna"))
    ids = list(dict.fromkeys(event.metadata["model_id"] for event in store.events_of("anna")))
    assert len(ids) == 2
    assert live.model_id == ids[1]
    assert not asked.check(live, trainer.load)


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(Server(error=httpx.ConnectError("refused")), id="away"),
        pytest.param(Server(b"no model", etag='"9"', status=404), id="has none"),
        pytest.param(Server(b"no archive", etag='"9"'), id="no archive"),
    ],
)
def test_whatever_is_wrong_the_running_model_stays(
    tmp_path: Path, archives: list[bytes], trainer: Trainer, broken: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says what it was."""
    asking(Server(archives[0]), tmp_path).pull()
    live = serve(trainer, InMemoryTrackerStore()).live
    before = live.model_id
    assert not asking(broken, tmp_path).check(live, trainer.load)
    assert live.model_id == before
    assert "the running one stays" in caplog.text
    with pytest.raises(ModelError):
        asking(broken, tmp_path).pull()


def test_the_thread_asks_until_it_is_ended(tmp_path: Path, archives: list[bytes], trainer: Trainer) -> None:
    """And never where it is to be asked once."""
    server = Server(archives[0])
    transport = httpx.MockTransport(server)
    live = serve(trainer, InMemoryTrackerStore()).live
    asked = ModelServer(ModelServerOptions(HttpEndpoint(URL), 0.001), tmp_path, transport=transport)
    swapped = threading.Event()

    def load(folder: Path) -> TrainedModel:
        swapped.set()
        return trainer.load(folder)

    end = asked.follow(live, load)
    assert swapped.wait(20)
    end()
    once = ModelServer(ModelServerOptions(HttpEndpoint(URL), None), tmp_path, transport=transport)
    count = len(server.asked)
    once.follow(live, trainer.load)()
    assert len(server.asked) == count


Change = Callable[[Path, tarfile.TarFile], None]


def _stranger(folder: Path, archive: tarfile.TarFile) -> None:
    info = tarfile.TarInfo(f"{folder.name}/nlu/extra.pkl")
    info.size = 3
    archive.addfile(info, io.BytesIO(b"abc"))


def _rasas(folder: Path, archive: tarfile.TarFile) -> None:
    text = json.dumps({"rasa_open_source_version": "3.6.21", "model_id": "x"}).encode()
    info = tarfile.TarInfo(f"{folder.name}/metadata.json")
    info.size = len(text)
    archive.addfile(info, io.BytesIO(text))


def _outside(_folder: Path, archive: tarfile.TarFile) -> None:
    info = tarfile.TarInfo("../../evil.txt")
    info.size = 3
    archive.addfile(info, io.BytesIO(b"abc"))


def _other_bytes(folder: Path, archive: tarfile.TarFile) -> None:
    info = tarfile.TarInfo(f"{folder.name}/domain.json")
    info.size = 2
    archive.addfile(info, io.BytesIO(b"{}"))


def _link(folder: Path, archive: tarfile.TarFile) -> None:
    info = tarfile.TarInfo(f"{folder.name}/link")
    info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
    archive.addfile(info)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(
            _stranger, "'nlu/extra.pkl' is in the archive and not part of the model", id="a file more"
        ),
        pytest.param(_rasas, "trained by Rasa 3.6.21, whose models cannot be read", id="of Rasa"),
        pytest.param(_outside, "not a readable model archive", id="a path that leads out"),
        pytest.param(_other_bytes, "the file is not the one that was trained", id="other bytes"),
        pytest.param(_link, "not a readable model archive", id="a link"),
    ],
)
def test_an_archive_that_is_not_what_it_says_is_refused(
    tmp_path: Path, trainer: Trainer, change: Change, words: str
) -> None:
    """Nothing of it stays behind, and nothing is written elsewhere."""
    folder = trainer.train()
    file, models = tmp_path / "m.tar.gz", tmp_path / "models"
    with tarfile.open(file, "w:gz") as archive:
        archive.add(folder, arcname=folder.name)
        change(folder, archive)
    with pytest.raises(ModelError, match=r"m\.tar\.gz|domain\.json") as refused:
        model_archive.unpack(file, models)
    assert words in str(refused.value)
    assert not list(models.iterdir())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.tar.gz", "models"]


@pytest.mark.parametrize(("name", "limit"), [("MAX_BYTES", 1000), ("_MAX_FILES", 2)])
def test_an_archive_that_would_become_too_large_is_refused(
    tmp_path: Path, trainer: Trainer, monkeypatch: pytest.MonkeyPatch, name: str, limit: int
) -> None:
    """By its headers, before a file of it is written."""
    file = model_archive.pack(model_package.open_package(trainer.train()), tmp_path)
    monkeypatch.setattr(model_archive, name, limit)
    with pytest.raises(ModelError, match="too large for a model"):
        model_archive.unpack(file, tmp_path / "models")


def test_a_download_without_end_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no model."""
    monkeypatch.setattr(model_archive, "MAX_BYTES", 10)
    with pytest.raises(ModelError, match="more than 10 bytes"):
        asking(Server(b"x" * 100), tmp_path).pull()


def test_two_processes_may_unpack_the_same_model(
    tmp_path: Path, trainer: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever comes second finds it there."""
    file = model_archive.pack(model_package.open_package(trainer.train()), tmp_path)
    models = tmp_path / "models"
    there = Path.exists
    first = model_archive.unpack(file, models)
    monkeypatch.setattr(Path, "exists", lambda path: path != first and there(path))
    assert model_archive.unpack(file, models) == first
