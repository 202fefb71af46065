"""A server that is killed again and again, before a messenger with faults: nothing is lost or reordered."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.deliveries import FAULTS, Outcome, Trial, try_out
from benchmarks.peers.served import write_project


@pytest.fixture(autouse=True)
def quiet_peer() -> None:
    """Say nothing of connections that break: it is what is tried here."""
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train the project that says everything back in two parts."""
    folder = tmp_path_factory.mktemp("echo")
    write_project(folder)
    return folder


def trial(channel: str, *, processes: int = 1) -> Trial:
    """Thirty messages of six customers, while a server is killed twice."""
    return Trial(
        channel=channel,
        messages=30,
        customers=6,
        ahead=3,
        longest_s=60.0,
        kill_every_s=1.5,
        most_kills=2,
        processes=processes,
        faults=FAULTS,
        delay_s=0.05,
        redeliver=0.1,
        seed=7,
    )


def check(outcome: Outcome) -> None:
    """Hold an outcome to the promise."""
    assert outcome.kills > 0
    assert outcome.redeliveries > 0
    assert outcome.lost == outcome.out_of_order == []
    assert (outcome.left_open, outcome.dead_letters) == (0, 0)
    # What was under way when the process died is sent again, and says of itself that it may be twice.
    assert len(outcome.doubled) == outcome.doubled_and_marked_doubtful
    assert outcome.is_sound


@pytest.mark.parametrize("channel", ["telegram", "slack"])
async def test_a_killed_server_loses_and_reorders_nothing(
    channel: str, project: Path, tmp_path: Path
) -> None:
    """Every message is answered once and in order; only a peer that cannot be asked may get one twice."""
    outcome = await try_out(trial(channel), project, f"sqlite:///{tmp_path / 'crm.db'}")
    check(outcome)
    if channel == "slack":
        assert outcome.doubled == []
        assert outcome.marked_doubtful == 0


@pytest.mark.postgresql
async def test_of_two_servers_one_sends_each_message(
    project: Path, new_postgresql: Callable[[], str]
) -> None:
    """Two servers on one PostgreSQL keep the order of each conversation, and take over from the dead."""
    check(await try_out(trial("telegram", processes=2), project, new_postgresql()))
