"""The steps of a descent: every row once in each epoch, and a learning rate that rises and falls."""

from __future__ import annotations

import random
from itertools import chain

import numpy as np
import pytest
import torch

from language.training_steps import alike, batches, steps_of, warm_up_and_fall


@pytest.mark.parametrize(("rows", "sizes"), [(7, [3, 3, 1]), (6, [3, 3]), (2, [2])])
def test_each_epoch_shuffles_all_rows(rows: int, sizes: list[int]) -> None:
    """The last batch of an epoch is smaller where rows are left over; epochs differ in their order."""
    random.seed(1)
    found = list(batches(range(rows), 3, 20))
    assert len(found) == steps_of(rows, 3, 20)
    assert [len(batch) for batch in found] == sizes * 20
    epochs = [tuple(chain(*found[start : start + len(sizes)])) for start in range(0, len(found), len(sizes))]
    assert all(sorted(epoch) == list(range(rows)) for epoch in epochs)
    assert len(set(epochs)) > 1


def test_batches_of_like_length_leave_little_to_pad() -> None:
    """Every row comes once, each time in another order; few batches mix short rows with long ones."""
    rows = ["x" * (1 + place % 40) for place in range(400)]
    chance = np.random.default_rng(1)
    epochs = [list(alike(rows, len, 8, chance)) for _ in range(2)]
    assert epochs[0] != epochs[1]
    for epoch in epochs:
        assert [len(batch) for batch in epoch] == [8] * steps_of(400, 8, 1)
        assert sorted(chain(*epoch)) == sorted(rows)
        assert sum(8 * len(max(batch, key=len)) for batch in epoch) < 1.1 * sum(map(len, rows))


def test_rate_rises_for_a_tenth_of_the_steps_and_falls_to_the_end() -> None:
    """The highest rate is the optimizer's own; no step has none."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
    schedule = warm_up_and_fall(optimizer, 20)
    rates = []
    for _ in range(20):
        rates.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    assert rates[:3] == [0.25, 0.5, 0.5]
    assert rates[2:] == sorted(rates[2:], reverse=True)
    assert rates[-1] == pytest.approx(0.5 / 18)
    assert schedule.get_last_lr() == [0.0]


def test_nothing_to_learn_is_one_step() -> None:
    """So that a schedule can be made for no rows at all."""
    assert steps_of(0, 32, 5) == 1
