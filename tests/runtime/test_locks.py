"""Order within a conversation."""

from __future__ import annotations

import asyncio

import pytest

from bot.runtime.locks import ConversationLocks


async def test_turns_of_one_sender_go_in_the_order_they_came() -> None:
    """Each waits for the one before it."""
    locks, order = ConversationLocks(), []

    async def turn(name: str) -> None:
        async with locks.hold("s"):
            order.append(f"begin {name}")
            await asyncio.sleep(0)
            order.append(f"end {name}")

    await asyncio.gather(*(turn(name) for name in "abc"))
    assert order == [f"{step} {name}" for name in "abc" for step in ("begin", "end")]


async def test_a_turn_that_breaks_lets_the_next_one_in_and_leaves_nothing() -> None:
    """Locks of nobody are forgotten."""
    locks = ConversationLocks()
    with pytest.raises(ZeroDivisionError):
        async with locks.hold("s"):
            raise ZeroDivisionError
    async with locks.hold("s"):
        assert len(locks) == 1
    assert len(locks) == 0
