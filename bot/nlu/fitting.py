"""Fitting of linear heads by L-BFGS, in kernel form for sentences. Training only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy import sparse

from bot.nlu.features import Features, FloatArray
from bot.nlu.linear import LinearHead, softmax

IntArray = npt.NDArray[np.int64]
_MEMORY = 8  # pairs that L-BFGS remembers
_ROWS = 1000  # texts that are multiplied with all before them at a time
_ARMIJO = 1e-4
_GAIN = 1e-5


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
        for start in range(0, len(inner), _ROWS):
            end = min(start + _ROWS, len(inner))
            part = (self.ngrams[start:end] @ self.ngrams[:end].T).toarray()
            inner[start:end, :end] += part
            inner[:start, start:end] += part[:, :start].T
        return inner


def fit_kernel(kernel: FloatArray, targets: IntArray, *, labels: int, strength: float) -> FloatArray:
    """Fit softmax regression in its kernel form and return its coefficients A (N, labels).

    Minimises strength * cross entropy + |W|^2 / 2 for W = X'A by L-BFGS in the inner product of W, so that
    a step costs one product with the kernel however many features there are. The bias is one more feature
    of value 1.
    """
    start = np.zeros((len(targets), labels), np.float32)
    return minimise(_KernelProblem(kernel, _one_hot(targets, labels), strength), start)


def _one_hot(targets: IntArray, labels: int) -> FloatArray:
    wanted = np.zeros((len(targets), labels), np.float32)
    wanted[np.arange(len(targets)), targets] = 1
    return wanted


@dataclass(frozen=True, slots=True)
class State:
    """A point of the descent; `k_…` is the kernel times `…`, `gradient` stands in coefficients.

    Where the coefficients are the weights themselves, the kernel is the identity.
    """

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
    def between(cls, old: State, new: State) -> _Pair:
        step, change = new.a - old.a, new.gradient - old.gradient
        if new.k_a is new.a:
            return cls(step, step, change, change, _inner(step, change))
        k_change = new.k_gradient - old.k_gradient
        return cls(step, new.k_a - old.k_a, change, k_change, _inner(step, k_change))


def _inner(left: FloatArray, right: FloatArray) -> float:
    return float(np.vdot(left, right))


def _cross_entropy(scores: FloatArray, wanted: FloatArray) -> float:
    shifted = scores - scores.max(axis=1, keepdims=True)
    likelihood = _inner(wanted, shifted)
    return float(np.log(np.exp(shifted).sum(axis=1)).sum(dtype=np.float64)) - likelihood


class Problem(Protocol):
    """Something to minimise."""

    def state(self, a: FloatArray, k_a: FloatArray) -> State:
        """Return loss and gradient at the coefficients `a`; `k_a` is the kernel times `a`."""
        ...


@dataclass(frozen=True, slots=True)
class _KernelProblem:
    kernel: FloatArray
    wanted: FloatArray
    strength: float

    def state(self, a: FloatArray, k_a: FloatArray) -> State:
        loss = self.strength * _cross_entropy(k_a, self.wanted) + _inner(a, k_a) / 2
        gradient = self.strength * (softmax(k_a) - self.wanted) + a
        k_gradient: FloatArray = self.kernel @ gradient + gradient.sum(axis=0, keepdims=True)
        return State(a, k_a, loss, gradient, k_gradient)


def minimise(problem: Problem, start: FloatArray, *, at_most: int = 120) -> FloatArray:
    """Walk down by L-BFGS from zero coefficients until a step gains less than 1e-5 of the loss."""
    state = problem.state(start, start)
    memory: list[_Pair] = []
    for _ in range(at_most):
        direction, k_direction = _two_loops(state, memory)
        stepped = _search(problem, state, direction, k_direction)
        if stepped is None or state.loss - stepped.loss < _GAIN * abs(state.loss):
            break
        pair = _Pair.between(state, stepped)
        if pair.curvature > 0:
            memory = [*memory[1 - _MEMORY :], pair]
        state = stepped
    return state.a


def _search(problem: Problem, state: State, direction: FloatArray, k_direction: FloatArray) -> State | None:
    """Walk along the direction, halving the step until the loss falls enough."""
    slope = _inner(direction, state.k_gradient)
    step = np.float32(1.0)
    for _ in range(20):
        stepped = problem.state(state.a + step * direction, state.k_a + step * k_direction)
        if stepped.loss <= state.loss + _ARMIJO * float(step) * slope:
            return stepped
        step *= np.float32(0.5)
    return None


def _two_loops(state: State, memory: list[_Pair]) -> tuple[FloatArray, FloatArray]:
    """Return the L-BFGS direction and the kernel times it (Nocedal and Wright, algorithm 7.4)."""
    vectors = [state.gradient.copy()]
    if state.k_gradient is not state.gradient:
        vectors.append(state.k_gradient.copy())
    alphas = []
    for pair in reversed(memory):
        alpha = _inner(pair.k_step, vectors[0]) / pair.curvature
        for vector, change in zip(vectors, (pair.change, pair.k_change), strict=False):
            vector -= np.float32(alpha) * change
        alphas.append(alpha)
    scale = memory[-1].curvature / _inner(memory[-1].change, memory[-1].k_change) if memory else _first(state)
    for vector in vectors:
        vector *= np.float32(scale)
    for pair, alpha in zip(memory, reversed(alphas), strict=True):
        beta = _inner(pair.k_change, vectors[0]) / pair.curvature
        for vector, step in zip(vectors, (pair.step, pair.k_step), strict=False):
            vector += np.float32(alpha - beta) * step
    return -vectors[0], -vectors[-1]


def _first(state: State) -> float:
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
