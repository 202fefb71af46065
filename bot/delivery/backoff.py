"""How long to wait before something is tried again."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Longer each time, with jitter, so that many who failed together do not come again together.

    `first_s` and `longest_s` are seconds; each wait is between half of its measure and the whole of it.
    After `attempts` there is no further one.
    """

    first_s: float = 1.0
    factor: float = 2.0
    longest_s: float = 600.0
    attempts: int = 24

    def wait_s(self, attempt: int, *, asked_s: float | None = None) -> float | None:
        """Return the seconds before the next attempt, None when there is none.

        Args:
            attempt: Number of the one that failed; starts at 1.
            asked_s: What the peer asked for: then it is this and a little more, never less.
        """
        if attempt >= self.attempts:
            return None
        if asked_s is not None:
            return at_least_s(asked_s)
        jitter = random.random()  # noqa: S311 - spreads load, no secret
        # The exponent is bounded: a float has its limits.
        measure: float = min(self.longest_s, self.first_s * self.factor ** min(attempt - 1, 60))
        return measure * (0.5 + 0.5 * jitter)


def at_least_s(wait_s: float) -> float:
    """Return the wait in seconds that was asked for and a little more, different each time."""
    jitter = random.random()  # noqa: S311 - spreads load, no secret
    return max(wait_s, 0.0) * (1 + 0.1 * jitter) + 0.01


# About two hours in all.
FOR_CHANNELS = Backoff()
# About a day and a half in all: receivers of webhooks are away for a night, or over a deployment.
FOR_WEBHOOKS = Backoff(first_s=5.0, factor=4.0, longest_s=8 * 3600.0, attempts=13)
# Nothing is wrong with a message when no model is loaded or the store is away: it waits as long as it takes.
FOR_OURSELVES = Backoff(first_s=0.5, longest_s=30.0, attempts=1_000_000_000)
