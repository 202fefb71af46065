"""What happened a moment ago."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

_REMEMBERED = 10_000


class Recently:
    """Names that were seen within the last `window_s` seconds; `clock` counts seconds."""

    def __init__(self, window_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._window_s = window_s
        self._clock = clock
        self._seen_at_s: OrderedDict[str, float] = OrderedDict()

    def is_again(self, name: str) -> bool:
        """Note a name that was not seen within the window; say whether it was."""
        now_s = self._clock()
        if self.knows(name):
            return True
        self._seen_at_s[name] = now_s
        self._seen_at_s.move_to_end(name)
        if len(self._seen_at_s) > _REMEMBERED:
            self._seen_at_s.popitem(last=False)
        return False

    def knows(self, name: str) -> bool:
        """Whether a name was noted within the window."""
        seen_at_s = self._seen_at_s.get(name)
        return seen_at_s is not None and self._clock() - seen_at_s < self._window_s

    def forget(self, name: str) -> None:
        """Take a name back."""
        self._seen_at_s.pop(name, None)
