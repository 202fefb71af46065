"""Text to vectors with ONNX Runtime: the encoder as it serves, without torch.

An encoder folder holds `encoder.onnx`, `tokenizer.json` and `encoder.json`; `language.export` writes it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from language.sessions import open_session
from language.tokens import Span

FloatArray = npt.NDArray[np.float32]
GRAPH_FILE, TOKENIZER_FILE, ABOUT_FILE = "encoder.onnx", "tokenizer.json", "encoder.json"
_INPUTS = ("input_ids", "attention_mask")


class EncoderError(Exception):
    """A backbone or an encoder folder is missing, broken, or not what it says it is."""


@dataclass(frozen=True, slots=True)
class EncoderFacts:
    """What `encoder.json` says: `key` is the hash of the weights and of how they were exported.

    `width` is the length of a vector: the last layer and a middle one, side by side. `unknown_piece` is -1
    without one. Pieces from `first_new_piece` on were added for characters that pretraining never saw.
    """

    key: str
    backbone: str
    width: int
    max_pieces: int
    unknown_piece: int
    first_new_piece: int | None = None


@dataclass(frozen=True, slots=True)
class EncodedText:
    """A text as vectors.

    `pieces` (T, width) are the word pieces without special tokens, `spans` their character offsets.
    `pooled` (width,) is the mean over all pieces, special tokens included. `known` in [0, 1] is the share of
    pieces that the backbone was pretrained with: 0.0 for a text without pieces.
    """

    pieces: FloatArray
    spans: tuple[Span, ...]
    pooled: FloatArray
    known: float


@dataclass(frozen=True, slots=True)
class Pieces:
    """The word pieces of a text, to be encoded.

    `ids` (1, T) are those of all pieces; `inner` says where those stand that are no special tokens, `spans`
    are the character offsets of these. `known` is as in `EncodedText`.
    """

    ids: npt.NDArray[np.int64]
    inner: slice | list[int]
    spans: tuple[Span, ...]
    known: float

    def encoded(self, vectors: FloatArray) -> EncodedText:
        """Join them with their vectors (T, width)."""
        pooled = np.add.reduce(vectors, axis=0) / np.float32(len(vectors))
        return EncodedText(vectors[self.inner], self.spans, pooled, self.known)


class OnnxEncoder:
    """An encoder folder, loaded; `encode` may be called from several threads at once."""

    def __init__(self, folder: Path, *, threads: int = 1) -> None:
        try:
            facts = json.loads((folder / ABOUT_FILE).read_text(encoding="utf-8"))
            self.facts = EncoderFacts(**facts)
            self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
            self._session = open_session(str(folder / GRAPH_FILE), threads=threads)
        # Both libraries raise plain exceptions for files that are not theirs, of whatever kind.
        except Exception as error:
            raise EncoderError(f"{folder}: not a readable encoder folder ({error})") from error
        self._check_graph(folder)
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(self.facts.max_pieces)

    def _check_graph(self, folder: Path) -> None:
        """See that the graph is an encoder of this width, before a message finds out that it is not."""
        inputs = {row.name for row in self._session.get_inputs()}
        outputs = [row.shape for row in self._session.get_outputs()]
        if inputs != set(_INPUTS) or len(outputs) != 1 or outputs[0][2:] != [self.facts.width]:
            raise EncoderError(
                f"{folder / GRAPH_FILE}: found a graph from {', '.join(sorted(inputs))} to {outputs}, "
                f"expected one from {', '.join(_INPUTS)} to vectors of {self.facts.width} numbers"
            )

    def encode(self, text: str) -> EncodedText:
        """Turn one text into vectors; what lies beyond `max_pieces` word pieces is not looked at."""
        pieces = self.pieces(text)
        return pieces.encoded(self.run(pieces.ids))

    def pieces(self, text: str) -> Pieces:
        """Cut one text into its first `max_pieces` word pieces."""
        encoding = self._tokenizer.encode(text)
        ids, offsets = encoding.ids, encoding.offsets
        inner = [row for row, special in enumerate(encoding.special_tokens_mask) if not special]
        known = self._known([ids[row] for row in inner])
        return Pieces(
            ids=np.array([ids], np.int64),
            inner=_as_slice(inner),
            spans=tuple([offsets[row] for row in inner]),
            known=known / len(inner) if inner else 0.0,
        )

    def _known(self, ids: list[int]) -> int:
        """Count the pieces that the backbone was pretrained with.

        What a few hundred messages teach an embedding is little. With new characters counted as known, the
        Chinese half of the demo's intents lost 4.5 points of held-out accuracy to `frontdesk pretrain` on
        600 messages; counted like this it won 0.6.
        """
        first_new = self.facts.first_new_piece
        added = 0 if first_new is None else sum(piece >= first_new for piece in ids)
        return len(ids) - ids.count(self.facts.unknown_piece) - added

    def piece_ids(self, text: str) -> list[int]:
        """Return the ids of the word pieces, special tokens included."""
        return list(self._tokenizer.encode(text).ids)

    def run(self, ids: npt.NDArray[np.int64]) -> FloatArray:
        """Return the vectors (T, width) of one text's piece ids (1, T); other threads go on meanwhile."""
        feed = dict(zip(_INPUTS, (ids, np.ones_like(ids)), strict=True))
        vectors: FloatArray = self._session.run(None, feed)[0][0]  # (T, width)
        return vectors

    def encode_all(self, texts: Sequence[str]) -> Iterator[EncodedText]:
        """Encode many texts, in order, on all cores.

        One text a run: dynamic INT8 scales each run by its own content, so a batch would give a training
        sentence other vectors than the same sentence gets when a customer writes it. On two cores this is as
        fast as batches of 32.
        """
        workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        with ThreadPoolExecutor(workers) as pool:
            yield from pool.map(self.encode, texts)


def _as_slice(rows: list[int]) -> slice | list[int]:
    """Return rows that stand side by side as a slice, which copies nothing."""
    whole = bool(rows) and rows[-1] - rows[0] == len(rows) - 1
    return slice(rows[0], rows[-1] + 1) if whole else rows


def word_vectors(encoded: EncodedText, words: Sequence[Span]) -> FloatArray:
    """Average the pieces that overlap each word: (words, width); zeros where none does.

    Both `words` and the pieces stand in text order and do not overlap among themselves.
    """
    vectors = np.zeros((len(words), encoded.pieces.shape[1]), np.float32)
    first = 0
    for row, (start, end) in enumerate(words):
        while first < len(encoded.spans) and encoded.spans[first][1] <= start:
            first += 1
        last = first
        while last < len(encoded.spans) and encoded.spans[last][0] < end:
            last += 1
        if last > first:
            vectors[row] = encoded.pieces[first:last].mean(axis=0)
    return vectors


def write_facts(folder: Path, facts: EncoderFacts) -> None:
    """Write `encoder.json`."""
    (folder / ABOUT_FILE).write_text(json.dumps(asdict(facts), indent=1) + "\n", encoding="utf-8")
