"""A peer that limits one conversation holds that one; a peer that limits us holds them all."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from bot.delivery.outbox import DurableOutbox
from bot.delivery.pace import Pace
from bot.delivery.peer import RetryLater
from bot.delivery.sending import Route
from bot.dialogue.events import BotUttered
from crm_connector.choices import Progress
from crm_connector.database import Store
from tests.delivery.peers import ListChannel, rows


class Clock:
    """Stands until it is set."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        """Return its time."""
        return self.now_s


@pytest.mark.parametrize(
    ("refused", "held_s"),
    [
        pytest.param({}, 0.0, id="nobody"),
        pytest.param({"ada": 30.0}, 0.0, id="one conversation is its own matter"),
        pytest.param({"ada": 5.0, "grace": 5.0}, 5.0, id="two of them are ours"),
        pytest.param({"ada": 600.0, "grace": 5.0}, 5.0, id="one waits longer, for itself"),
        pytest.param({"ada": 5.0, "grace": 7.0, "joan": 6.0}, 6.0, id="until one is left"),
        pytest.param({"ada": 0.0, "grace": 5.0}, 0.0, id="one of them may go on already"),
    ],
)
def test_all_wait_when_a_second_conversation_is_refused(refused: Mapping[str, float], held_s: float) -> None:
    """Nothing is sent until one conversation at most has still to wait."""
    clock = Clock()
    peer = Pace(clock=clock)
    for sender_id, wait_s in refused.items():
        peer.refused(sender_id, wait_s)
    assert peer.held_s() == pytest.approx(held_s)
    clock.now_s += held_s
    assert peer.held_s() == 0.0


async def test_requests_are_spread_over_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each request has its moment; whoever comes after a pause goes at once."""
    slept: list[float] = []

    async def sleep(wait_s: float) -> None:
        slept.append(wait_s)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    clock = Clock()
    peer = Pace(4.0, clock=clock)
    for _ in range(3):
        await peer.turn()
    clock.now_s += 10.0
    await peer.turn()
    assert slept == pytest.approx([0.0, 0.25, 0.5, 0.0])


async def test_what_is_held_is_neither_sent_nor_counted(store: Store) -> None:
    """While the peer has enough of us, a third conversation waits untried; then it is sent."""
    clock, peer = Clock(), ListChannel(outcomes=[RetryLater("slow down", after_s=8.0)] * 2)
    outbox = DurableOutbox(store, {"list": Route(peer, pace=Pace(clock=clock))}, wake=lambda _: None)
    for sender_id in ("ada", "grace", "joan"):
        await outbox.put("list", sender_id, [BotUttered(text="hi")])
    ada, grace, joan = (row.id for row in rows(store))
    for row_id in (ada, grace):
        assert await outbox.attempt(row_id, 1) is not None
    held_s = await outbox.attempt(joan, 1)
    assert held_s is not None
    assert 8.0 <= held_s <= 8.9
    assert (rows(store)[2].state, rows(store)[2].attempts) == (Progress.QUEUED, 0)
    assert [outgoing.sender_id for outgoing in peer.attempts] == ["ada", "grace"]
    clock.now_s += held_s
    assert [await outbox.attempt(row_id, 2) for row_id in (joan, ada, grace)] == [None] * 3
    assert peer.texts() == ["hi"] * 3
