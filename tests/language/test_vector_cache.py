"""Vectors of texts are kept, and come back as they were."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from language.backbone import exported
from language.encoder import EncodedText, OnnxEncoder
from language.vector_cache import VectorCache
from tests.language.tiny_backbone import write_tiny_backbone


class CountingEncoder(OnnxEncoder):
    """An encoder that remembers what it was asked."""

    def encode_all(self, texts: Sequence[str]) -> Iterator[EncodedText]:
        """Note the texts and encode them."""
        self.asked = list(texts)
        return super().encode_all(texts)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> CountingEncoder:
    """Load a tiny encoder."""
    backbone = write_tiny_backbone(tmp_path_factory.mktemp("backbone"))
    return CountingEncoder(exported(str(backbone), tmp_path_factory.mktemp("cache")))


def encode(
    cache: VectorCache, encoder: OnnxEncoder, texts: list[str], *, pieces: bool = True
) -> list[object]:
    """Encode without progress, as plain lists."""
    found = cache.encode(encoder, texts, pieces=pieces, progress=lambda _: None)
    return [(row.pieces.tolist(), row.spans, row.pooled.tolist(), row.known) for row in found]


def test_cached_vectors_equal_new_ones(encoder: CountingEncoder, tmp_path: Path) -> None:
    """What comes from the file is what was encoded, and only new texts are encoded."""
    cache = VectorCache(tmp_path)
    texts = ["hello", "where is my parcel", "", "hello"]
    first = encode(cache, encoder, texts)
    assert encode(VectorCache(tmp_path), encoder, [*texts, "thanks"])[:4] == first
    assert encoder.asked == ["thanks"]
    assert encode(cache, encoder, texts) == first
    assert encoder.asked == []


def test_pieces_are_left_out_unless_asked_for(encoder: CountingEncoder, tmp_path: Path) -> None:
    """A text kept without its pieces is encoded again when they are needed."""
    cache = VectorCache(tmp_path)
    plain = cache.encode(encoder, ["hello"], pieces=False, progress=lambda _: None)[0]
    full = cache.encode(encoder, ["hello"], pieces=True, progress=lambda _: None)[0]
    assert (len(plain.pieces), len(plain.spans)) == (0, 0)
    assert len(full.pieces) == len(full.spans) > 0
    np.testing.assert_array_equal(plain.pooled, full.pooled)


@pytest.mark.parametrize("damage", [b"", b"x" * 50], ids=["empty", "noise"])
def test_broken_file_is_written_anew(encoder: CountingEncoder, tmp_path: Path, damage: bytes) -> None:
    """A file that cannot be read costs the time of encoding, nothing else."""
    cache = VectorCache(tmp_path)
    first = encode(cache, encoder, ["hello"])
    path = next(tmp_path.iterdir())
    path.write_bytes(damage)
    assert encode(cache, encoder, ["hello"]) == first
    assert encoder.asked == ["hello"]
    assert encode(cache, encoder, ["hello"]) == first
    assert encoder.asked == []
