"""The steps of a descent: what is learnt from in each, and how fast. Training only."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import numpy as np
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

Row = TypeVar("Row")
_POOL = 50  # batches that are sorted by length together
_WARM_UP = 0.1  # share of the steps in which the learning rate rises


def batches(rows: Sequence[Row], size: int, epochs: int) -> Iterator[list[Row]]:
    """Yield all rows, `size` at a time and shuffled anew in each epoch."""
    for _ in range(epochs):
        shuffled = random.sample(rows, len(rows))
        for start in range(0, len(shuffled), size):
            yield shuffled[start : start + size]


def alike(
    rows: Sequence[Row], length: Callable[[Row], int], size: int, random: np.random.Generator
) -> Iterator[list[Row]]:
    """Yield all rows once, `size` of like length at a time, so that little is padding."""
    order = random.permutation(len(rows))
    for start in range(0, len(rows), size * _POOL):
        pool = sorted(order[start : start + size * _POOL], key=lambda row: length(rows[row]))
        parts = [pool[first : first + size] for first in range(0, len(pool), size)]
        for part in random.permutation(len(parts)):
            yield [rows[row] for row in parts[part]]


def steps_of(rows: int, size: int, epochs: int) -> int:
    """Return how many batches there are, at least 1."""
    return max(1, epochs * -(-rows // size))


def warm_up_and_fall(optimizer: Optimizer, steps: int) -> LambdaLR:
    """Let the learning rate rise in a tenth of the steps and fall to zero in the others."""
    warm = max(1, int(_WARM_UP * steps))

    def share(step: int) -> float:
        return (step + 1) / warm if step < warm else max(0.0, (steps - step) / max(1, steps - warm))

    return LambdaLR(optimizer, share)
