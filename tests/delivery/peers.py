"""Channels whose other end is a list, work that needs no DBOS, and a processor that only echoes."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy import select

from bot.delivery.backoff import FOR_CHANNELS, Backoff
from bot.delivery.peer import Outgoing
from bot.delivery.queues import DurableQueues, Launch, launch_dbos
from bot.delivery.webhooks import WebhookSettings
from bot.delivery.work import Attempt, Kind
from bot.dialogue.events import BotUttered
from bot.dialogue.messages import JSON, UserMessage
from crm_connector import lanes
from crm_connector.database import Store
from crm_connector.lanes import Head
from crm_connector.tables import AcceptedMessage, Delivery

Outcome = str | Exception
"""The peer's id of a message it took, or what went wrong."""


class ListChannel:
    """Takes messages down; `outcomes` are those of the next attempts, afterwards each is taken."""

    def __init__(self, name: str = "list", outcomes: Iterable[Outcome] = ()) -> None:
        self.name = name
        self.outcomes = list(outcomes)
        self.attempts: list[Outgoing] = []
        self.taken: list[Outgoing] = []
        self.gate: asyncio.Event | None = None
        self.rendered: list[tuple[str | None, UserMessage | None]] = []

    def render(self, utterance: BotUttered, answers: UserMessage | None) -> Sequence[Mapping[str, JSON]]:
        """Make one payload of each paragraph."""
        self.rendered.append((utterance.text, answers))
        return [{"text": part} for part in (utterance.text or "").split("\n\n") if part]

    async def send(self, outgoing: Outgoing) -> str | None:
        """Take a message, or do what the next outcome says."""
        self.attempts.append(outgoing)
        if self.gate is not None:
            await self.gate.wait()
        outcome = self.outcomes.pop(0) if self.outcomes else f"peer-{len(self.taken) + 1}"
        if isinstance(outcome, Exception):
            raise outcome
        self.taken.append(outgoing)
        return outcome

    def texts(self, sender_id: str | None = None) -> list[str]:
        """The texts that were taken, all of them or those for one sender."""
        return [
            str(outgoing.payload["text"])
            for outgoing in self.taken
            if sender_id is None or outgoing.sender_id == sender_id
        ]


class AskableChannel(ListChannel):
    """A channel that can say what has arrived; `arrived` are keys with the peer's ids."""

    def __init__(self, name: str = "list", outcomes: Iterable[Outcome] = ()) -> None:
        super().__init__(name, outcomes)
        self.arrived: dict[str, str] = {}
        self.asked: list[str] = []

    async def find_sent(self, outgoing: Outgoing) -> str | None:
        """Look the message up by its key."""
        self.asked.append(outgoing.key)
        return self.arrived.get(outgoing.key)


class Echo:
    """Says each text back, the same for the same message; `failing` are raised first, one a turn."""

    def __init__(self) -> None:
        self.handled: list[UserMessage] = []
        self.failing: list[Exception] = []
        self._answers: dict[tuple[str, str, str], list[BotUttered]] = {}

    async def handle(self, message: UserMessage, *, must_store: bool = False) -> Sequence[BotUttered]:
        """Take one turn."""
        assert must_store
        if self.failing:
            raise self.failing.pop(0)
        key = (message.input_channel, message.sender_id, message.message_id)
        if key not in self._answers:
            self.handled.append(message)
            self._answers[key] = [BotUttered(text=f"You said: {message.text}")]
        return self._answers[key]


class ImmediateWork:
    """Carries rows through their attempts without waiting between them, and forgets all when it is closed.

    `waits` are the seconds that each row would have waited.
    """

    def __init__(self, attempts: Mapping[Kind, Attempt]) -> None:
        self._attempts = attempts
        self._begun: set[tuple[Kind, str]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.waits: defaultdict[int, list[float]] = defaultdict(list)

    async def begin(self, kind: Kind, head: Head) -> None:
        """Carry a row to its end in the background."""
        if (kind, head.life) not in self._begun:
            self._begun.add((kind, head.life))
            self._tasks.add(asyncio.create_task(self._carry(kind, head.id)))

    async def is_carried(self, kind: Kind, head: Head) -> bool:
        """Whether this process has begun it."""
        return (kind, head.life) in self._begun

    async def _carry(self, kind: Kind, row_id: int) -> None:
        number = 1
        while (wait_s := await self._attempts[kind](row_id, number)) is not None:
            self.waits[row_id].append(wait_s)
            number += 1
            await asyncio.sleep(0)

    async def take_over_from_the_dead(self) -> None:
        """Find nobody."""

    async def forget_finished(self) -> None:
        """Keep everything."""

    async def close(self, *, grace_s: float) -> None:  # noqa: ARG002 (the seam's signature)
        """Break off, as a killed process would."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@dataclass
class Served:
    """Queues in service, and who works on them."""

    queues: DurableQueues
    echo: Echo
    work: ImmediateWork | None = None

    async def settled(self) -> None:
        """Wait until nothing is open."""
        await until(lambda: not any(self._open()))

    def _open(self) -> list[int]:
        return [number for counts in self.queues.counts().values() for state, number in counts.items()
                if state in lanes.OPEN]  # fmt: skip


@asynccontextmanager
async def serving(
    store: Store,
    *channels: ListChannel,
    echo: Echo | None = None,
    backoff: Backoff = FOR_CHANNELS,
    webhooks: Mapping[str, WebhookSettings] | None = None,
) -> AsyncIterator[Served]:
    """Serve channels with work that does not wait; at the end it is broken off."""
    works: list[ImmediateWork] = []

    async def launch(_: Store, attempts: Mapping[Kind, Attempt]) -> ImmediateWork:
        works.append(ImmediateWork(attempts))
        return works[0]

    async with started(
        store, *channels, echo=echo, backoff=backoff, webhooks=webhooks, launch=launch
    ) as served:
        served.work = works[0]
        yield served


@asynccontextmanager
async def started(
    store: Store,
    *channels: ListChannel,
    echo: Echo | None = None,
    backoff: Backoff = FOR_CHANNELS,
    webhooks: Mapping[str, WebhookSettings] | None = None,
    launch: Launch = launch_dbos,
) -> AsyncIterator[Served]:
    """Serve channels as a server does."""
    handler = echo or Echo()
    queues = DurableQueues(store, handler, backoff=backoff, launch=launch)
    for channel in channels:
        queues.serve(channel)
    for name, webhook in (webhooks or {}).items():
        queues.serve_webhook(name, webhook)
    await queues.start()
    try:
        yield Served(queues, handler)
    finally:
        await queues.close()


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so, and fail when it does not come to be."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - others than this loop bring it about
            await asyncio.sleep(0.002)


def message(text: str, *, sender_id: str = "ada") -> UserMessage:
    """A message whose text is its id."""
    return UserMessage(text, sender_id, "list", text)


def rows(store: Store) -> list[Delivery]:
    """All deliveries, in the order of queueing."""
    with store.reading() as session:
        return list(session.scalars(select(Delivery).order_by(Delivery.id)))


def accepted(store: Store) -> list[AcceptedMessage]:
    """All messages that were taken in."""
    with store.reading() as session:
        return list(session.scalars(select(AcceptedMessage).order_by(AcceptedMessage.id)))
