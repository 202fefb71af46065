"""What this process still holds of conversations it took part in lately; the oldest ones are let go."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Generic, TypeVar

Value = TypeVar("Value")

DEFAULT_SIZE = 256


class Recent(Generic[Value]):
    """Values by conversation, for several threads; who takes one out has it alone until it is put back."""

    def __init__(self, size: int = DEFAULT_SIZE) -> None:
        self._size = size
        self._values: OrderedDict[str, Value] = OrderedDict()
        self._changing = threading.Lock()

    def take(self, sender_id: str) -> Value | None:
        """Take the value of a conversation out, None when there is none."""
        with self._changing:
            return self._values.pop(sender_id, None)

    def put(self, sender_id: str, value: Value) -> None:
        """Keep a value as the newest one."""
        with self._changing:
            self._values[sender_id] = value
            self._values.move_to_end(sender_id)
            if len(self._values) > self._size:
                self._values.popitem(last=False)
