"""What goes wrong between us and a messenger's servers: said beforehand, or drawn with a seed."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Fault(StrEnum):
    """One way in which a request goes wrong; a dropped one gets no answer."""

    RATE_LIMIT = "rate_limit"
    SERVER_ERROR = "server_error"
    DROP_BEFORE = "drop_before"  # the connection breaks before the request is carried out
    DROP_AFTER = "drop_after"  # it is carried out, and the answer is lost


@dataclass
class Faults:
    """Which requests go wrong.

    Attributes:
        rates: Chance of each fault in [0, 1], for requests without a script.
        retry_after_s: Whole seconds that a rate limit asks to wait.
        delay_s: Longest time that an answer takes; each one is drawn between 0 and this.
        seed: Same seed, same faults, as long as the requests come in the same order.
    """

    rates: Mapping[Fault, float] = field(default_factory=dict)
    retry_after_s: int = 1
    delay_s: float = 0.0
    seed: int = 1
    _script: deque[tuple[str, Fault]] = field(default_factory=deque)
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)  # noqa: S311 - no secret depends on it

    def expect(self, method: str, *faults: Fault) -> None:
        """Let the next requests of a method go wrong, one after the other."""
        self._script.extend((method, fault) for fault in faults)

    def draw(self, method: str) -> Fault | None:
        """Say what happens to a request of this method; None when all goes well."""
        for index, (name, fault) in enumerate(self._script):
            if name == method:
                del self._script[index]
                return fault
        chance = self._random.random()
        for fault, rate in self.rates.items():
            if chance < rate:
                return fault
            chance -= rate
        return None

    def delay(self) -> float:
        """Draw how many seconds an answer takes."""
        return self._random.random() * self.delay_s


@dataclass
class CountedFaults(Faults):
    """Faults that are counted; `count` says how many requests went wrong."""

    count: int = 0

    def draw(self, method: str) -> Fault | None:
        """Say what happens to a request, and count it when it goes wrong."""
        fault = super().draw(method)
        self.count += fault is not None
        return fault
