"""Masked language modelling: a backbone goes on learning from a company's own messages. Training only.

Devlin et al. 2019, BERT, section 3.1. Axes: B batch, T word pieces, M masked pieces, H hidden size,
V vocabulary.
"""

from __future__ import annotations

import math
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from language.encoder import EncoderError
from language.export import SPARE_POSITIONS, load_backbone
from language.new_characters import add_characters, unknown_characters
from language.training_steps import alike, warm_up_and_fall

Progress = Callable[[float, float], None]  # fraction in [0, 1], mean loss of the last step
_PIECES = 128  # of a text; what lies beyond teaches nothing
_MASKED_SHARE = 0.15
_HEAD_RATE = 1e-3
_FEWEST_TEXTS = 20
_IGNORED = -100


class TooFewTexts(EncoderError):
    """There is too little to learn from; the message says how much was found."""


@dataclass(frozen=True, slots=True)
class AdaptationOptions:
    """How a backbone is adapted.

    `head_epochs` is for the prediction layer alone, which most backbones come without: only then does a loss
    say something of the encoder. `learning_rate` is the encoder's; 0 leaves its layers as they are and
    teaches new characters alone. A character is new when the vocabulary lacks it and at least
    `character_in_texts` texts hold it; `new_characters` is their largest number.
    """

    epochs: int = 3
    head_epochs: int = 1
    batch_size: int = 32
    learning_rate: float = 5e-5
    new_characters: int = 8_000
    character_in_texts: int = 2
    held_out_share: float = 0.1
    random_seed: int = 1


@dataclass(frozen=True, slots=True)
class LossPoint:
    """The mean loss of the steps up to `step` since the last point, in nats for each masked piece."""

    step: int
    loss: float


@dataclass(frozen=True, slots=True)
class Adaptation:
    """What was learnt: losses are means over the masked pieces of `held_out` texts that taught nothing."""

    texts: int
    held_out: int
    new_characters: tuple[str, ...]
    loss_before: float
    loss_after: float
    curve: tuple[LossPoint, ...]
    seconds: float


class _MaskedPieces(nn.Module):
    """Predicts masked pieces from an encoder's last layer; the output layer shares its input embeddings."""

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        self.encoder = encoder
        vocabulary, width = encoder.get_input_embeddings().weight.shape
        self.head = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.LayerNorm(width))
        self.bias = nn.Parameter(torch.zeros(vocabulary))

    def forward(self, ids: Tensor, mask: Tensor, targets: Tensor) -> Tensor:
        """Return the loss of each masked piece: (M,)."""
        pieces = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state  # (B, T, H)
        is_masked = targets != _IGNORED  # (B, T)
        wanted = self.head(pieces[is_masked])  # (M, H)
        scores = wanted @ self.encoder.get_input_embeddings().weight.T + self.bias  # (M, V)
        return functional.cross_entropy(scores, targets[is_masked], reduction="none")  # (M,)


def adapt(
    source: Path, target: Path, texts: Sequence[str], options: AdaptationOptions, progress: Progress
) -> Adaptation:
    """Write the backbone of `source`, adapted to the texts, to the folder `target`, which must not exist.

    The folder serves as `backbone:` of a pipeline. Texts that stand there twice count once.

    Raises:
        EncoderError: `source` is no backbone of transformers.
        TooFewTexts: There are fewer than 20 different texts.
    """
    started = time.perf_counter()
    distinct = list(dict.fromkeys(text.strip() for text in texts if text.strip()))
    if len(distinct) < _FEWEST_TEXTS:
        raise TooFewTexts(f"{len(distinct)} different texts found, at least {_FEWEST_TEXTS} expected")
    torch.manual_seed(options.random_seed)
    encoder, tokenizer = load_backbone(source)
    if tokenizer.mask_token_id is None:
        raise EncoderError(f"{source}: the tokenizer has no mask token, so nothing can be masked")
    characters = unknown_characters(
        tokenizer, distinct, at_least=options.character_in_texts, at_most=options.new_characters
    )
    first_new = len(encoder.get_input_embeddings().weight)
    add_characters(encoder, tokenizer, characters)
    positions = getattr(encoder.config, "max_position_embeddings", _PIECES) - SPARE_POSITIONS
    corpus = _Corpus.cut(distinct, tokenizer, options, pieces=min(_PIECES, positions))
    model = _MaskedPieces(encoder)
    run = _Run(model, corpus, options, first_new, progress)
    before, after = run.fit()
    _save(encoder, tokenizer, target)
    return Adaptation(
        texts=len(distinct),
        held_out=len(corpus.held_out),
        new_characters=tuple(characters),
        loss_before=before,
        loss_after=after,
        curve=tuple(run.curve),
        seconds=time.perf_counter() - started,
    )


def _save(encoder: Any, tokenizer: Any, target: Path) -> None:
    """Write the folder under another name first, so that what has the name is whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        made = Path(scratch) / "backbone"
        encoder.eval().save_pretrained(made, safe_serialization=True)
        tokenizer.save_pretrained(made)
        shutil.move(made, target)


@dataclass(frozen=True, slots=True)
class _Corpus:
    """Texts as piece ids, special tokens included; `random` decides what is masked."""

    learnt: list[list[int]]
    held_out: list[list[int]]
    mask_id: int
    pad_id: int
    special: frozenset[int]
    vocabulary: int

    @classmethod
    def cut(cls, texts: Sequence[str], tokenizer: Any, options: AdaptationOptions, *, pieces: int) -> _Corpus:
        """Keep a share of the texts back; of each text the first `pieces` count."""
        ids: list[list[int]] = tokenizer(list(texts), truncation=True, max_length=pieces)["input_ids"]
        order = np.random.default_rng(options.random_seed).permutation(len(ids))
        kept_back = max(1, round(options.held_out_share * len(ids)))
        return cls(
            learnt=[ids[row] for row in order[kept_back:]],
            held_out=[ids[row] for row in order[:kept_back]],
            mask_id=tokenizer.mask_token_id,
            pad_id=tokenizer.pad_token_id or 0,
            special=frozenset(tokenizer.all_special_ids),
            vocabulary=len(tokenizer),
        )

    def frequencies(self) -> Tensor:
        """Return the log share of each piece in the texts learnt from, smoothed: (V,)."""
        flat = torch.tensor([piece for row in self.learnt for piece in row])
        counts = torch.bincount(flat, minlength=self.vocabulary) + 0.1
        return (counts / counts.sum()).log()

    def masked(self, rows: Sequence[list[int]], random: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Return ids, attention mask and targets (B, T); of the targets 80 % are hidden, 10 % replaced."""
        length = max(map(len, rows))
        ids = torch.tensor([row + [self.pad_id] * (length - len(row)) for row in rows])
        mask = torch.tensor([[1] * len(row) + [0] * (length - len(row)) for row in rows])
        targets = torch.full_like(ids, _IGNORED)
        for place, row in enumerate(rows):
            free = [column for column, piece in enumerate(row) if piece not in self.special]
            if not free:
                continue
            # At least one in each text: customers write messages of three words.
            chosen = random.permutation(free)[: max(1, round(_MASKED_SHARE * len(free)))]
            targets[place, chosen] = ids[place, chosen]
            for column in chosen:
                dice = random.random()
                if dice < 0.8:
                    ids[place, column] = self.mask_id
                elif dice < 0.9:
                    ids[place, column] = int(random.integers(self.vocabulary))
        return ids, mask, targets


class _Run:
    """One adaptation: the prediction layer first, then the encoder or its new embeddings with it."""

    def __init__(
        self,
        model: _MaskedPieces,
        corpus: _Corpus,
        options: AdaptationOptions,
        first_new: int,
        progress: Progress,
    ) -> None:
        self.model, self.corpus, self.options, self.progress = model, corpus, options, progress
        self.curve: list[LossPoint] = []
        self._first_new = first_new
        self._random = np.random.default_rng(options.random_seed)
        self._per_epoch = math.ceil(len(corpus.learnt) / options.batch_size)
        self._steps = self._per_epoch * (options.epochs + options.head_epochs)
        self._done = 0

    def fit(self) -> tuple[float, float]:
        """Train; return the held-out loss before and after the encoder has learnt."""
        model, options = self.model, self.options
        with torch.no_grad():
            model.bias.copy_(self.corpus.frequencies())
        of_head = [*model.head.parameters(), model.bias]
        for parameter in model.encoder.parameters():
            parameter.requires_grad_(False)
        self._epochs(options.head_epochs, [{"params": of_head, "lr": _HEAD_RATE}])
        before = self._held_out_loss()
        groups = [{"params": of_head, "lr": _HEAD_RATE / 4}, *self._of_encoder()]
        self._epochs(options.epochs, groups)
        return before, self._held_out_loss()

    def _of_encoder(self) -> list[dict[str, Any]]:
        """Return what of the encoder learns: all of it, or the embeddings of the new characters."""
        encoder, rate = self.model.encoder, self.options.learning_rate
        embeddings = encoder.get_input_embeddings().weight
        has_new = len(embeddings) > self._first_new
        if rate:
            encoder.requires_grad_(True)
            others = [row for row in encoder.parameters() if row is not embeddings]
            return [{"params": others, "lr": rate}, {"params": [embeddings], "lr": rate}]
        if not has_new:
            return []
        embeddings.requires_grad_(True)
        embeddings.register_hook(self._of_new_rows)
        return [{"params": [embeddings], "lr": _HEAD_RATE}]

    def _of_new_rows(self, gradient: Tensor) -> Tensor:
        gradient = gradient.clone()
        gradient[: self._first_new] = 0
        return gradient

    def _epochs(self, epochs: int, groups: list[dict[str, Any]]) -> None:
        steps = max(1, epochs * self._per_epoch)
        optimizer = torch.optim.AdamW(groups, weight_decay=0.0)
        schedule = warm_up_and_fall(optimizer, steps)
        self.model.train()
        losses: list[float] = []
        for _ in range(epochs):
            for rows in alike(self.corpus.learnt, len, self.options.batch_size, self._random):
                loss = self.model(*self.corpus.masked(rows, self._random)).mean()
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
                optimizer.step()
                schedule.step()
                losses.append(loss.item())
                self._tell(losses)

    def _tell(self, losses: list[float]) -> None:
        self._done += 1
        if self._done % max(1, self._steps // 100) == 0 or self._done == self._steps:
            self.curve.append(LossPoint(self._done, float(np.mean(losses))))
            losses.clear()
            self.progress(self._done / self._steps, self.curve[-1].loss)

    @torch.no_grad()
    def _held_out_loss(self) -> float:
        """Return the mean over the masked pieces; the same pieces are masked each time."""
        random = np.random.default_rng(self.options.random_seed)
        self.model.eval()
        rows = sorted(self.corpus.held_out, key=len)
        size = self.options.batch_size
        losses = [
            self.model(*self.corpus.masked(rows[start : start + size], random))
            for start in range(0, len(rows), size)
        ]
        return float(torch.cat(losses).mean())
