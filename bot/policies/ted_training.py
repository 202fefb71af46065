"""Training of the learnt policies' network: the only place in this room that imports torch.

Axes: B batch, T turns, U distinct states, F feature columns, D width, H heads, K kinds of columns, L labels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from bot.errors import ModelError
from bot.policies.ted_examples import Examples, balance
from bot.policies.ted_features import KINDS, SAID
from bot.policies.ted_graph import as_graph, weights_of
from bot.policies.ted_model import Earlier, LearntModel, Network

_HEADS = 4
_THREADS = 1  # a step is too small to share
_SAID = [KINDS.index(kind) for kind in (*SAID, "text")]
_FLAG, _LAST = KINDS.index("flag"), -1
_FEWEST_STEPS, _ENOUGH_STEPS, _MOST_STEPS, _WARM_UP_STEPS = 120, 600, 4000, 20
_LOOK_STEPS = 20  # at least, between two looks at what is learnt
_COOLING = 1 / 3  # share of those steps, at the end, in which the learning rate falls
_LEARNT = 0.999
_PATIENCE_STEPS = 250  # without progress: stories that contradict each other are never learnt
_BETAS = (0.9, 0.999)
_OF_ITS_OWN_SIZE = {"embed.weight", "position", "labels.weight", "labels.bias"}  # the stories give it
_PROOFS = 20
_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train. Shares are in [0, 1].

    What stories never said together must not surprise the network later: in every example some kinds of
    columns are hidden (`hide_latest` of the latest turn, `hide_earlier` of others), and with them
    `hide_answered` of what the customer said before other actions than listening; of `forget` of the
    examples only the last few turns are shown.
    """

    epochs: int
    seed: int
    width: int = 64
    batch: int = 64
    rate: float = 0.003
    decay: float = 0.02
    drop: float = 0.2
    smoothing: float = 0.05
    hide_latest: float = 0.15
    hide_earlier: float = 0.5
    hide_answered: float = 0.6
    forget: float = 0.5


class _Transformer(nn.Module):
    """The network as torch trains it; `ted_graph` writes the same, with the same names."""

    def __init__(self, examples: Examples, kinship: Tensor, recipe: Recipe) -> None:
        super().__init__()
        width, self.recipe = recipe.width, recipe
        columns, labels = examples.space.width, len(examples.labels)
        self.embed = nn.Linear(columns, width)
        nn.init.normal_(self.embed.weight, std=0.3)
        self.position = nn.Parameter(0.1 * torch.randn(examples.windows.shape[1], width))
        self.attention_norm, self.inner_norm, self.final_norm = (nn.LayerNorm(width) for _ in range(3))
        self.query, self.key, self.value, self.mix = (nn.Linear(width, width, bias=False) for _ in range(4))
        self.inner, self.outer = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.labels = nn.Linear(width, labels)
        self.gate = nn.Linear(width, len(kinship))
        for layer in (self.gate, self.labels):
            nn.init.zeros_(layer.bias)
        nn.init.zeros_(self.gate.weight)
        self.spans = examples.space.spans
        self.kinship = kinship  # (2, F, L)
        self.acted = examples.space.columns.get("flag acted")

    def forward(self, rows: Tensor, windows: Tensor) -> Tensor:
        """Return the scores of the labels (B, L); `windows` (B, T) are numbers of rows (U, F)."""
        there, places = windows >= 0, windows.clamp(min=0)
        if self.training:
            by_kind = self._by_kind(rows)  # (U, K, D)
            shown = self._shown(rows, places)  # (B, T, K)
            turns = (by_kind[places] * shown[..., None]).sum(2) + self.embed.bias  # (B, T, D)
            there = there & self._remembered(windows)
        else:
            turns = self.embed(rows)[places]  # (B, T, D)
        turns = turns + self.position.flip(0)
        last = self._drop(turns[:, -1]) + self._drop(
            self.mix(self._attend(self.attention_norm(turns), there))
        )
        last = last + self._drop(self.outer(functional.relu(self.inner(self.inner_norm(last)))))  # (B, D)
        dialogue = self.final_norm(last)
        words, loops = rows[places[:, -1]] @ self.kinship  # (B, L) each
        gate = self.gate(dialogue)  # (B, 2)
        scores: Tensor = self.labels(dialogue) + gate[:, :1] * words + gate[:, 1:] * loops
        return scores

    def _by_kind(self, rows: Tensor) -> Tensor:
        weights = self.embed.weight.T  # (F, D)
        return torch.stack([rows[:, span] @ weights[span] for span in self.spans], dim=1)

    def _attend(self, seen: Tensor, there: Tensor) -> Tensor:
        batch, turns, width = seen.shape
        query = self.query(seen[:, -1]).view(batch, _HEADS, 1, -1)  # (B, H, 1, D/H)
        key = self.key(seen).view(batch, turns, _HEADS, -1).permute(0, 2, 3, 1)  # (B, H, D/H, T)
        value = self.value(seen).view(batch, turns, _HEADS, -1).transpose(1, 2)  # (B, H, T, D/H)
        affinity = (query @ key) / (width // _HEADS) ** 0.5  # (B, H, 1, T)
        affinity = affinity.masked_fill(~there[:, None, None], -1e9)
        mixed: Tensor = (affinity.softmax(-1) @ value).reshape(batch, width)
        return mixed

    def _shown(self, rows: Tensor, places: Tensor) -> Tensor:
        """Draw which kinds of columns the network gets to see of each turn: (B, T, K), 0 or 1."""
        recipe, (batch, turns) = self.recipe, places.shape
        chances = torch.rand(batch, turns, len(KINDS))
        shown = (chances > recipe.hide_earlier).float()
        shown[:, _LAST] = (chances[:, _LAST] > recipe.hide_latest).float()
        if self.acted is not None:
            answered = (rows[:, self.acted] > 0)[places] & (torch.rand(batch, turns) < recipe.hide_answered)
            shown[..., _SAID] *= (~answered).float()[..., None]
        shown[..., _FLAG] = 1.0
        return shown

    def _remembered(self, windows: Tensor) -> Tensor:
        batch, turns = windows.shape
        kept = torch.randint(1, turns + 1, (batch,))
        kept = torch.where(torch.rand(batch) < self.recipe.forget, kept, turns)
        return torch.arange(turns)[None] >= turns - kept[:, None]

    def _drop(self, values: Tensor) -> Tensor:
        return functional.dropout(values, self.recipe.drop, self.training)


class _AdamW:
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019).

    `torch.optim` would load torch's compiler, which nothing here uses: 1.6 s.
    """

    def __init__(self, parameters: list[nn.Parameter], decay: float) -> None:
        self._moments = [(p, torch.zeros_like(p), torch.zeros_like(p)) for p in parameters]
        self._decay = decay
        self._steps = 0

    def step(self, loss: Tensor, rate: float) -> None:
        """Move all parameters once."""
        gradients = torch.autograd.grad(loss, [parameter for parameter, _, _ in self._moments])
        self._steps += 1
        first, second = 1 - _BETAS[0] ** self._steps, 1 - _BETAS[1] ** self._steps
        with torch.no_grad():
            for gradient, (parameter, mean, square) in zip(gradients, self._moments, strict=True):
                mean.lerp_(gradient, 1 - _BETAS[0])
                square.mul_(_BETAS[1]).addcmul_(gradient, gradient, value=1 - _BETAS[1])
                parameter.mul_(1 - rate * self._decay)
                parameter.addcdiv_(mean, (square / second).sqrt_().add_(1e-8), value=-rate / first)


def fit(examples: Examples, recipe: Recipe, *, exclusive: bool, earlier: Earlier | None = None) -> Network:
    """Train a network, the same one for the same examples and recipe.

    Args:
        examples: At least one.
        recipe: How to train.
        exclusive: One label follows (softmax), or each may or may not (a sigmoid a label).
        earlier: Whose weights to go on from, instead of random ones.

    Raises:
        ModelError: The graph does not compute what torch computes.
    """
    with _deterministic(recipe.seed):
        kinship = torch.from_numpy(examples.space.kinship(examples.labels))
        model = _Transformer(examples, kinship, recipe)
        rows, windows = torch.from_numpy(examples.rows), torch.from_numpy(examples.windows)
        targets = torch.from_numpy(examples.targets)
        if earlier:
            _take_over(model, earlier.model, examples)
        _learn(model, (rows, windows, targets), recipe, exclusive=exclusive, goes_on=earlier is not None)
        network = _network(model.eval())
        _prove(network, model, examples)
    return network


def _take_over(model: _Transformer, earlier: LearntModel, examples: Examples) -> None:
    """Give the network the weights of an earlier one, column by column and label by label of the same name.

    A column that is new has no weight yet, so what was known is answered as before.
    """
    known = {name: torch.from_numpy(weight) for name, weight in weights_of(earlier.network.graph).items()}
    here, there = _same(examples.space.names, earlier.space.names)
    ours, theirs = _same(examples.labels, earlier.labels)
    turns = min(len(model.position), len(known["position"]))
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name not in _OF_ITS_OWN_SIZE:
                weight.copy_(known[name])
        model.embed.weight.zero_()
        model.embed.weight[:, here] = known["embed.weight"][:, there]
        model.labels.weight[ours] = known["labels.weight"][theirs]
        model.labels.bias[ours] = known["labels.bias"][theirs]
        model.position[:turns] = known["position"][:turns]


def _same(ours: Sequence[str], theirs: Sequence[str]) -> tuple[list[int], list[int]]:
    """Return the places of the names that both have, here and there."""
    known = {name: place for place, name in enumerate(theirs)}
    pairs = [(place, known[name]) for place, name in enumerate(ours) if name in known]
    return [place for place, _ in pairs], [place for _, place in pairs]


def _learn(
    model: _Transformer,
    data: tuple[Tensor, Tensor, Tensor],
    recipe: Recipe,
    *,
    exclusive: bool,
    goes_on: bool = False,
) -> None:
    """Go through the examples until they are learnt or nothing more is, then cool down.

    Few examples are gone through more often than `epochs` says, many less often: steps count. A network
    that goes on from earlier weights may know them soon.
    """
    rows, windows, targets = data
    weights = torch.from_numpy(balance(targets.numpy()))
    passes = -(-len(windows) // recipe.batch)
    enough = min(max(_FEWEST_STEPS, len(windows)), _ENOUGH_STEPS)
    cooling_steps = int(_COOLING * enough)
    fewest = _FEWEST_STEPS if goes_on else _ENOUGH_STEPS
    budget = min(max(recipe.epochs * passes, fewest), _MOST_STEPS)
    optimizer = _AdamW(list(model.parameters()), recipe.decay)
    model.train()
    step, cooling, best, best_step = 0, max(budget - cooling_steps, _LOOK_STEPS), 0.0, 0
    look = _LOOK_STEPS if goes_on else enough - cooling_steps
    while step < cooling + cooling_steps:
        for chosen in torch.split(torch.randperm(len(windows)), recipe.batch):
            left = (cooling + cooling_steps - step) / cooling_steps
            share = min(1.0, (step + 1) / _WARM_UP_STEPS, max(left, 0.03))
            used, places = torch.unique(windows[chosen], return_inverse=True)
            # Only the states of this batch; the first one is -1 where some conversation has not begun.
            scores = model(rows[used.clamp(min=0)], places - int(used[0] < 0) * (places == 0).long())
            loss = _loss(scores, targets[chosen], weights, recipe, exclusive=exclusive)
            optimizer.step(loss, recipe.rate * share)
            step += 1
        if look <= step < cooling:
            look = step + _LOOK_STEPS
            learnt = _learnt(model, rows, windows, targets)
            if learnt > best:
                best, best_step = learnt, step
            if learnt >= _LEARNT or step - best_step >= _PATIENCE_STEPS:
                cooling = step


def _loss(scores: Tensor, targets: Tensor, weights: Tensor, recipe: Recipe, *, exclusive: bool) -> Tensor:
    if not exclusive:
        return functional.binary_cross_entropy_with_logits(scores, (targets > 0).float())
    chances = scores.log_softmax(-1)
    weighted = targets * weights  # (B, L)
    kept = 1 - recipe.smoothing
    loss = kept * (weighted * chances).sum(-1) + recipe.smoothing * weighted.sum(-1) * chances.mean(-1)
    return -loss.sum() / weighted.sum()


def _learnt(model: _Transformer, rows: Tensor, windows: Tensor, targets: Tensor) -> float:
    """Return the weighted share of examples, in [0, 1], where what scores best is what stories say there."""
    model.eval()
    with torch.no_grad():
        best = model(rows, windows).argmax(-1, keepdim=True)
    model.train()
    told = targets.amax(-1)
    return float(told[targets.gather(1, best)[:, 0] > 0].sum() / told.sum())


def _network(model: _Transformer) -> Network:
    weights = {name: weight.detach().numpy() for name, weight in model.named_parameters()}
    return Network(as_graph(weights | {"kinship": model.kinship.numpy()}, _HEADS))


def _prove(network: Network, model: _Transformer, examples: Examples) -> None:
    rows, windows = torch.from_numpy(examples.rows), examples.windows[:_PROOFS]
    with torch.no_grad():
        expected = model(rows, torch.from_numpy(windows)).numpy()
    for window, scores in zip(windows, expected, strict=True):
        apart = float(np.abs(network.scores(examples.rows[window[window >= 0]]) - scores).max())
        if apart > _TOLERANCE * max(1.0, float(np.abs(scores).max())):
            raise ModelError(f"the trained policy computes other scores than in training ({apart:.4f} apart)")


@contextmanager
def _deterministic(seed: int) -> Iterator[None]:
    """Seed torch and keep it on one thread; afterwards all is as it was."""
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    torch.set_num_threads(_THREADS)
    torch.manual_seed(seed)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_rng_state(state)
