"""A backbone becomes an encoder folder that computes the same, once."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from language.backbone import DEFAULT_BACKBONE, content_key, exported, locate
from language.encoder import EncoderError, OnnxEncoder, word_vectors
from language.export import TwoLayers, load_backbone
from tests.language.tiny_backbone import write_tiny_backbone


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a tiny backbone once for this file."""
    return write_tiny_backbone(tmp_path_factory.mktemp("backbone"))


@pytest.fixture(scope="module")
def encoder_folder(backbone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Export the tiny backbone once for this file."""
    return exported(str(backbone), tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def encoder(encoder_folder: Path) -> OnnxEncoder:
    """Load the exported backbone."""
    return OnnxEncoder(encoder_folder)


def test_vectors_equal_those_of_torch(backbone: Path, encoder: OnnxEncoder) -> None:
    """The exported graph gives the last and the middle layer of the backbone, up to INT8."""
    model, tokenizer = load_backbone(backbone)
    inputs = tokenizer("where is my parcel?", return_tensors="pt")
    with torch.no_grad():
        expected = TwoLayers(model)(inputs["input_ids"], inputs["attention_mask"])[0].numpy()
    got = encoder.run(inputs["input_ids"].numpy())
    assert got.shape == expected.shape == (inputs["input_ids"].shape[1], 32)
    cosines = (got * expected).sum(1) / np.linalg.norm(got, axis=1) / np.linalg.norm(expected, axis=1)
    assert cosines.min() > 0.97


def test_second_export_comes_from_the_cache(backbone: Path, encoder_folder: Path) -> None:
    """An unchanged backbone is not exported again."""
    stages: list[float] = []
    again = exported(str(backbone), encoder_folder.parent, progress=stages.append)
    assert again == encoder_folder
    assert stages == []


def test_encoder_folder_holds_no_code(encoder_folder: Path) -> None:
    """A trained encoder is ONNX and JSON, and nothing that could be executed."""
    assert sorted(path.name for path in encoder_folder.iterdir()) == [
        "encoder.json",
        "encoder.onnx",
        "tokenizer.json",
    ]


def test_other_weights_have_another_key(backbone: Path, tmp_path: Path) -> None:
    """The cache is keyed by content, not by name."""
    assert content_key(backbone) != content_key(write_tiny_backbone(tmp_path, seed=1))
    assert content_key(backbone) == content_key(write_tiny_backbone(tmp_path, seed=0))


def test_pieces_carry_their_places(encoder: OnnxEncoder) -> None:
    """Each word piece points to the characters that it came from, special tokens left out."""
    encoded = encoder.encode("ok, 好")
    assert encoded.spans == ((0, 1), (1, 2), (2, 3), (4, 5))
    assert encoded.pieces.shape == (4, 32)
    assert encoded.known == pytest.approx(3 / 4)


def test_word_vector_is_the_mean_of_its_pieces(encoder: OnnxEncoder) -> None:
    """A word takes the mean of the pieces that it overlaps; a word without pieces is zero."""
    encoded = encoder.encode("ok no")
    vectors = word_vectors(encoded, [(0, 2), (2, 3), (3, 5)])
    np.testing.assert_allclose(vectors[0], encoded.pieces[:2].mean(axis=0))
    np.testing.assert_array_equal(vectors[1], np.zeros(32))
    np.testing.assert_allclose(vectors[2], encoded.pieces[2:].mean(axis=0))


@pytest.mark.parametrize(
    "text", ["", " ", "\x00", "😀", "a" * 10_000], ids=["empty", "space", "nul", "emoji", "long"]
)
def test_any_text_has_finite_vectors(encoder: OnnxEncoder, text: str) -> None:
    """Nothing that a customer can type breaks the encoder; long texts are cut at its limit."""
    encoded = encoder.encode(text)
    assert np.isfinite(encoded.pooled).all()
    assert len(encoded.spans) == len(encoded.pieces) <= encoder.facts.max_pieces == 62


def test_many_texts_get_the_vectors_of_single_ones(encoder: OnnxEncoder) -> None:
    """A training sentence has exactly the vector that the same message gets when it is served."""
    texts = ["a", "where is it", "no", "you are late again and again"]
    for text, encoded in zip(texts, encoder.encode_all(texts), strict=True):
        np.testing.assert_array_equal(encoded.pooled, encoder.encode(text).pooled)


def test_default_backbone_is_a_package() -> None:
    """The default backbone needs no network."""
    assert (locate(DEFAULT_BACKBONE) / "config.json").is_file()


def test_incomplete_backbone_is_refused(tmp_path: Path) -> None:
    """A backbone without weights has no key under which it could be exported."""
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(EncoderError, match="no weights in it"):
        content_key(tmp_path)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("encoder.json", None),
        ("encoder.json", b"{"),
        ("encoder.json", b'{"key": "x"}'),
        ("tokenizer.json", None),
        ("tokenizer.json", b'{"version": "1.0"}'),
        ("encoder.onnx", None),
        ("encoder.onnx", b"no graph"),
        ("encoder.onnx", b""),
    ],
    ids=lambda value: "missing" if value is None else str(value)[:24],
)
def test_a_broken_encoder_folder_is_refused(
    encoder_folder: Path, tmp_path: Path, file: str, content: bytes | None
) -> None:
    """Whatever is wrong with a file, loading says that the folder cannot be read."""
    folder = tmp_path / "encoder"
    shutil.copytree(encoder_folder, folder)
    if content is None:
        (folder / file).unlink()
    else:
        (folder / file).write_bytes(content)
    with pytest.raises(EncoderError, match=re.escape(str(folder))):
        OnnxEncoder(folder)


def test_a_graph_of_another_kind_is_refused(encoder_folder: Path, tmp_path: Path) -> None:
    """A graph that runs but is no encoder of the promised width is found when it is loaded."""
    folder = tmp_path / "encoder"
    shutil.copytree(encoder_folder, folder)
    facts = json.loads((folder / "encoder.json").read_text(encoding="utf-8"))
    (folder / "encoder.json").write_text(json.dumps(facts | {"width": 7}), encoding="utf-8")
    with pytest.raises(EncoderError, match="expected one from input_ids, attention_mask to vectors of 7"):
        OnnxEncoder(folder)
