"""A linear chain of tags: the best path through a sentence, and how sure each of its tags is."""

from __future__ import annotations

import numpy as np

from bot.nlu.features import FloatArray


def best_path(scores: FloatArray, moves: FloatArray, outside: int) -> list[int]:
    """Find the best sequence of tags (Viterbi); before the first word stands `outside`.

    `scores` is (words, L); `moves` (L, L) is what a tag (column) gains after another (row), minus infinity
    where it may not stand there.
    """
    if not len(scores):
        return []
    best = moves[outside] + scores[0]  # (L,)
    came_from = []
    for row in scores[1:]:
        paths = best[:, None] + moves  # (L, L)
        came_from.append(paths.argmax(axis=0))
        best = paths.max(axis=0) + row
    path = [int(best.argmax())]
    for back in reversed(came_from):
        path.append(int(back[path[-1]]))
    return path[::-1]


def marginals(scores: FloatArray, moves: FloatArray, outside: int) -> FloatArray:
    """Return the probability of each tag at each word over all paths: (words, L)."""
    likely = np.exp(scores - scores.max(axis=1, keepdims=True))  # (words, L)
    follows = np.exp(moves)  # (L, L)
    forward, backward = np.empty_like(likely), np.ones_like(likely)
    came = follows[outside]
    for row in range(len(likely)):
        reached = came * likely[row]
        forward[row] = reached / reached.sum()
        came = forward[row] @ follows
    for row in range(len(likely) - 2, -1, -1):
        ahead = follows @ (likely[row + 1] * backward[row + 1])
        backward[row] = ahead / ahead.sum()
    together = forward * backward
    chances: FloatArray = together / together.sum(axis=1, keepdims=True)
    return chances
