"""How fast a peer is sent to, and when it is left alone: limits of all its conversations together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


class Pace:
    """The pace of one peer.

    A peer that has enough of one conversation says so to that one, and the others go on. When it refuses a
    second one before the time that it named to the first, it is we who are too fast: then all wait.
    """

    def __init__(
        self, most_per_s: float | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin unhurried.

        Args:
            most_per_s: How many requests the peer takes in a second; None for as many as there are.
            clock: Counts seconds.
        """
        self._between_s = 1 / most_per_s if most_per_s else 0.0
        self._clock = clock
        self._next_at = float("-inf")
        self._refused_until: dict[str, float] = {}

    def refused(self, sender_id: str, wait_s: float) -> None:
        """Note that the peer wants no more for one conversation until so many seconds have passed."""
        self._refused_until[sender_id] = self._clock() + wait_s

    def held_s(self) -> float:
        """Return for how many seconds nothing may be sent to anybody; 0 when it may."""
        now = self._clock()
        self._refused_until = {key: until for key, until in self._refused_until.items() if until > now}
        # The longest wait may be one conversation's own.
        _, *others = sorted(self._refused_until.values(), reverse=True) or (now,)
        return others[0] - now if others else 0.0

    async def turn(self) -> None:
        """Wait until the next request may go."""
        if not self._between_s:
            return
        now = self._clock()
        at = max(now, self._next_at)
        self._next_at = at + self._between_s
        await asyncio.sleep(at - now)
