"""A backbone is adapted to texts, and to characters it did not know, on a tiny backbone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoTokenizer

from language.backbone import exported
from language.encoder import EncoderError, OnnxEncoder
from language.export import load_backbone
from language.masked_language_model import Adaptation, AdaptationOptions, adapt
from language.new_characters import add_characters, unknown_characters
from tests.language.tiny_backbone import write_tiny_backbone

_THINGS = ("lamp", "box", "cable", "speaker", "clock", "fan", "desk", "mouse")
TEXTS = (
    *(f"the {thing} is {state}" for thing in _THINGS for state in ("new", "old", "here", "lost")),
    *("我要退货", "退货可以吗", "货在哪里", "我的货呢", "要退这个灯", "灯坏了要退"),
)


def _nothing(_part: float, _loss: float) -> None:
    """Tell nobody."""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a tiny backbone."""
    return write_tiny_backbone(tmp_path_factory.mktemp("mlm") / "source")


@pytest.fixture(scope="module")
def adapted(source: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Adaptation, list[float]]:
    """Adapt it: the folder, what was learnt, and the fractions that were told."""
    target, told = tmp_path_factory.mktemp("mlm") / "adapted", []
    options = AdaptationOptions(epochs=30, head_epochs=5, batch_size=8, learning_rate=3e-3)
    learnt = adapt(source, target, TEXTS, options, lambda part, _loss: told.append(part))
    return target, learnt, told


def test_held_out_texts_surprise_it_less(adapted: tuple[Path, Adaptation, list[float]]) -> None:
    """The loss on texts that taught nothing falls, and the curve tells every stage up to the end."""
    _, learnt, told = adapted
    assert learnt.loss_after < learnt.loss_before
    assert (learnt.texts, learnt.held_out) == (len(TEXTS), 4)
    assert told[-1] == 1.0
    assert told == sorted(told)
    assert len(learnt.curve) == len(told)


def test_new_characters_have_vectors_of_their_own(
    adapted: tuple[Path, Adaptation, list[float]], tmp_path: Path
) -> None:
    """Exported, the folder encodes characters at their exact places that were unknown before."""
    target, learnt, _ = adapted
    assert set(learnt.new_characters) == set("我要退货灯")
    after = OnnxEncoder(exported(str(target), tmp_path)).encode("退货")
    assert after.spans == ((0, 1), (1, 2))
    assert not np.allclose(after.pieces[0], after.pieces[1])


def test_new_characters_are_not_trusted_like_pretrained_pieces(
    adapted: tuple[Path, Adaptation, list[float]], tmp_path: Path
) -> None:
    """They count as unknown where n-grams and vectors are weighed, also after a second adaptation."""
    encoder = OnnxEncoder(exported(str(adapted[0]), tmp_path))
    assert (encoder.encode("退货").known, encoder.encode("box").known) == (0.0, 1.0)
    assert 0 < encoder.encode("box 退").known < 1
    more = [f"{text} 坏" for text in TEXTS]
    options = AdaptationOptions(epochs=1, learning_rate=0.0)
    adapt(adapted[0], tmp_path / "again", more, options, _nothing)
    again = OnnxEncoder(exported(str(tmp_path / "again"), tmp_path))
    assert again.encode("退坏").known == 0.0
    assert len(again.encode("退坏").spans) == 2


def test_characters_alone_leave_the_layers(source: Path, tmp_path: Path) -> None:
    """With a learning rate of 0 only the embeddings of new characters move."""
    options = AdaptationOptions(epochs=2, batch_size=8, learning_rate=0.0)
    adapt(source, tmp_path / "adapted", TEXTS, options, _nothing)
    before, after = load_backbone(source)[0].state_dict(), load_backbone(tmp_path / "adapted")[0].state_dict()
    embeddings = "embeddings.word_embeddings.weight"
    assert all(torch.equal(before[name], after[name]) for name in before if name != embeddings)
    known = len(before[embeddings])
    assert torch.equal(before[embeddings], after[embeddings][:known])
    assert len(after[embeddings]) == known + 5


def test_only_characters_that_cannot_be_spelled_are_new(source: Path) -> None:
    """Known letters and characters of too few texts are not added, the most frequent unknown come first."""
    tokenizer = AutoTokenizer.from_pretrained(source)
    texts = ["a货", "b货灯", "货灯", "a退"]
    assert unknown_characters(tokenizer, texts, at_least=2, at_most=9) == ["货", "灯"]
    assert unknown_characters(tokenizer, texts, at_least=1, at_most=2) == ["货", "灯"]


def test_a_new_letter_inside_a_word_is_found(source: Path) -> None:
    """Letters of a script that is written in words are cut out of them, offsets exact."""
    backbone, tokenizer = load_backbone(source)
    add_characters(backbone, tokenizer, ["ж", "а"])
    inputs = tokenizer("жажа box", return_offsets_mapping=True, add_special_tokens=False)
    assert inputs["offset_mapping"][:4] == [(0, 1), (1, 2), (2, 3), (3, 4)]
    assert tokenizer.unk_token_id not in inputs["input_ids"]


def test_too_few_texts_are_refused(source: Path, tmp_path: Path) -> None:
    """A corpus that holds next to nothing is refused, and nothing is written."""
    with pytest.raises(EncoderError, match="2 different texts found, at least 20 expected"):
        adapt(source, tmp_path / "adapted", ["hello", "bye", "hello "], AdaptationOptions(), _nothing)
    assert not (tmp_path / "adapted").exists()
