"""How the network of the learnt policies learns."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bot.errors import ModelError
from bot.policies import ted_training
from bot.policies.ted_examples import Examples
from bot.policies.ted_features import FeatureSpace
from bot.policies.ted_model import Earlier, LearntModel, Network
from bot.policies.ted_training import Recipe, fit
from bot.policies.turns import RuleOnly

TINY = Recipe(epochs=1, seed=3, width=8)


def examples(*, windows: list[list[int]], targets: list[list[float]]) -> Examples:
    """Examples over three states, each with an intent of its own."""
    space = FeatureSpace({"intent a": 0, "intent b": 1, "intent c": 2})
    labels = tuple(f"utter_{place}" for place in range(len(targets[0])))
    table = np.asarray(windows, np.int64), np.asarray(targets, np.float32)
    return Examples(space, labels, np.eye(3, dtype=np.float32), *table)


ORDER_COUNTS = examples(windows=[[0, 1], [1, 0], [-1, 2]], targets=[[1, 0, 0], [0, 1, 0], [0, 0, 1]])
BOTH_FOLLOW = examples(windows=[[-1, 0], [-1, 1]], targets=[[1, 1, 0], [0, 0, 1]])


def test_parameters_move_as_with_torchs_own_optimizer() -> None:
    """The same formula, without loading a compiler."""
    torch.manual_seed(0)
    ours, theirs = torch.nn.Linear(4, 3), torch.nn.Linear(4, 3)
    theirs.load_state_dict(ours.state_dict())
    optimizer = ted_training._AdamW(list(ours.parameters()), decay=0.1)
    reference = torch.optim.AdamW(theirs.parameters(), weight_decay=0.1)
    for step in range(1, 6):
        inputs, rate = torch.randn(7, 4), 0.01 / step
        optimizer.step((ours(inputs) ** 2).mean(), rate)
        reference.param_groups[0]["lr"] = rate
        reference.zero_grad()
        (theirs(inputs) ** 2).mean().backward()
        reference.step()
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.allclose(mine, other, atol=1e-6)


def test_the_order_of_turns_counts() -> None:
    """The same two states in another order are another dialogue."""
    network = fit(ORDER_COUNTS, TINY, exclusive=True)
    rows = ORDER_COUNTS.rows
    best = [int(network.scores(rows[list(states)]).argmax()) for states in ((0, 1), (1, 0), (2,))]
    assert best == [0, 1, 2]


def test_several_labels_may_follow() -> None:
    """Each has a score of its own: above zero where it follows, below where it doesn't."""
    network = fit(BOTH_FOLLOW, TINY, exclusive=False)
    signs = [(network.scores(BOTH_FOLLOW.rows[[place]]) > 0).tolist() for place in (0, 1)]
    assert signs == [[True, True, False], [False, False, True]]


def test_training_leaves_torch_as_it_was() -> None:
    """Its random numbers and threads belong to others."""
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    threads = torch.get_num_threads()
    fit(ORDER_COUNTS, TINY, exclusive=True)
    assert torch.equal(torch.rand(3), expected)
    assert torch.get_num_threads() == threads


def test_the_graph_computes_what_torch_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    """To the fifth decimal, for conversations of every length, whatever the weights are."""
    learnt: list[ted_training._Transformer] = []
    monkeypatch.setattr(ted_training, "_learn", lambda model, *_, **__: learnt.append(_shaken(model)))
    windows = [[-1, -1, -1, 2], [-1, -1, 0, 2], [-1, 1, 0, 2], [2, 0, 1, 1]]
    made = examples(windows=windows, targets=[[1, 0, 0]] * 4)
    network = fit(made, Recipe(epochs=1, seed=3), exclusive=True)
    with torch.no_grad():
        expected = learnt[0].eval()(torch.from_numpy(made.rows), torch.from_numpy(made.windows)).numpy()
    for window, scores in zip(made.windows, expected, strict=True):
        assert network.scores(made.rows[window[window >= 0]]) == pytest.approx(scores, abs=1e-5)


def _shaken(model: ted_training._Transformer) -> ted_training._Transformer:
    """Move every weight, so that none is left at one or zero, as layers begin."""
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
    return model


def test_weights_that_serve_otherwise_than_they_were_trained_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before anything is written."""
    monkeypatch.setattr(ted_training, "_TOLERANCE", -1.0)
    with pytest.raises(ModelError, match="other scores than in training"):
        fit(ORDER_COUNTS, TINY, exclusive=True)


def earlier(made: Examples, network: Network, epochs: int = 1) -> Earlier:
    """What was learnt of examples, to go on from."""
    return Earlier(LearntModel(made.space, made.labels, network, RuleOnly()), epochs)


def test_weights_are_taken_over_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Columns and labels may stand elsewhere, with new ones beside them: the answers are as before."""
    network = fit(ORDER_COUNTS, TINY, exclusive=True)
    monkeypatch.setattr(ted_training, "_learn", lambda *_, **__: None)
    space = FeatureSpace({"intent d": 0, "intent c": 1, "intent a": 2, "intent b": 3})
    rows = np.zeros((3, 4), np.float32)
    for state, column in enumerate((2, 3, 1)):
        rows[state, column] = 1.0
    labels = ("utter_new", "utter_2", "utter_0", "utter_1")
    targets = np.zeros((3, 4), np.float32)
    targets[:, 0] = 1.0
    grown = Examples(space, labels, rows, ORDER_COUNTS.windows, targets)
    taken = fit(grown, TINY, exclusive=True, earlier=earlier(ORDER_COUNTS, network))
    for states in ((0, 1), (1, 0), (2,)):
        before = network.scores(ORDER_COUNTS.rows[list(states)])
        now = taken.scores(rows[list(states)])
        assert now[[2, 3, 1]] == pytest.approx(before, abs=1e-4)


def test_going_on_from_weights_takes_fewer_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is known already is not learnt anew, and still known afterwards."""
    steps: list[float] = []
    move = ted_training._AdamW.step
    monkeypatch.setattr(
        ted_training._AdamW, "step", lambda self, loss, rate: steps.append(rate) or move(self, loss, rate)
    )
    network = fit(ORDER_COUNTS, TINY, exclusive=True)
    anew = len(steps)
    further = fit(ORDER_COUNTS, TINY, exclusive=True, earlier=earlier(ORDER_COUNTS, network))
    assert len(steps) - anew <= anew / 2
    best = [
        int(further.scores(ORDER_COUNTS.rows[list(states)]).argmax()) for states in ((0, 1), (1, 0), (2,))
    ]
    assert best == [0, 1, 2]
