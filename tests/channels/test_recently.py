"""What happened a moment ago is remembered for that moment."""

from __future__ import annotations

from bot.channels.recently import Recently


class Clock:
    """A clock that a test sets."""

    now_s = 100.0

    def __call__(self) -> float:
        """Return the time in seconds."""
        return self.now_s


def test_a_name_is_known_within_its_window() -> None:
    """Asking again does not lengthen the window; afterwards it is new."""
    clock = Clock()
    recently = Recently(2.0, clock)
    assert not recently.is_again("press")
    clock.now_s += 1.5
    assert recently.is_again("press")
    assert recently.knows("press")
    clock.now_s += 0.6
    assert not recently.knows("press")
    assert not recently.is_again("press")


def test_a_name_can_be_taken_back() -> None:
    """What did not happen after all is new when it does."""
    recently = Recently(2.0, Clock())
    assert not recently.is_again("press")
    recently.forget("press")
    assert not recently.is_again("press")


def test_the_oldest_names_are_let_go() -> None:
    """However many names there are, memory is bounded."""
    recently = Recently(1e9, Clock())
    for number in range(10_001):
        recently.is_again(str(number))
    assert not recently.knows("0")
    assert recently.knows("10000")
