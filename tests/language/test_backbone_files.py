"""A backbone's folder is looked over before anything is made of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from language.backbone_files import what_is_wrong
from tests.language.tiny_backbone import write_tiny_backbone

WEIGHTS = "model.safetensors"
_OTHER = b"\x02" + bytes(7) + b"[]" + bytes(9)
_POINTER = b"version https://git-lfs.github.com/spec/v1\nsize 9\n"


def _cut_off(folder: Path) -> None:
    content = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(content[: len(content) // 2])


def _only_pickled(folder: Path) -> None:
    (folder / WEIGHTS).rename(folder / "pytorch_model.bin")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write a tiny backbone."""
    return write_tiny_backbone(tmp_path / "backbone")


def test_a_whole_backbone_is_fine(folder: Path) -> None:
    """What transformers wrote is complained about by nobody."""
    assert what_is_wrong(folder) is None


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "config.json").unlink(), "no config.json in it"),
        (lambda folder: (folder / "config.json").write_text("{"), "config.json: no readable JSON"),
        (lambda folder: (folder / WEIGHTS).unlink(), "no weights in it, expected *.safetensors"),
        (_only_pickled, "pytorch_model.bin is not read"),
        (lambda folder: (folder / WEIGHTS).write_bytes(b""), "broken or cut off, it has only 0 bytes"),
        (_cut_off, "and its header promises"),
        (lambda folder: (folder / WEIGHTS).write_bytes(_OTHER), "no file of safetensors"),
        (lambda folder: (folder / WEIGHTS).write_bytes(_POINTER), "run `git lfs pull`"),
        (lambda folder: (folder / "tokenizer.json").unlink(), "no tokenizer in it"),
    ],
    ids=[
        "no-config", "broken-config", "no-weights", "pickled-weights", "empty-weights", "cut-off",
        "other-weights", "git-lfs-pointer", "no-tokenizer",
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(folder: Path, damage: Callable[[Path], object], message: str) -> None:
    """The message names the folder or the file, and what was expected there."""
    damage(folder)
    wrong = what_is_wrong(folder)
    assert wrong is not None
    assert wrong.startswith(str(folder))
    assert message in wrong
