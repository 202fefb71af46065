"""Waits grow, spread, and come to an end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.delivery.backoff import FOR_CHANNELS, FOR_OURSELVES, FOR_WEBHOOKS, Backoff

HOUR_S = 3600.0


@given(st.integers(1, 200), st.floats(0.1, 100), st.floats(1, 10), st.floats(100, 1e6))
def test_a_wait_is_between_half_of_its_measure_and_all_of_it(
    attempt: int, first_s: float, factor: float, longest_s: float
) -> None:
    """However often something failed, the wait is neither nothing nor longer than the longest."""
    wait_s = Backoff(first_s, factor, longest_s, attempts=1000).wait_s(attempt)
    assert wait_s is not None
    assert min(first_s, longest_s) / 2 <= wait_s <= longest_s


@given(st.floats(0, 1e6))
def test_what_is_asked_for_is_waited(asked_s: float) -> None:
    """A peer that says when is never asked earlier, and not much later."""
    wait_s = Backoff().wait_s(1, asked_s=asked_s)
    assert wait_s is not None
    assert asked_s <= wait_s <= 1.1 * asked_s + 0.02


@pytest.mark.parametrize(
    ("backoff", "least_h", "most_h"), [(FOR_CHANNELS, 1.0, 3.0), (FOR_WEBHOOKS, 24.0, 48.0)]
)
def test_trying_ends(backoff: Backoff, least_h: float, most_h: float) -> None:
    """A messenger is tried for about two hours, a webhook for about a day and a half, and then no more."""
    waits = [backoff.wait_s(attempt) for attempt in range(1, backoff.attempts)]
    assert None not in waits
    assert least_h * HOUR_S < sum(wait for wait in waits if wait is not None) < most_h * HOUR_S
    assert backoff.wait_s(backoff.attempts) is None
    assert backoff.wait_s(backoff.attempts, asked_s=1.0) is None


def test_our_own_failures_are_no_reason_to_give_up() -> None:
    """A message waits for a model or a store as long as it takes."""
    assert FOR_OURSELVES.wait_s(100_000) is not None
