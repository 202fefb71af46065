"""The network of the learnt policies as it serves: numpy alone.

A transformer of one block (Vlasov et al. 2019, Dialogue Transformers), computed for the last turn, as nobody
asks for the earlier ones. At this size numpy answers in 0.1 ms; ONNX Runtime takes 0.03 ms, but 7 s for the
export in training and 17 ms for each session (41 actions, 175 columns).

Axes: T turns, F feature columns, D width, H heads, L labels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from bot.errors import ModelError
from bot.policies.state_files import read_json, rule_only_as_json, rule_only_from_json, write_json
from bot.policies.states import State
from bot.policies.ted_features import FeatureSpace, FloatArray
from bot.policies.turns import RuleOnly
from bot.training_data.warm_start import WarmStart

HEADS = 4
FACTS = "ted.json"
_WEIGHTS = "ted.safetensors"
_REMEMBERED = 1024  # sequences of states, a few kilobytes each
_EPSILON = 1e-5  # as in torch's LayerNorm


@dataclass(frozen=True, slots=True)
class Network:
    """Trained weights; a matrix is (in, out). `position` (T, D) counts from the latest turn backwards.

    `kinship` (2, F, L) says which labels are named like which columns; `gate` (D, 2) is how much that counts.
    """

    embed: FloatArray
    embed_bias: FloatArray
    position: FloatArray
    attention_scale: FloatArray
    attention_shift: FloatArray
    query: FloatArray
    key: FloatArray
    value: FloatArray
    mix: FloatArray
    inner_scale: FloatArray
    inner_shift: FloatArray
    inner: FloatArray
    inner_bias: FloatArray
    outer: FloatArray
    outer_bias: FloatArray
    final_scale: FloatArray
    final_shift: FloatArray
    labels: FloatArray
    labels_bias: FloatArray
    kinship: FloatArray
    gate: FloatArray
    gate_bias: FloatArray

    @property
    def turns(self) -> int:
        """How many turns it looks back, the latest included."""
        return len(self.position)

    def scores(self, rows: FloatArray) -> FloatArray:
        """Return the score of each label (L,) after the last row of (T, F)."""
        rows = rows[-self.turns :]
        turns = rows @ self.embed + self.embed_bias + self.position[: len(rows)][::-1]  # (T, D)
        seen = _normalised(turns, self.attention_scale, self.attention_shift)
        last = turns[-1] + self._attend(seen) @ self.mix  # (D,)
        hidden = _normalised(last, self.inner_scale, self.inner_shift) @ self.inner + self.inner_bias
        last = last + np.maximum(hidden, 0.0) @ self.outer + self.outer_bias
        dialogue = _normalised(last, self.final_scale, self.final_shift)
        gate = dialogue @ self.gate + self.gate_bias  # (2,)
        scores: FloatArray = dialogue @ self.labels + self.labels_bias + gate @ (rows[-1] @ self.kinship)
        return scores

    def _attend(self, seen: FloatArray) -> FloatArray:
        width = seen.shape[1] // HEADS
        query = (seen[-1] @ self.query).reshape(HEADS, width)
        key = (seen @ self.key).reshape(-1, HEADS, width)  # (T, H, D/H)
        value = (seen @ self.value).reshape(-1, HEADS, width)
        affinity = np.einsum("hd,thd->ht", query, key) / np.sqrt(width)
        share = np.exp(affinity - affinity.max(axis=1, keepdims=True))
        share /= share.sum(axis=1, keepdims=True)
        mixed: FloatArray = np.einsum("ht,thd->hd", share, value).reshape(-1)  # (D,)
        return mixed

    def save(self, path: Path) -> None:
        """Write the weights."""
        save_file({item.name: getattr(self, item.name) for item in fields(self)}, path)

    @classmethod
    def load(cls, path: Path) -> Network:
        """Read the weights back.

        Raises:
            ModelError: The file is missing or broken.
        """
        try:
            return cls(**load_file(path))
        except (OSError, SafetensorError, TypeError) as error:
            raise ModelError(f"{path}: cannot be read ({error}); train the model again") from error


def _normalised(vectors: FloatArray, scale: FloatArray, shift: FloatArray) -> FloatArray:
    centred = vectors - vectors.mean(axis=-1, keepdims=True)
    spread = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + _EPSILON)
    normalised: FloatArray = centred / spread * scale + shift
    return normalised


@dataclass(frozen=True)
class LearntModel:
    """A network with all that is needed to ask it: the feature columns, its labels, what it overlooks."""

    space: FeatureSpace
    labels: tuple[str, ...]
    network: Network
    rule_only: RuleOnly

    def scores(self, states: Sequence[State]) -> FloatArray:
        """Return the score of each label (L,) after these states; without any, nothing has happened yet."""
        return self._remembered(tuple(states) or (State(),))

    @cached_property
    def _remembered(self) -> Callable[[tuple[State, ...]], FloatArray]:
        """Conversations go the same ways again and again: what was reckoned lately need not be again."""
        return lru_cache(_REMEMBERED)(lambda states: self.network.scores(self.space.rows(states)))

    def save(self, folder: Path) -> None:
        """Write `ted.json` and `ted.safetensors`."""
        facts = {"space": self.space.as_json(), "labels": list(self.labels)}
        write_json(folder / FACTS, facts | {"rule_only": rule_only_as_json(self.rule_only)})
        self.network.save(folder / _WEIGHTS)

    @classmethod
    def load(cls, folder: Path) -> LearntModel | None:
        """Read it back; None where there was nothing to learn from.

        Raises:
            ModelError: A file is missing or broken.
        """
        data = read_json(folder / FACTS)
        if data is None:
            return None
        try:
            space, labels = FeatureSpace.from_json(data["space"]), tuple(map(str, data["labels"]))
            rule_only = rule_only_from_json(data["rule_only"])
        except (KeyError, TypeError, AttributeError) as error:
            raise ModelError(f"{folder / FACTS}: broken ({error!r}); train the model again") from error
        return cls(space, labels, Network.load(folder / _WEIGHTS), rule_only)


@dataclass(frozen=True)
class Earlier:
    """A model whose weights a training goes on from, and how many epochs it has for that."""

    model: LearntModel
    epochs: int

    @classmethod
    def load(cls, start: WarmStart, epochs: int) -> Earlier | None:
        """Read it; None where that training found nothing to learn.

        Raises:
            ModelError: A file is missing or broken.
        """
        model = LearntModel.load(start.folder)
        return cls(model, start.epochs(epochs)) if model else None


def save_model(model: LearntModel | None, folder: Path) -> None:
    """Write a model, or that there is none."""
    if model is None:
        write_json(folder / FACTS, None)
    else:
        model.save(folder)
