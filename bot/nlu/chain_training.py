"""Fitting of a linear-chain conditional random field (Lafferty et al. 2001) on sentences. Training only.

Axes: N words of all sentences, D dense features of a word, M marks, L tags. Rows of words are packed step by
step: the first words of all sentences, longest sentence first, then their second words, and so on, so that a
step of the chain is one matrix product over all sentences.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from bot.nlu.features import FloatArray
from bot.nlu.fitting import IntArray, State, minimise
from bot.nlu.tagger import NEIGHBOURS

_STEPS = 80
_DIRECTIONS = 128  # of 768: on three sets as good as all, and a sixth of the time


@dataclass(frozen=True, slots=True)
class Packing:
    """Where the words of all sentences stand.

    `rows` (N,) is the place of each packed word in the flat order of the sentences; step t holds the packed
    rows `edges[t]` to `edges[t + 1]`. `before` and `after` (N,) are the packed rows of a word's neighbours,
    N where there is none.
    """

    rows: IntArray
    edges: IntArray
    before: IntArray
    after: IntArray

    @classmethod
    def of(cls, lengths: Sequence[int]) -> Packing:
        """Pack sentences of these lengths, each at least 1."""
        sizes = np.array(lengths, np.int64)
        order = np.argsort(-sizes, kind="stable")
        starts = (np.cumsum(sizes) - sizes)[order]
        active = [int((sizes > step).sum()) for step in range(int(sizes.max()))]
        edges = np.cumsum([0, *active])
        rows = np.concatenate([starts[:count] + step for step, count in enumerate(active)])
        total = int(sizes.sum())
        before, after = np.full(total, total), np.full(total, total)
        for step, count in enumerate(active[1:], 1):
            here, there = edges[step] + np.arange(count), edges[step - 1] + np.arange(count)
            before[here], after[there] = there, here
        return cls(rows, edges, before, after)


@dataclass(frozen=True, slots=True)
class TaggedWords:
    """The words of all sentences, in flat order: `dense` (N, D), `marks` (N, M), `targets` (N,)."""

    dense: FloatArray
    marks: sparse.csr_array
    targets: IntArray
    lengths: Sequence[int]


@dataclass(frozen=True, slots=True)
class ChainWeights:
    """What was fitted: `dense` (3, D, L) for the words before, at and after, `marks` (M, L), `bias` (L,).

    `moves` (L, L) is what a tag (column) gains after another (row), minus infinity where it may not follow.
    """

    dense: FloatArray
    marks: FloatArray
    bias: FloatArray
    moves: FloatArray


def fit_chain(words: TaggedWords, allowed: FloatArray, *, outside: int, strength: float) -> ChainWeights:
    """Fit the weights that make the targets of the sentences likely.

    Minimises strength * negative log-likelihood + |weights|^2 / 2. `allowed` (L, L) is 0 where a tag may
    follow and minus infinity elsewhere; before the first word of a sentence stands `outside`.
    """
    packing, directions = Packing.of(words.lengths), _main_directions(words.dense)
    packed = words.marks[packing.rows]
    problem = ChainProblem(
        (words.dense @ directions)[packing.rows],
        packed,
        packed.T.tocsr(),
        words.targets[packing.rows],
        packing,
        allowed,
        outside,
        np.float32(strength),
    )
    width, size, labels = directions.shape[1], words.marks.shape[1], len(allowed)
    of_dense = len(NEIGHBOURS) * width
    weights = minimise(problem, np.zeros((of_dense + size + 1 + labels, labels), np.float32), at_most=_STEPS)
    return ChainWeights(
        dense=directions @ weights[:of_dense].reshape(len(NEIGHBOURS), width, labels),
        marks=weights[of_dense : of_dense + size],
        bias=weights[of_dense + size],
        moves=weights[of_dense + size + 1 :] + allowed,
    )


def _main_directions(dense: FloatArray) -> FloatArray:
    """Return the orthogonal directions (D, at most 128) in which the vectors of words are long."""
    width = dense.shape[1]
    if width <= _DIRECTIONS:
        return np.eye(width, dtype=np.float32)
    _, directions = np.linalg.eigh((dense.T @ dense).astype(np.float64))  # shortest first
    return directions[:, -_DIRECTIONS:].astype(np.float32)


@dataclass(frozen=True, slots=True)
class ChainProblem:
    """The loss over weights (3 D + M + 1 + L, L): dense, marks, bias, moves. All rows are packed."""

    dense: FloatArray
    marks: sparse.csr_array
    marks_t: sparse.csr_array
    targets: IntArray
    packing: Packing
    allowed: FloatArray
    outside: int
    strength: np.float32

    def state(self, a: FloatArray, k_a: FloatArray) -> State:
        """Return loss and gradient at the weights `a`; the inner product is the plain one.

        Where a step of the descent goes so far that paths vanish in single precision, the loss is infinite.
        """
        labels, width = len(self.allowed), self.dense.shape[1]
        end = len(NEIGHBOURS) * width
        scores = self._dense_scores(a[:end]) + self.marks @ a[end : -labels - 1] + a[-labels - 1]  # (N, L)
        moves = a[-labels:] + self.allowed
        with np.errstate(all="ignore"):
            surprise, error, of_moves = self._surprise(scores, moves)
            is_whole = np.isfinite(surprise) and np.isfinite(of_moves).all() and np.isfinite(error.sum())
        if not is_whole:
            return State(a, a, np.inf, a, a)
        loss = float(self.strength) * surprise + float(np.vdot(a, k_a)) / 2
        error *= self.strength
        gradient = a.copy()
        gradient[:end] += self._dense_gradient(error)
        gradient[end : -labels - 1] += self.marks_t @ error
        gradient[-labels - 1] += error.sum(axis=0)
        gradient[-labels:] += of_moves * self.strength
        return State(a, a, loss, gradient, gradient)

    def _dense_scores(self, a: FloatArray) -> FloatArray:
        """Return the scores that a word's own vector and its neighbours' give: (N, L)."""
        labels, width = a.shape[1], self.dense.shape[1]
        side_by_side = a.reshape(len(NEIGHBOURS), width, labels).transpose(1, 0, 2).reshape(width, -1)
        parts = np.split(self.dense @ side_by_side, len(NEIGHBOURS), axis=1)  # three of (N, L)
        before, own, after = (_with_nobody(part) for part in parts)
        scores: FloatArray = own[:-1] + before[self.packing.before] + after[self.packing.after]
        return scores

    def _dense_gradient(self, error: FloatArray) -> FloatArray:
        """Return the gradient (3 D, L) of `_dense_scores` for the errors of all scores (N, L)."""
        padded = _with_nobody(error)
        # A vector counts before the next word, at its own, and after the word before.
        side_by_side = np.concatenate(
            [padded[self.packing.after], error, padded[self.packing.before]], axis=1
        )
        gradient = self.dense.T @ side_by_side  # (D, 3 L)
        parts: list[FloatArray] = np.split(gradient, len(NEIGHBOURS), axis=1)
        return np.concatenate(parts)

    def _surprise(self, scores: FloatArray, moves: FloatArray) -> tuple[float, FloatArray, FloatArray]:
        """Return the negative log-likelihood of all sentences and its gradients by scores and by moves."""
        edges, steps = self.packing.edges, len(self.packing.edges) - 1
        highest = scores.max(axis=1, keepdims=True)
        likely, follows = np.exp(scores - highest), np.exp(moves)  # (N, L), (L, L)
        forward, scale = np.empty_like(likely), np.empty((len(scores), 1), np.float32)
        came = np.broadcast_to(follows[self.outside], (edges[1], len(follows)))
        for step in range(steps):
            here = slice(edges[step], edges[step + 1])
            reached = came[: edges[step + 1] - edges[step]] * likely[here]
            scale[here] = reached.sum(axis=1, keepdims=True)
            forward[here] = reached / scale[here]
            if step + 1 < steps:
                came = forward[here][: edges[step + 2] - edges[step + 1]] @ follows
        backward, expected = np.ones_like(likely), np.zeros_like(follows)
        for step in range(steps - 2, -1, -1):
            ahead = slice(edges[step + 1], edges[step + 2])
            here = slice(edges[step], edges[step] + edges[step + 2] - edges[step + 1])
            coming = likely[ahead] * backward[ahead] / scale[ahead]
            backward[here] = coming @ follows.T
            expected += forward[here].T @ coming
        expected *= follows
        chances = forward * backward  # (N, L), rows sum to 1
        expected[self.outside] += chances[: edges[1]].sum(axis=0)
        surprise = float((highest + np.log(scale)).sum(dtype=np.float64)) - self._likelihood(scores, moves)
        chances[np.arange(len(chances)), self.targets] -= 1
        np.subtract.at(expected, (self._previous(), self.targets), 1)
        return surprise, chances, expected

    def _likelihood(self, scores: FloatArray, moves: FloatArray) -> float:
        """Return the score of the right tags of all sentences."""
        own = scores[np.arange(len(scores)), self.targets].sum(dtype=np.float64)
        return float(own + moves[self._previous(), self.targets].sum(dtype=np.float64))

    def _previous(self) -> IntArray:
        """Return the tag before each word: (N,)."""
        previous: IntArray = np.append(self.targets, self.outside)[self.packing.before]
        return previous


def _with_nobody(rows: FloatArray) -> FloatArray:
    """Add a row of zeros, to which words without a neighbour point."""
    return np.concatenate([rows, np.zeros((1, rows.shape[1]), np.float32)])
