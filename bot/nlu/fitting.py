"""Fitting of linear heads: kernel form for sentences, feature form for words. Training only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize, sparse

from bot.nlu.features import Features, FloatArray
from bot.nlu.linear import LinearHead, softmax

IntArray = npt.NDArray[np.int64]
_MEMORY = 8  # pairs that L-BFGS remembers
_ARMIJO = 1e-4


@dataclass(frozen=True, slots=True)
class FeatureMatrix:
    """Features of N texts: `dense` (N, 2H) and `ngrams` (N, V) in rows."""

    dense: FloatArray
    ngrams: sparse.csr_array

    @classmethod
    def stack(cls, features: Sequence[Features], *, width: int, vocabulary_size: int) -> FeatureMatrix:
        """Put the features of texts below each other."""
        rows = [feature.ngrams for feature in features]
        pointers = np.cumsum([0, *(len(row.columns) for row in rows)])
        columns = np.array([column for row in rows for column in row.columns], np.int32)
        values = np.array([value for row in rows for value in row.values], np.float32)
        ngrams = sparse.csr_array((values, columns, pointers), shape=(len(rows), vocabulary_size))
        dense = np.stack([feature.dense for feature in features]) if features else np.zeros((0, width))
        return cls(dense.astype(np.float32), ngrams)

    def kernel(self) -> FloatArray:
        """Return the inner products of all pairs of texts: (N, N)."""
        inner: FloatArray = self.dense @ self.dense.T
        inner += (self.ngrams @ self.ngrams.T).toarray()
        return inner


def fit_kernel(kernel: FloatArray, targets: IntArray, *, labels: int, strength: float) -> FloatArray:
    """Fit softmax regression in its kernel form and return its coefficients A (N, labels).

    Minimises strength * cross entropy + |W|^2 / 2 for W = X'A by L-BFGS in the inner product of W, so that
    a step costs one product with the kernel however many features there are. The bias is one more feature
    of value 1.
    """
    count = len(targets)
    wanted = np.zeros((count, labels), np.float32)
    wanted[np.arange(count), targets] = 1
    problem = _KernelProblem(kernel, wanted, strength)
    state = problem.state(np.zeros((count, labels), np.float32), np.zeros((count, labels), np.float32))
    memory: list[_Pair] = []
    for _ in range(120):
        direction, k_direction = _two_loops(state, memory)
        stepped = problem.search(state, direction, k_direction)
        if stepped is None or state.loss - stepped.loss < 1e-5 * abs(state.loss):
            break
        pair = _Pair.between(state, stepped)
        if pair.curvature > 0:
            memory = [*memory[1 - _MEMORY :], pair]
        state = stepped
    return state.a


@dataclass(frozen=True, slots=True)
class _State:
    """A point of the descent; `k_…` is the kernel times `…`, `gradient` stands in coefficients."""

    a: FloatArray
    k_a: FloatArray
    loss: float
    gradient: FloatArray
    k_gradient: FloatArray


@dataclass(frozen=True, slots=True)
class _Pair:
    step: FloatArray
    k_step: FloatArray
    change: FloatArray
    k_change: FloatArray
    curvature: float

    @classmethod
    def between(cls, old: _State, new: _State) -> _Pair:
        step, change = new.a - old.a, new.gradient - old.gradient
        k_change = new.k_gradient - old.k_gradient
        return cls(step, new.k_a - old.k_a, change, k_change, _inner(step, k_change))


def _inner(left: FloatArray, right: FloatArray) -> float:
    return float(np.einsum("ij,ij->", left, right, dtype=np.float64))


@dataclass(frozen=True, slots=True)
class _KernelProblem:
    kernel: FloatArray
    wanted: FloatArray
    strength: float

    def times_kernel(self, matrix: FloatArray) -> FloatArray:
        product: FloatArray = self.kernel @ matrix + matrix.sum(axis=0, keepdims=True)
        return product

    def loss(self, a: FloatArray, k_a: FloatArray) -> float:
        shifted = k_a - k_a.max(axis=1, keepdims=True)
        likelihood = (self.wanted * shifted).sum(dtype=np.float64) - np.log(np.exp(shifted).sum(axis=1)).sum(
            dtype=np.float64
        )
        return float(-self.strength * likelihood) + _inner(a, k_a) / 2

    def state(self, a: FloatArray, k_a: FloatArray) -> _State:
        gradient = self.strength * (softmax(k_a) - self.wanted) + a
        return _State(a, k_a, self.loss(a, k_a), gradient, self.times_kernel(gradient))

    def search(self, state: _State, direction: FloatArray, k_direction: FloatArray) -> _State | None:
        """Walk along the direction, halving the step until the loss falls enough."""
        slope = _inner(direction, state.k_gradient)
        step = np.float32(1.0)
        for _ in range(20):
            a, k_a = state.a + step * direction, state.k_a + step * k_direction
            if self.loss(a, k_a) <= state.loss + _ARMIJO * float(step) * slope:
                return self.state(a, k_a)
            step *= np.float32(0.5)
        return None


def _two_loops(state: _State, memory: list[_Pair]) -> tuple[FloatArray, FloatArray]:
    """Return the L-BFGS direction and the kernel times it (Nocedal and Wright, algorithm 7.4)."""
    q, k_q = state.gradient.copy(), state.k_gradient.copy()
    alphas = []
    for pair in reversed(memory):
        alpha = _inner(pair.k_step, q) / pair.curvature
        q -= np.float32(alpha) * pair.change
        k_q -= np.float32(alpha) * pair.k_change
        alphas.append(alpha)
    scale = memory[-1].curvature / _inner(memory[-1].change, memory[-1].k_change) if memory else _first(state)
    q *= np.float32(scale)
    k_q *= np.float32(scale)
    for pair, alpha in zip(memory, reversed(alphas), strict=True):
        beta = _inner(pair.k_change, q) / pair.curvature
        q += np.float32(alpha - beta) * pair.step
        k_q += np.float32(alpha - beta) * pair.k_step
    return -q, -k_q


def _first(state: _State) -> float:
    return min(1.0, 10.0 / (math.sqrt(_inner(state.gradient, state.k_gradient)) + 1e-12))


def head_of(
    coefficients: FloatArray, matrix: FeatureMatrix, labels: Sequence[str], *, temperature: float
) -> LinearHead:
    """Turn kernel coefficients (N, L) into the weights that serve."""
    return LinearHead(
        labels=tuple(labels),
        dense=matrix.dense.T @ coefficients,
        ngrams=np.asarray(matrix.ngrams.T @ coefficients, np.float32),
        bias=coefficients.sum(axis=0),
        temperature=temperature,
    )


def fit_features(
    dense: FloatArray, marks: sparse.csr_array, targets: IntArray, *, labels: int, strength: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Fit softmax regression over its weights, for many rows of few features (the words of all sentences).

    Returns:
        The weights of `dense` (D, labels), of `marks` (M, labels), and the bias (labels,).
    """
    rows, width = dense.shape
    size = marks.shape[1]
    wanted = np.zeros((rows, labels), np.float32)
    wanted[np.arange(rows), targets] = 1
    marks_t = marks.T.tocsr()

    def split(flat: npt.NDArray[np.float64]) -> tuple[FloatArray, FloatArray, FloatArray]:
        weights = flat.astype(np.float32).reshape(width + size + 1, labels)
        return weights[:width], weights[width:-1], weights[-1]

    def objective(flat: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        of_dense, of_marks, bias = split(flat)
        chances = softmax(dense @ of_dense + marks @ of_marks + bias)
        loss = -np.log(np.maximum((chances * wanted).sum(axis=1), 1e-12)).sum(dtype=np.float64)
        error = (chances - wanted) * np.float32(strength)
        gradient = np.concatenate([dense.T @ error, marks_t @ error, error.sum(axis=0, keepdims=True)])
        return strength * float(loss) + 0.5 * float(flat @ flat), gradient.ravel().astype(np.float64) + flat

    start = np.zeros((width + size + 1) * labels)
    found = optimize.minimize(
        objective, start, jac=True, method="L-BFGS-B", options={"maxiter": 80, "maxcor": 6, "ftol": 1e-5}
    )
    return split(found.x)
