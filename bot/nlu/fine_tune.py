"""Fine-tuning of the backbone on a project's own tasks (`fine_tune: full`). Training only.

Intent, sentiment and tags pull at one encoder; afterwards the heads that serve are fitted on it as on any
other backbone. Axes: B batch, T word pieces, H hidden size, L labels.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from bot.nlu.calibration import in_fine_tuning
from bot.nlu.plan import UnderstandingOptions
from bot.nlu.tags import OUTSIDE, encode_tags
from bot.training_data.nlu_examples import NluData, NluExample
from language.backbone import content_key, locate
from language.export import load_backbone
from language.tokens import Span
from language.training_steps import alike, steps_of, warm_up_and_fall

_IGNORED = -100  # cross_entropy passes over these targets
_HEAD_RATE = 20.0  # the new layers learn so many times faster than the encoder
_PIECES = 128


@dataclass(frozen=True, slots=True)
class _Row:
    """One training sentence: its targets, `_IGNORED` where a task does not know it."""

    text: str
    intent: int = _IGNORED
    sentiment: int = _IGNORED
    tags: tuple[tuple[int, int, int], ...] = ()  # start, end, tag


class _Tasks(nn.Module):
    """The encoder with one linear layer for each task."""

    def __init__(self, encoder: Any, sizes: Sequence[int]) -> None:
        super().__init__()
        self.encoder = encoder
        width = encoder.config.hidden_size
        self.heads = nn.ModuleList([nn.Linear(width, max(size, 1)) for size in sizes])

    def forward(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        pieces = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state  # (B, T, H)
        weight = mask.unsqueeze(-1).to(pieces.dtype)  # (B, T, 1)
        pooled = functional.dropout((pieces * weight).sum(1) / weight.sum(1), 0.1, self.training)  # (B, H)
        intent, sentiment, tags = self.heads
        return intent(pooled), sentiment(pooled), tags(pieces)  # (B, L), (B, L), (B, T, L)


def fine_tuned(
    data: NluData, options: UnderstandingOptions, cache: Path, progress: Callable[[float], None]
) -> Path:
    """Return a folder with the fine-tuned backbone, from the cache when nothing has changed.

    The sentences that `calibration.in_fine_tuning` keeps back are not learnt from, so that confidence can be
    calibrated on them.
    """
    source = locate(options.backbone)
    target = cache / f"backbone-{_key(data, options, content_key(source))}"
    if target.is_dir():
        return target
    torch.manual_seed(options.random_seed)
    encoder, tokenizer = load_backbone(source)
    rows, sizes = _rows(data, options)
    model = _Tasks(encoder, sizes)
    _fit(model, tokenizer, rows, options, progress)
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        made = Path(scratch) / "backbone"
        encoder.eval().save_pretrained(made, safe_serialization=True)
        tokenizer.save_pretrained(made)
        if not target.exists():
            shutil.move(made, target)
    return target


def _key(data: NluData, options: UnderstandingOptions, backbone: str) -> str:
    examples = [
        (row.text, row.intent, [entity.as_dict() for entity in row.entities]) for row in data.examples
    ]
    moods = [(row.text, row.value) for row in data.sentiment_examples]
    written = json.dumps([backbone, asdict(options), examples, moods], ensure_ascii=False, default=str)
    return hashlib.sha256(written.encode()).hexdigest()[:20]


def _rows(data: NluData, options: UnderstandingOptions) -> tuple[list[_Row], tuple[int, int, int]]:
    intents = sorted({row.intent for row in data.examples})
    moods = sorted({row.value for row in data.sentiment_examples})
    spans = [_spans(row) for row in data.examples]
    encoded = [encode_tags(places, row.entities) for places, row in zip(spans, data.examples, strict=True)]
    tags = [OUTSIDE, *sorted({tag for found in encoded for tag in found})]
    learnt = in_fine_tuning([row.intent for row in data.examples], seed=options.random_seed)
    rows = [
        _Row(
            row.text,
            intent=intents.index(row.intent),
            tags=tuple((*place, tags.index(tag)) for place, tag in zip(places, found, strict=True)),
        )
        for row, places, found, is_learnt in zip(data.examples, spans, encoded, learnt, strict=True)
        if is_learnt
    ]
    learnt = in_fine_tuning([row.value for row in data.sentiment_examples], seed=options.random_seed)
    rows.extend(
        _Row(row.text, sentiment=moods.index(row.value))
        for row, is_learnt in zip(data.sentiment_examples, learnt, strict=True)
        if is_learnt
    )
    return rows, (len(intents), len(moods), len(tags))


def _spans(row: NluExample) -> list[Span]:
    return [
        (entity.start, entity.end)
        for entity in row.entities
        if entity.start is not None and entity.end is not None
    ]


def _fit(
    model: _Tasks,
    tokenizer: Any,
    rows: list[_Row],
    options: UnderstandingOptions,
    progress: Callable[[float], None],
) -> None:
    steps = steps_of(len(rows), options.batch_size, options.epochs)
    optimizer = torch.optim.AdamW(
        [
            {"params": model.encoder.parameters(), "lr": options.learning_rate},
            {"params": model.heads.parameters(), "lr": options.learning_rate * _HEAD_RATE},
        ],
        weight_decay=0.01,
    )
    schedule = warm_up_and_fall(optimizer, steps)
    model.train()
    chance = np.random.default_rng(options.random_seed)
    epochs = (
        alike(rows, lambda row: len(row.text), options.batch_size, chance) for _ in range(options.epochs)
    )
    for step, batch in enumerate(chain.from_iterable(epochs)):
        loss = _loss(model, tokenizer, batch)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch is typed in parts
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        progress((step + 1) / steps)


def _loss(model: _Tasks, tokenizer: Any, batch: list[_Row]) -> Tensor:
    """Return the sum of the tasks' mean losses over what the batch knows of each."""
    inputs = tokenizer(
        [row.text for row in batch],
        padding=True,
        truncation=True,
        max_length=_PIECES,
        return_offsets_mapping=True,
        return_tensors="pt",
    )
    mask = inputs["attention_mask"]
    intent, sentiment, tags = model(inputs["input_ids"], mask)
    loss = torch.zeros(())
    for scores, targets in (
        (intent, torch.tensor([row.intent for row in batch])),
        (sentiment, torch.tensor([row.sentiment for row in batch])),
        (tags.flatten(0, 1), _piece_tags(batch, inputs["offset_mapping"], mask).flatten()),  # (B * T, L)
    ):
        if bool((targets != _IGNORED).any()):
            loss = loss + functional.cross_entropy(scores, targets, ignore_index=_IGNORED)
    return loss


def _piece_tags(batch: list[_Row], offsets: Tensor, mask: Tensor) -> Tensor:
    """Return the tag of each word piece (B, T): outside unless an entity covers it."""
    targets = torch.full(mask.shape, _IGNORED)
    for place, row in enumerate(batch):
        if row.intent == _IGNORED:
            continue
        starts, ends = offsets[place, :, 0], offsets[place, :, 1]
        targets[place] = torch.where(ends > starts, 0, _IGNORED)
        for start, end, tag in row.tags:
            targets[place][(starts < end) & (ends > start)] = tag
    return targets
