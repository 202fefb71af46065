"""How near products are to what a customer means: sentence vectors of the exported default backbone.

The encoder of `language` serves them with ONNX Runtime. It is read once in a process, and only where training
has left it in the cache; without it, and for texts it does not know (Chinese), words alone decide.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from actions.ranking import Candidate, Vector
from language.encoder import ABOUT_FILE, EncodedText, EncoderError, OnnxEncoder
from language.names import DEFAULT_BACKBONE

logger = logging.getLogger(__name__)

# As in `language.backbone`, which would bring the client of Hugging Face into the serving process.
CACHE_VARIABLE = "FRONTDESK_CACHE"
_DEFAULT_CACHE = ".frontdesk/cache"

_MIN_KNOWN = 0.7  # share of word pieces that the backbone must know for its vector to mean something
_CHANCE, _FULL = 0.1, 0.45  # cosines between a wish and a product: unrelated, and as near as they come
_MAX_PRODUCTS = 5_000  # vectors kept; beyond it the catalogue has changed so often that old ones go


class Encoder(Protocol):
    """Turns a text into vectors."""

    def encode(self, text: str) -> EncodedText:
        """One text."""


class ProductMeanings:
    """Compares wishes with products; a product's vector is computed once for each wording."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._vectors: dict[str, npt.NDArray[np.float32]] = {}

    def learn(self, candidates: Sequence[Candidate]) -> None:
        """Compute the vectors that are missing: about 7 ms a product, so not while the store waits."""
        if len(self._vectors) + len(candidates) > _MAX_PRODUCTS:
            self._vectors = {}
        for candidate in candidates:
            if candidate.meaning not in self._vectors:
                self._vectors[candidate.meaning] = _direction(self._encoder.encode(candidate.meaning))

    def similarity(self, text: str, candidates: Sequence[Candidate]) -> Vector | None:
        """How near each product is, in [0, 1]; None where the backbone does not know the language."""
        encoded = self._encoder.encode(text)
        if encoded.known < _MIN_KNOWN:
            return None
        self.learn(candidates)
        vectors = np.stack([self._vectors[candidate.meaning] for candidate in candidates])
        cosines: Vector = (vectors @ _direction(encoded)).astype(np.float64)  # (products,)
        return np.clip((cosines - _CHANCE) / (_FULL - _CHANCE), 0.0, 1.0)


def _direction(encoded: EncodedText) -> npt.NDArray[np.float32]:
    """The unit vector of the last layer, which the backbone was trained to compare; the middle one is not."""
    last = encoded.pooled[: len(encoded.pooled) // 2]
    return last / max(float(np.linalg.norm(last)), 1e-9)


_loading = threading.Lock()
_loaded: dict[Path, ProductMeanings | None] = {}


def meanings() -> ProductMeanings | None:
    """What the cached encoder knows of the products, loaded at the first call; None without one."""
    cache = Path(os.environ.get(CACHE_VARIABLE) or _DEFAULT_CACHE).resolve()
    with _loading:
        if cache not in _loaded:
            _loaded[cache] = _load(cache)
        return _loaded[cache]


def _load(cache: Path) -> ProductMeanings | None:
    for about in sorted(cache.glob(f"encoder-*/{ABOUT_FILE}"), key=lambda path: -path.stat().st_mtime):
        try:
            if json.loads(about.read_text(encoding="utf-8")).get("backbone") == DEFAULT_BACKBONE:
                return ProductMeanings(OnnxEncoder(about.parent))
        except (OSError, ValueError, AttributeError, EncoderError) as error:
            logger.warning(
                "the encoder in %s cannot be read, products are matched by words: %s", cache, error
            )
    return None
