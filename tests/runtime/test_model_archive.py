"""An archive comes from elsewhere: what is not exactly a model leaves nothing behind."""

from __future__ import annotations

import gzip
import io
import json
import lzma
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from bot.errors import ModelError
from bot.runtime import model_archive, model_package
from bot.runtime.model_archive import unpack
from bot.runtime.model_package import METADATA, open_package
from tests.server.contract_bot import Trainer

Build = Callable[[tarfile.TarFile, Path], object]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train the policies of a small project once: the model's folder."""
    trainer = Trainer(tmp_path_factory.mktemp("models"))
    return trainer.train()


def _file(name: str, content: bytes = b"", **marks: object) -> tuple[tarfile.TarInfo, io.BytesIO]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for mark, value in marks.items():
        setattr(info, mark, value)
    return info, io.BytesIO(content)


def _with(*members: tuple[tarfile.TarInfo, io.BytesIO]) -> Build:
    """Put members behind a whole model."""

    def build(archive: tarfile.TarFile, model: Path) -> None:
        archive.add(model, arcname="m")
        for info, content in members:
            archive.addfile(info, content)

    return build


def _links(kind: bytes, target: str) -> Build:
    return _with(_file("m/more", type=kind, linkname=target))


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (_links(tarfile.SYMTYPE, "metadata.json"), "neither a file nor a folder"),
        (_links(tarfile.LNKTYPE, "m/metadata.json"), "neither a file nor a folder"),
        (_links(tarfile.CHRTYPE, ""), "neither a file nor a folder"),
        (_links(tarfile.FIFOTYPE, ""), "neither a file nor a folder"),
        (_with(_file("m/domain.json", b"{}")), "not the one that was trained"),
        (_with(_file("other/x", b"{}")), "more than one model's folder"),
        (_with(_file("/etc/frontdesk", b"")), "not part of the model|more than one"),
        (_with(_file("m/../../escaped", b"")), "not a readable model archive"),
    ],
    ids=[
        "symbolic link", "hard link", "device", "pipe", "a file twice",
        "another folder", "an absolute path", "a path that leads out",
    ],
)  # fmt: skip
def test_what_no_model_holds_is_refused(model: Path, tmp_path: Path, build: Build, words: str) -> None:
    """Nothing is written beside the models, and nothing stays among them."""
    file, models = tmp_path / "m.tar.gz", tmp_path / "models"
    with tarfile.open(file, "w:gz") as archive:
        build(archive, model)
    with pytest.raises(ModelError, match=words):
        unpack(file, models)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.tar.gz", "models"]
    assert list(models.iterdir()) == []


def _packed(model: Path) -> bytes:
    """Return a model as the bytes of a tar file that is not compressed."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        archive.add(model, arcname="m")
    return stream.getvalue()


def _lying_header(size: int) -> bytes:
    """Return a header for extended attributes that are said to be as long as a model."""
    info = tarfile.TarInfo("headers")
    info.type, info.size = tarfile.XHDTYPE, size
    return info.tobuf(tarfile.USTAR_FORMAT)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (lambda model: lzma.compress(_packed(model)), "not a readable model archive"),
        (_packed, "not a readable model archive"),
        (lambda model: gzip.compress(_packed(model))[:-400], "not a readable model archive"),
        (lambda model: _bent(gzip.compress(_packed(model))), r"m\.tar\.gz: "),
        (lambda _: gzip.compress(_lying_header(3 << 30) + bytes(2 << 20)), "asks for .* bytes at once"),
        (lambda _: gzip.compress(bytes(100_000)), "no metadata.json in it"),
        (lambda _: b"", "not a readable model archive|no metadata.json"),
    ],
    ids=["xz", "not compressed", "cut off", "bent", "a header of gigabytes", "zeros", "empty"],
)
def test_what_cannot_be_read_is_refused(
    model: Path, tmp_path: Path, content: Callable[[Path], bytes], words: str
) -> None:
    """Broken files, and headers that ask for all memory, are errors that name the file."""
    file = tmp_path / "m.tar.gz"
    file.write_bytes(content(model))
    with pytest.raises(ModelError, match=words) as refused:
        unpack(file, tmp_path / "models")
    assert "m.tar.gz" in str(refused.value)


def _bent(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes(64) + content[middle + 64 :]


def test_a_bomb_is_stopped_while_it_unpacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few kilobytes that would become a gigabyte are given up before a model's size is reached."""
    monkeypatch.setattr(model_archive, "MAX_BYTES", 1 << 20)
    file = tmp_path / "bomb.tar.gz"
    with tarfile.open(file, "w:gz") as archive:
        for number in range(4):
            archive.addfile(*_file(f"m/{number}", bytes(400_000)))
    assert file.stat().st_size < 10_000
    with pytest.raises(ModelError, match="too large for a model"):
        unpack(file, tmp_path / "models")
    assert list((tmp_path / "models").iterdir()) == []


@pytest.mark.parametrize("name", [".hidden", "a b", "x" * 101, "-rf"])
def test_a_strange_name_is_refused(model: Path, tmp_path: Path, name: str) -> None:
    """A folder among the models has a name that every command can be given."""
    file = tmp_path / "m.tar.gz"
    with tarfile.open(file, "w:gz") as archive:
        archive.add(model, arcname=name)
    with pytest.raises(ModelError, match="no name for a model's folder"):
        unpack(file, tmp_path / "models")


@pytest.mark.parametrize("name", ["/proc/self/mem", "../domain.json", "nlu/../../x"])
def test_metadata_cannot_have_other_files_opened(model: Path, tmp_path: Path, name: str) -> None:
    """A path in `files` that leads out of the model is refused, not read."""
    folder = tmp_path / "m"
    folder.mkdir()
    metadata: Mapping[str, object] = json.loads((model / METADATA).read_text("utf-8"))
    (folder / METADATA).write_text(json.dumps({**metadata, "files": {name: "0" * 64}}), "utf-8")
    with pytest.raises(ModelError, match="is no path inside a model"):
        open_package(folder)


def test_a_model_that_cannot_be_loaded_gets_no_place(model: Path, tmp_path: Path) -> None:
    """It would be the newest one at the next start; so it is tried before it is let in."""
    file = model_archive.pack(open_package(model), tmp_path)
    tried: list[Path] = []

    def refuse(folder: Path) -> None:
        tried.append(folder)
        raise ModelError("its parts do not fit together")

    with pytest.raises(ModelError, match="do not fit"):
        unpack(file, tmp_path / "models", refuse)
    assert list((tmp_path / "models").iterdir()) == []
    assert tried[0].name == model.name


def test_a_whole_model_comes_out_as_it_went_in(model: Path, tmp_path: Path) -> None:
    """Every file is there under the same name, and the model that was loaded first is left alone."""
    file = model_archive.pack(open_package(model), tmp_path)
    folder = unpack(file, tmp_path / "models")
    assert folder.name == model.name
    assert {path.relative_to(folder) for path in folder.rglob("*")} == {
        path.relative_to(model) for path in model.rglob("*")
    }
    before = (folder / METADATA).stat().st_mtime_ns
    assert unpack(file, tmp_path / "models") == folder
    assert (folder / METADATA).stat().st_mtime_ns == before
    assert model_package.latest(tmp_path / "models") == folder
