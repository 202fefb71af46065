"""Tuning of the encoder's upper half on few examples of each intent (`fine_tune: head`). Training only.

Each intent has a prototype, which begins as the mean of its sentences; layers and prototypes learn together
to bring sentences nearer to their own prototype than to others. The lower half stays, and is computed once.
Axes: B batch, T word pieces, H hidden size, L labels.
"""

from __future__ import annotations

import hashlib
import random
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from bot.nlu.calibration import in_fine_tuning
from bot.training_data.nlu_examples import NluExample
from language.export import export, load_backbone
from language.reweigh import NotReweighable, reweigh, weights_of
from language.training_steps import batches, steps_of, warm_up_and_fall

_BATCH, _PART = 32, 8  # sentences between two steps, and those that are padded to one length
_LAYERS_RATE, _PROTOTYPES_RATE = 3e-4, 3e-3
_TEMPERATURE = 0.1  # what cosines are divided by
_LONGEST = 128  # word pieces
_NEVER = -1e4


@dataclass(frozen=True, slots=True)
class Source:
    """A backbone: its name, the folder of its weights, and the encoder folder exported from them."""

    name: str
    weights: Path
    encoder: Path


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is learnt: examples, the names of their intents, how often, and what chance begins with."""

    examples: Sequence[NluExample]
    names: Sequence[NluExample]
    epochs: int
    seed: int


@dataclass(frozen=True, slots=True)
class _Half:
    """N sentences halfway through the encoder, (T, H) each; `labels` (N,), and `pooled` (N, H) at its end."""

    below: list[Tensor]
    labels: Tensor
    pooled: Tensor


def tune_upper_layers(
    source: Source, lesson: Lesson, target: Path, progress: Callable[[float], None]
) -> bool:
    """Write to `target` the encoder folder of the tuned backbone; False where its layers cannot be tuned.

    The sentences that `calibration.in_fine_tuning` keeps back are not learnt from, so that confidence can be
    calibrated on them.
    """
    random.seed(lesson.seed)
    torch.manual_seed(lesson.seed)
    encoder, tokenizer = load_backbone(source.weights)
    layers = getattr(getattr(encoder, "encoder", None), "layer", None)
    if not isinstance(layers, nn.ModuleList) or len(layers) < 2:
        return False
    before = weights_of(encoder)
    upper = layers[len(layers) // 2 :]
    learnt = in_fine_tuning([row.intent for row in lesson.examples], seed=lesson.seed)
    rows = [row for row, is_learnt in zip(lesson.examples, learnt, strict=True) if is_learnt]
    half = _half(encoder, tokenizer, upper, [*rows, *lesson.names])
    if half is None:
        return False
    encoder.requires_grad_(False)
    upper.requires_grad_(True).train()
    _fit(upper, half, lesson.epochs, progress)
    encoder.eval()
    _export(source, target, before, encoder, upper)
    return True


def _half(encoder: Any, tokenizer: Any, upper: nn.ModuleList, rows: Sequence[NluExample]) -> _Half | None:
    """Compute the lower half; None where the layers, one after the other, are not the whole encoder."""
    names = sorted({row.intent for row in rows})
    below: list[Tensor] = [torch.empty(0)] * len(rows)
    pooled = torch.zeros(len(rows), encoder.config.hidden_size)
    by_length = sorted(range(len(rows)), key=lambda row: len(rows[row].text))
    for start in range(0, len(rows), _BATCH):
        places = by_length[start : start + _BATCH]
        texts = [rows[place].text for place in places]
        inputs = tokenizer(texts, padding=True, truncation=True, max_length=_LONGEST, return_tensors="pt")
        ids, mask = inputs["input_ids"], inputs["attention_mask"]
        with torch.no_grad():
            found = encoder(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states
            pooled[places] = _pooled(found[-1], mask)
            if start == 0:
                again = _pooled(_through(upper, found[-1 - len(upper)], mask), mask)
                if not torch.allclose(again, pooled[places], atol=1e-3):
                    return None
        for place, pieces, kept in zip(places, found[-1 - len(upper)], mask, strict=True):
            below[place] = pieces[kept.bool()]
    return _Half(below, torch.tensor([names.index(row.intent) for row in rows]), pooled)


def _through(layers: nn.ModuleList, pieces: Tensor, mask: Tensor) -> Tensor:
    hidden = (1.0 - mask[:, None, None, :].to(pieces.dtype)) * _NEVER  # (B, 1, 1, T)
    for layer in layers:
        pieces = layer(pieces, hidden)
    return pieces


def _pooled(pieces: Tensor, mask: Tensor) -> Tensor:
    weight = mask.unsqueeze(-1).to(pieces.dtype)  # (B, T, 1)
    return (pieces * weight).sum(1) / weight.sum(1)  # (B, H)


def _fit(upper: nn.ModuleList, half: _Half, epochs: int, progress: Callable[[float], None]) -> None:
    mean = half.pooled.mean(dim=0)
    begin = torch.zeros(int(half.labels.max()) + 1, half.pooled.shape[1])
    begin.index_add_(0, half.labels, functional.normalize(half.pooled - mean))
    prototypes = nn.Parameter(functional.normalize(begin))  # (L, H)
    optimizer = torch.optim.AdamW(
        [
            {"params": list(upper.parameters()), "lr": _LAYERS_RATE, "weight_decay": 0.01},
            {"params": [prototypes], "lr": _PROTOTYPES_RATE, "weight_decay": 0.0},
        ]
    )
    rows = range(len(half.below))
    steps = steps_of(len(rows), _BATCH, epochs)
    schedule = warm_up_and_fall(optimizer, steps)
    for step, batch in enumerate(batches(rows, _BATCH, epochs)):
        optimizer.zero_grad()
        by_length = sorted(batch, key=lambda row: len(half.below[row]))
        for start in range(0, len(batch), _PART):
            part = by_length[start : start + _PART]
            pieces = nn.utils.rnn.pad_sequence([half.below[row] for row in part], batch_first=True)
            lengths = torch.tensor([len(half.below[row]) for row in part])
            mask = (torch.arange(pieces.shape[1])[None] < lengths[:, None]).long()
            vectors = functional.normalize(_pooled(_through(upper, pieces, mask), mask) - mean)
            scores = vectors @ functional.normalize(prototypes).T / _TEMPERATURE  # (B, L)
            loss = functional.cross_entropy(scores, half.labels[part], reduction="sum") / len(batch)
            loss.backward()  # type: ignore[no-untyped-call]  # torch is typed in parts
        nn.utils.clip_grad_norm_(upper.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        progress((step + 1) / steps)


def _export(source: Source, target: Path, before: dict[str, Any], encoder: Any, upper: nn.ModuleList) -> None:
    digest = hashlib.sha256(source.encoder.name.encode())
    for weight in upper.parameters():
        digest.update(weight.detach().numpy().tobytes())
    key = digest.hexdigest()[:20]
    with tempfile.TemporaryDirectory() as scratch:
        made = Path(scratch) / "encoder"
        try:
            reweigh(source.encoder, made, before, encoder, key=key)
        except NotReweighable:
            weights, made = Path(scratch) / "weights", Path(scratch) / "exported"
            encoder.save_pretrained(weights, safe_serialization=True)
            load_backbone(source.weights)[1].save_pretrained(weights)
            export(weights, made, key=key, backbone=source.name, progress=lambda _: None)
        shutil.move(made, target)
