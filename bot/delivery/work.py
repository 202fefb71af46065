"""What is done about one row of a queue, and who sees to it that it is done to the end."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol, TypeAlias

from crm_connector.lanes import Head, Table
from crm_connector.tables import AcceptedMessage, Delivery


class Kind(StrEnum):
    """The two queues: messages to be handled, messages to be sent."""

    IN = "in"
    OUT = "out"

    @property
    def table(self) -> Table:
        """Where its rows stand."""
        return AcceptedMessage if self is Kind.IN else Delivery


Lane: TypeAlias = tuple[Kind, str, str]
"""A queue, a channel and a `sender_id`: what is in it goes one by one."""


class Wake(Protocol):
    """Who begins with what waits."""

    def __call__(self, lane: Lane) -> None:
        """Look into a lane at once."""
        ...


class Attempt(Protocol):
    """One attempt to do what a row asks for."""

    async def __call__(self, row_id: int, number: int) -> float | None:
        """Try, and write down in the row what came of it; never raises.

        Repeated after a crash it must not do again what it did: it may have been broken off anywhere.

        Args:
            row_id: Of the row.
            number: Which attempt of this work it is; starts at 1.

        Returns:
            Seconds until the next attempt, None when the row is closed.
        """
        ...


class Work(Protocol):
    """Who carries rows through their attempts, whatever happens to the process."""

    async def begin(self, kind: Kind, head: Head) -> None:
        """Carry a row to its end, in the background; what was begun in this life is not begun again."""
        ...

    async def is_carried(self, kind: Kind, head: Head) -> bool:
        """Whether somebody carries a row in this life, here or elsewhere, or will when he is up again."""
        ...


class LaunchedWork(Work, Protocol):
    """Work under way in this process, beside that of others."""

    async def take_over_from_the_dead(self) -> None:
        """Go on with what other processes had under way when they died."""
        ...

    async def forget_finished(self) -> None:
        """Let go of what is known of work that ended long ago."""
        ...

    async def close(self, *, grace_s: float) -> None:
        """Let attempts that are under way end, and stop; what waits goes on at the next start."""
        ...
