"""Other weights in an exported encoder do what a new export of them does."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from language.backbone import exported
from language.encoder import OnnxEncoder
from language.export import export, load_backbone
from language.reweigh import FloatArray, NotReweighable, reweigh, weights_of
from tests.language.tiny_backbone import write_tiny_backbone

TEXTS = ("where is my parcel?", "no", "12345 äöü 你好")


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a tiny backbone whose weights all differ, as trained ones do."""
    folder = write_tiny_backbone(tmp_path_factory.mktemp("backbone"))
    _shake(load_backbone(folder)[0]).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def source(backbone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Export the tiny backbone once for this file."""
    return exported(str(backbone), tmp_path_factory.mktemp("cache"))


def changed(backbone: Path) -> tuple[dict[str, FloatArray], Any]:
    """Return the weights of a backbone, and it with other weights in its last layer."""
    model, _ = load_backbone(backbone)
    before = weights_of(model)
    _shake(model.encoder.layer[-1])
    return before, model


def _shake(module: Any) -> Any:
    torch.manual_seed(1)
    with torch.no_grad():
        for weight in module.parameters():
            weight += 0.05 * torch.randn_like(weight)
    return module


def test_reweighed_encoder_equals_a_new_export(backbone: Path, source: Path, tmp_path: Path) -> None:
    """Weights, biases and scales all arrive: the vectors are those of the exporter, and not the old ones."""
    before, model = changed(backbone)
    reweigh(source, tmp_path / "reweighed", before, model, key="other")
    model.save_pretrained(tmp_path / "weights")
    for path in backbone.glob("tokenizer*"):
        shutil.copy(path, tmp_path / "weights")
    export(tmp_path / "weights", tmp_path / "anew", key="x", backbone="y", progress=lambda _: None)
    reweighed, anew, old = (OnnxEncoder(path) for path in (tmp_path / "reweighed", tmp_path / "anew", source))
    assert reweighed.facts.key == "other"
    for text in TEXTS:
        np.testing.assert_allclose(reweighed.encode(text).pooled, anew.encode(text).pooled, atol=1e-5)
        assert not np.allclose(reweighed.encode(text).pooled, old.encode(text).pooled, atol=1e-2)


def test_a_graph_without_the_weight_is_refused(backbone: Path, source: Path, tmp_path: Path) -> None:
    """Where the graph comes from other weights than it is said to, nothing is put anywhere."""
    before, model = changed(backbone)
    name = "encoder.layer.1.output.dense.weight"
    with pytest.raises(NotReweighable, match=name):
        reweigh(source, tmp_path / "made", before | {name: before[name] + 1}, model, key="other")
    assert not (tmp_path / "made").exists()


def test_a_weight_that_the_graph_shares_is_refused(tmp_path: Path) -> None:
    """Biases of zero are one tensor of the graph: to change one would change another layer's."""
    backbone = write_tiny_backbone(tmp_path / "backbone")
    before, model = changed(backbone)
    with pytest.raises(NotReweighable):
        reweigh(exported(str(backbone), tmp_path / "cache"), tmp_path / "made", before, model, key="other")
