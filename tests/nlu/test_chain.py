"""The chain of tags, against all paths written out, and its fitting on sentences that need it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from bot.nlu.chain import best_path, marginals
from bot.nlu.chain_training import ChainProblem, Packing, TaggedWords, fit_chain
from bot.nlu.features import FloatArray
from bot.nlu.tags import OUTSIDE, Tag, transitions

TAGS = [OUTSIDE, Tag("B", "city"), Tag("I", "city")]


def _drawn(seed: int, words: int) -> tuple[FloatArray, FloatArray]:
    random = np.random.default_rng(seed)
    scores = random.normal(0, 2, (words, 3)).astype(np.float32)
    return scores, random.normal(0, 1, (3, 3)).astype(np.float32) + transitions(TAGS)


def _every_path(scores: FloatArray, moves: FloatArray) -> dict[tuple[int, ...], float]:
    paths = itertools.product(range(3), repeat=len(scores))
    return {
        path: float(
            sum(scores[row, tag] for row, tag in enumerate(path))
            + sum(moves[left, right] for left, right in itertools.pairwise((0, *path)))
        )
        for path in paths
    }


@given(st.integers(0, 1_000), st.integers(1, 5))
def test_best_path_is_the_best_of_all(seed: int, words: int) -> None:
    """No sequence of tags scores higher than the one that is found."""
    scores, moves = _drawn(seed, words)
    every = _every_path(scores, moves)
    assert every[tuple(best_path(scores, moves, 0))] == pytest.approx(max(every.values()), abs=1e-4)


@given(st.integers(0, 1_000), st.integers(1, 5))
def test_marginals_are_sums_over_all_paths(seed: int, words: int) -> None:
    """The chance of a tag is the share of all paths that go through it."""
    scores, moves = _drawn(seed, words)
    chances = np.zeros((words, 3))
    for path, score in _every_path(scores, moves).items():
        chances[np.arange(words), path] += np.exp(score)
    assert marginals(scores, moves, 0) == pytest.approx(
        chances / chances.sum(axis=1, keepdims=True), abs=1e-4
    )


def test_path_obeys_the_tags() -> None:
    """The best path takes the second best tag where the best one would contradict its neighbour."""
    scores = np.array([[1.0, 0.5, 3.0], [0.0, 0.0, 3.0]], np.float32)
    assert scores.argmax(axis=1).tolist() == [2, 2]
    assert best_path(scores, transitions(TAGS), 0) == [1, 2]
    assert best_path(scores[:0], transitions(TAGS), 0) == []


@given(st.lists(st.integers(1, 6), min_size=1, max_size=6))
def test_packing_keeps_every_word_and_its_neighbours(lengths: list[int]) -> None:
    """Each word stands once in the packed rows, and points to the words beside it in its sentence."""
    packing = Packing.of(lengths)
    total = sum(lengths)
    assert sorted(packing.rows) == list(range(total))
    firsts = {sum(lengths[:place]) for place in range(len(lengths))}
    flat = np.append(packing.rows, -1)
    for row, word in enumerate(packing.rows):
        assert flat[packing.before[row]] == (-1 if word in firsts else word - 1)
        is_last = word + 1 in firsts or word + 1 == total
        assert flat[packing.after[row]] == (-1 if is_last else word + 1)


@given(st.integers(0, 1_000), st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_gradient_is_that_of_the_loss(seed: int, lengths: list[int]) -> None:
    """Along any direction the loss changes as its gradient says, by finite differences."""
    random = np.random.default_rng(seed)
    total, width, marks = sum(lengths), 2, 3
    present = sparse.csr_array(random.integers(0, 2, (total, marks)).astype(np.float32))
    problem = ChainProblem(
        dense=random.normal(0, 1, (total, width)).astype(np.float32),
        marks=present,
        marks_t=present.T.tocsr(),
        targets=random.integers(0, 2, total),
        packing=Packing.of(lengths),
        allowed=transitions(TAGS),
        outside=0,
        strength=np.float32(2.0),
    )
    weights, direction = random.normal(0, 1, (2, 3 * width + marks + 1 + 3, 3)).astype(np.float32)
    step = np.float32(0.01)
    ahead, behind = (
        problem.state(at, at).loss for at in (weights + step * direction, weights - step * direction)
    )
    slope = float(np.vdot(problem.state(weights, weights).gradient, direction))
    assert (ahead - behind) / (2 * float(step)) == pytest.approx(slope, rel=0.01, abs=0.05)


def test_what_the_word_alone_does_not_tell_is_learnt_from_the_chain() -> None:
    """The same word is B, I or O by what stands before it: by vectors of neighbours and by moves of tags."""
    # Words: 0 "to", 1 "new", 2 "york", 3 "shoes"; "new" begins a city before "york" and nothing else.
    sentences = [([0, 1, 2], [0, 1, 2]), ([0, 1, 3], [0, 0, 0]), ([2, 2], [1, 2]), ([3, 1, 2], [0, 1, 2])] * 4
    flat = np.concatenate([row for row, _ in sentences])
    tags = np.concatenate([row for _, row in sentences])
    words = TaggedWords(
        np.eye(4, dtype=np.float32)[flat],
        sparse.csr_array((len(flat), 1), dtype=np.float32),
        tags,
        [len(row) for row, _ in sentences],
    )
    weights = fit_chain(words, transitions(TAGS), outside=0, strength=10.0)
    for row, expected in sentences:
        own = np.eye(4, dtype=np.float32)[row]
        scores = own @ weights.dense[1] + weights.bias
        scores[1:] += own[:-1] @ weights.dense[0]
        scores[:-1] += own[1:] @ weights.dense[2]
        assert best_path(scores, weights.moves, 0) == expected
    assert np.isneginf(weights.moves[0, 2])
