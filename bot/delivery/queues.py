"""Inbox, outbox and the work on them, joined: started when a channel or a webhook needs them, or never."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import TypeAlias

from bot.delivery.backoff import FOR_CHANNELS, FOR_WEBHOOKS, Backoff
from bot.delivery.dispatcher import Dispatcher
from bot.delivery.inbox import DurableInbox, Handler
from bot.delivery.outbox import DurableOutbox
from bot.delivery.pace import Pace
from bot.delivery.peer import PacedPeer, QueuedChannel
from bot.delivery.sending import KEPT, Route
from bot.delivery.webhooks import PREFIX, WebhookPeer, WebhookSettings
from bot.delivery.work import Attempt, Kind, Lane, LaunchedWork
from crm_connector import deliveries, lanes
from crm_connector.choices import Progress
from crm_connector.columns import utc_now
from crm_connector.database import Store
from crm_connector.tables import Delivery

logger = logging.getLogger(__name__)

GRACE_S = 8.0
_LOOK_FOR_DEAD_S = 5.0
_TIDY_S = 3600.0
# An event is tried for a day and a half; four days after the first that was given up nobody is there.
_WEBHOOK_OFF_AFTER = timedelta(days=4)

Launch: TypeAlias = Callable[[Store, Mapping[Kind, Attempt]], Awaitable[LaunchedWork]]


async def launch_dbos(store: Store, attempts: Mapping[Kind, Attempt]) -> LaunchedWork:
    """Start what carries work on after a crash.

    Raises:
        SettingsError: The queue's store cannot be used.
    """
    # DBOS takes a quarter of a second to import and to start: not where nothing is queued.
    from bot.delivery.durable import DurableWork  # noqa: PLC0415

    return await DurableWork.launch(store, attempts)


class DurableQueues:
    """What channels and webhooks of a running server lean on."""

    def __init__(
        self,
        store: Store,
        handler: Handler,
        *,
        backoff: Backoff = FOR_CHANNELS,
        launch: Launch = launch_dbos,
    ) -> None:
        self._store = store
        self._backoff = backoff
        self._launch = launch
        self._channels: dict[str, QueuedChannel] = {}
        self._routes: dict[str, Route] = {}
        self._webhooks: list[WebhookPeer] = []
        self._targets: dict[str, Sequence[str]] = {}
        self._work: LaunchedWork | None = None
        self._dispatcher: Dispatcher | None = None
        self._chores: asyncio.Task[None] | None = None
        self.inbox = DurableInbox(store, handler, self._channels, self._wake)
        self.outbox = DurableOutbox(store, self._routes, self._wake)

    def serve(self, channel: QueuedChannel) -> None:
        """Let a channel's messages go through the queues."""
        self._channels[channel.name] = channel
        most_per_s = channel.most_per_s if isinstance(channel, PacedPeer) else None
        self._routes[channel.name] = Route(channel, self._backoff, Pace(most_per_s))
        self._targets[channel.name] = ()

    def serve_webhook(self, name: str, settings: WebhookSettings) -> None:
        """Let a webhook hear of events."""
        peer = WebhookPeer(settings)
        self._webhooks.append(peer)
        self._routes[PREFIX + name] = Route(peer, FOR_WEBHOOKS, off_after=_WEBHOOK_OFF_AFTER)
        self._targets[PREFIX + name] = settings.events

    async def start(self) -> None:
        """Go on with what waits, if there is anybody to serve; on the event loop of the channels.

        Raises:
            SettingsError: The queue's store cannot be used.
        """
        await asyncio.to_thread(self._write_targets)
        if not self._routes:
            return
        attempts = {Kind.IN: self.inbox.attempt, Kind.OUT: self.outbox.attempt}
        self._work = await self._launch(self._store, attempts)
        self._dispatcher = Dispatcher(self._store, self._work, self._routes)
        self._dispatcher.start()
        self._chores = asyncio.get_running_loop().create_task(self._do_chores(self._work))

    async def close(self) -> None:
        """Let what is under way end; what waits goes on at the next start. Messages can still be accepted."""
        if self._chores is not None:
            self._chores.cancel()
            await asyncio.gather(self._chores, return_exceptions=True)
        if self._dispatcher is not None:
            await self._dispatcher.close()
        if self._work is not None:
            await self._work.close(grace_s=GRACE_S)
        for webhook in self._webhooks:
            await webhook.close()
        self._work = self._dispatcher = self._chores = None

    @property
    def is_serving(self) -> bool:
        """Whether anything is queued here."""
        return bool(self._routes)

    def deliveries(self, sender_id: str) -> list[Delivery]:
        """Deliveries to a sender that are still known, in the order of queueing.

        Raises:
            crm_connector.database.StoreUnavailable: They cannot be read.
        """
        with self._store.reading() as session:
            return deliveries.of_conversation(session, sender_id)

    def counts(self) -> Mapping[Kind, Mapping[Progress, int]]:
        """How much waits in each queue, and how much was given up.

        Raises:
            crm_connector.database.StoreUnavailable: They cannot be read.
        """
        with self._store.reading() as session:
            return {kind: lanes.counts(session, kind.table) for kind in Kind}

    def _wake(self, lane: Lane) -> None:
        if self._dispatcher is not None:
            self._dispatcher.wake(lane)

    def _write_targets(self) -> None:
        with self._store.session() as session:
            deliveries.set_targets(session, self._targets, replaced=PREFIX)

    async def _do_chores(self, work: LaunchedWork) -> None:
        loop = asyncio.get_running_loop()
        tidied_at, pause_s = loop.time(), 1.0
        while True:
            try:
                await work.take_over_from_the_dead()
                if loop.time() - tidied_at >= _TIDY_S:
                    tidied_at = loop.time()
                    await work.forget_finished()
                    await asyncio.to_thread(self._forget_closed)
            # A rim: a chore that fails once is done the next time.
            except Exception:
                logger.exception("the queues could not be looked after")
            await asyncio.sleep(pause_s)
            pause_s = _LOOK_FOR_DEAD_S

    def _forget_closed(self) -> None:
        with self._store.session() as session:
            for kind in Kind:
                lanes.forget_closed(session, kind.table, utc_now() - KEPT)
