"""Products by meaning: each wording is encoded once, and without a usable encoder words decide."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from actions import meaning
from actions.meaning import ProductMeanings
from actions.ranking import Candidate
from language.encoder import EncodedText

SHOP = (
    Candidate(1, "lamp", Decimal("39"), ("Lamp",), "a light"),
    Candidate(2, "kettle", Decimal("39"), ("Kettle",), "hot water"),
)
_DIRECTIONS = {"a light": (1.0, 0.0), "hot water": (0.0, 1.0), "too dark": (1.0, 0.0), "既": (1.0, 0.0)}


@dataclass
class FakeEncoder:
    """Knows four texts; the second half of each vector, the middle layer, says the opposite of the first."""

    calls: Counter[str] = field(default_factory=Counter)

    def encode(self, text: str) -> EncodedText:
        """The direction of a text."""
        self.calls[text] += 1
        last = np.array(_DIRECTIONS.get(text, (0.5, 0.5)), np.float32)
        pooled = np.concatenate([last, last[::-1]])
        return EncodedText(pooled[None], ((0, len(text)),), pooled, known=float(text.isascii()))


def test_the_nearest_product_is_the_one_that_means_the_same() -> None:
    """Cosines of the last layer become fits from 0 to 1."""
    fits = ProductMeanings(FakeEncoder()).similarity("too dark", SHOP)
    assert fits is not None
    assert fits.tolist() == [1.0, 0.0]


def test_a_product_is_encoded_once_and_again_when_its_text_changes() -> None:
    """The catalogue costs its time once in a process."""
    encoder = FakeEncoder()
    known = ProductMeanings(encoder)
    for _ in range(3):
        known.similarity("too dark", SHOP)
    assert (encoder.calls["a light"], encoder.calls["too dark"]) == (1, 3)
    changed = Candidate(1, "lamp", Decimal("39"), ("Lamp",), "a brighter light")
    known.similarity("too dark", (changed,))
    assert encoder.calls["a brighter light"] == 1


def test_a_language_the_backbone_does_not_know_is_left_to_words() -> None:
    """A vector of unknown pieces says nothing."""
    assert ProductMeanings(FakeEncoder()).similarity("既", SHOP) is None


@pytest.mark.parametrize(
    "content", [None, "{", "[]", '{"backbone": "another"}', '{"backbone": "all-MiniLM-L6-v2"}']
)
def test_a_missing_or_broken_cache_leaves_words_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    """No encoder, another one, and half of one are all the same to the customer."""
    monkeypatch.setenv(meaning.CACHE_VARIABLE, str(tmp_path))
    if content is not None:
        (tmp_path / "encoder-1").mkdir()
        (tmp_path / "encoder-1" / "encoder.json").write_text(content, encoding="utf-8")
    assert meaning.meanings() is None


def test_the_cache_is_that_of_the_language_room() -> None:
    """What is repeated here, to spare the serving process an import, stays the same."""
    from language import backbone  # noqa: PLC0415 - the import that the module spares

    assert meaning.CACHE_VARIABLE == backbone.CACHE_VARIABLE
