"""What tests of the commands need."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def torch_stays_as_it_was() -> Iterator[None]:
    """Commands that serve hide torch from their process; the tests after them run in the same one."""
    was_hidden = "torch" in sys.modules and sys.modules["torch"] is None
    yield
    if not was_hidden and "torch" in sys.modules and sys.modules["torch"] is None:
        del sys.modules["torch"]
