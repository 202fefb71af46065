"""Vectors of texts kept on disk, so that training again encodes only what is new."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from language.encoder import EncodedText, OnnxEncoder

_VALUES_AT_MOST = 64_000_000  # numbers in one file; what older trainings read goes first
_DIGEST_BYTES = 16
_Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class VectorCache:
    """One file of vectors for each encoder in `folder`; a broken or foreign file counts as empty.

    Pieces are kept in half precision, and come so from the first encoding on: a cached text and a new one
    have the same vectors.
    """

    folder: Path

    def encode(
        self, encoder: OnnxEncoder, texts: Sequence[str], *, pieces: bool, progress: _Progress
    ) -> list[EncodedText]:
        """Encode texts, in order; without `pieces` the vectors of single word pieces are left out.

        `progress` gets a fraction in [0, 1].
        """
        path = self.folder / f"vectors-{encoder.facts.key}.safetensors"
        kept = _read(path, encoder.facts.width)
        keys = [_key(text, pieces=pieces) for text in texts]
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in kept}
        made: dict[bytes, EncodedText] = {}
        for key, encoded in zip(missing, encoder.encode_all(list(missing.values())), strict=True):
            made[key] = _as_kept(encoded, pieces=pieces)
            if len(made) % 50 == 0:
                progress(len(made) / len(missing))
        every = {**kept, **made}
        if made:
            used = {key: every[key] for key in keys}
            _write(path, {**used, **every})
        progress(1.0)
        return [every[key] for key in keys]


def _key(text: str, *, pieces: bool) -> bytes:
    prefix = b"pieces " if pieces else b"pooled "
    return hashlib.sha256(prefix + text.encode("utf-8", "surrogatepass")).digest()[:_DIGEST_BYTES]


def _as_kept(encoded: EncodedText, *, pieces: bool) -> EncodedText:
    if not pieces:
        return replace(encoded, pieces=encoded.pieces[:0], spans=())
    return replace(encoded, pieces=encoded.pieces.astype(np.float16).astype(np.float32))


def _read(path: Path, width: int) -> dict[bytes, EncodedText]:
    try:
        tensors = load_file(path)
        return _unpacked(tensors, width)
    except (OSError, SafetensorError, KeyError, ValueError, IndexError):
        return {}


def _unpacked(tensors: Mapping[str, npt.NDArray[Any]], width: int) -> dict[bytes, EncodedText]:
    pooled = tensors["pooled"].astype(np.float32).reshape(-1, width)
    pieces = tensors["pieces"].astype(np.float32).reshape(-1, width)
    spans = [(int(start), int(end)) for start, end in tensors["spans"].tolist()]
    edges = tensors["edges"].tolist()
    digests, known = tensors["digests"], tensors["known"].tolist()
    return {
        digests[row].tobytes(): EncodedText(
            pieces[edges[row] : edges[row + 1]],
            tuple(spans[edges[row] : edges[row + 1]]),
            pooled[row],
            known[row],
        )
        for row in range(len(digests))
    }


def _write(path: Path, every: Mapping[bytes, EncodedText]) -> None:
    chosen: dict[bytes, EncodedText] = {}
    values = 0
    for key, encoded in every.items():
        values += encoded.pieces.size + encoded.pooled.size
        if values > _VALUES_AT_MOST:
            break
        chosen[key] = encoded
    if not chosen:
        return
    rows = list(chosen.values())
    tensors: dict[str, npt.NDArray[Any]] = {
        "digests": np.frombuffer(b"".join(chosen), np.uint8).reshape(-1, _DIGEST_BYTES),
        "pooled": np.stack([row.pooled for row in rows]),
        "known": np.array([row.known for row in rows], np.float64),
        "pieces": np.concatenate([row.pieces.astype(np.float16) for row in rows]),
        "spans": np.array([span for row in rows for span in row.spans], np.int32).reshape(-1, 2),
        "edges": np.cumsum([0, *(len(row.spans) for row in rows)]).astype(np.int64),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, scratch = tempfile.mkstemp(dir=path.parent, suffix=".part")
    os.close(handle)
    try:
        save_file(tensors, scratch)
        Path(scratch).replace(path)
    finally:
        Path(scratch).unlink(missing_ok=True)
