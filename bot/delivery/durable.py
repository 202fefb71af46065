"""Attempts and the waits between them as DBOS workflows, which go on after a crash where they were.

The order stands in the CRM (`crm_connector.lanes`), the work here: each row that has its turn becomes a
workflow whose id is made from the row's, so that any number of processes may begin it and one carries it out.
It runs at once in the process that began it: a queue of DBOS would have to be asked for work all the time.

Workflows hold numbers of rows only: what customers write is in the CRM and nowhere else.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, SetWorkflowID
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from bot.delivery.executors import Executor, NumberedProcess, OnlyProcess
from bot.delivery.queue_store import QueueStore
from bot.delivery.work import Attempt, Kind
from bot.errors import SettingsError
from crm_connector.database import Store
from crm_connector.lanes import Head

logger = logging.getLogger(__name__)
_dbos_logger = logging.getLogger("dbos")

# Only workflows of the same version are recovered: a change to how they run must not strand what waits.
_VERSION = "1"
_THREADS = 16
_PAGE = 500
_KEPT = timedelta(days=1)
_STUMBLED_S = 5.0


class DurableWork:
    """DBOS, launched for the queues of one process; there is one DBOS in a process, so one of these."""

    def __init__(self, executor: Executor, attempts: Mapping[Kind, Attempt], engine: Engine | None) -> None:
        self._executor = executor
        self._engine = engine
        self._attempts = attempts
        self._under_way: set[asyncio.Task[object]] = set()
        self._is_closing = False

        @DBOS.step(name="attempt")
        async def attempt(kind: str, row_id: int, number: int) -> float | None:
            return await self._attempt(Kind(kind), row_id, number)

        # How often a workflow was recovered says nothing against it: a process may be killed every second.
        @DBOS.workflow(name="carry", max_recovery_attempts=None)
        async def carry(kind: str, row_id: int) -> None:
            number = 1
            while (wait_s := await attempt(kind, row_id, number)) is not None:
                await DBOS.sleep_async(wait_s)
                number += 1

        self._carry = carry

    @classmethod
    async def launch(cls, store: Store, attempts: Mapping[Kind, Attempt]) -> DurableWork:
        """Start DBOS on the running event loop, and take up what this process left when it died.

        Raises:
            SettingsError: The queue's store cannot be used, or another process has it for itself.
        """
        place = await asyncio.to_thread(QueueStore.beside, store)
        executor = await asyncio.to_thread(_executor, place)
        engine = place.open_engine()
        work = cls(executor, attempts, engine)
        # With a handler of ours DBOS adds none, and its log goes where all logs go.
        _dbos_logger.addHandler(logging.NullHandler())
        config: DBOSConfig = {
            "name": "frontdesk",
            "executor_id": executor.name,
            "application_version": _VERSION,
            "serializer": DBOSPortableJSONSerializer(),
            "max_executor_threads": _THREADS,
            "log_level": "WARNING",
            "use_listen_notify": False,
            "system_database_url": place.url,
            "system_database_engine": engine,
            "dbos_system_schema": place.schema,
        }
        try:
            DBOS(config=config)
            DBOS.launch()
        except SQLAlchemyError as error:
            await work.close(grace_s=0.0)
            raise SettingsError(f"the queue of messages cannot be used: {error}") from error
        return work

    async def begin(self, kind: Kind, head: Head) -> None:
        """Carry a row to its end, in the background; see `Work.begin`."""
        with SetWorkflowID(f"{kind}-{head.life}"):
            await DBOS.start_workflow_async(self._carry, str(kind), head.id)

    async def is_carried(self, kind: Kind, head: Head) -> bool:
        """Whether a row's workflow is under way; see `Work.is_carried`."""
        found = await DBOS.get_workflow_status_async(f"{kind}-{head.life}")
        return found is not None and found.status in ("PENDING", "ENQUEUED", "DELAYED")

    async def take_over_from_the_dead(self) -> None:
        """Go on with what other processes had under way when they died."""
        dead = await asyncio.to_thread(self._executor.dead)
        try:
            left = await self._left_by(dead) if dead else []
            for workflow_id in left:
                await DBOS.resume_workflow_async(workflow_id)
        finally:
            await asyncio.to_thread(self._executor.release)
        if left:
            logger.warning("took over %d pieces of work from dead processes", len(left))

    async def forget_finished(self) -> None:
        """Delete what DBOS still knows of work that ended more than a day ago."""
        before = (datetime.now(UTC) - _KEPT).isoformat()
        finished = [""] * _PAGE
        while len(finished) == _PAGE:
            found = await DBOS.list_workflows_async(
                status=["SUCCESS", "ERROR", "CANCELLED"],
                completed_before=before,
                limit=_PAGE,
                load_input=False,
                load_output=False,
            )
            finished = [workflow.workflow_id for workflow in found]
            if finished:
                await DBOS.delete_workflows_async(finished)

    async def close(self, *, grace_s: float) -> None:
        """Let attempts that are under way end, and stop; what waits goes on at the next start."""
        self._is_closing = True
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=grace_s)
        # It would warn of every workflow that waits.
        _dbos_logger.setLevel(logging.ERROR)
        await asyncio.to_thread(DBOS.destroy, destroy_registry=True)
        # DBOS made its threads those of the event loop, and has just ended them.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor())
        self._executor.close()
        if self._engine is not None:
            self._engine.dispose()

    @staticmethod
    async def _left_by(executors: list[str]) -> list[str]:
        found = await DBOS.list_workflows_async(
            status="PENDING", executor_id=executors, load_input=False, load_output=False
        )
        return [workflow.workflow_id for workflow in found]

    async def _attempt(self, kind: Kind, row_id: int, number: int) -> float | None:
        if self._is_closing:
            await asyncio.Event().wait()  # until the event loop ends: it belongs to the next process
        task: asyncio.Task[float | None] = asyncio.ensure_future(self._attempts[kind](row_id, number))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        try:
            return await asyncio.shield(task)
        # A rim: an attempt that raises would end its workflow, and nobody would carry the row on.
        except Exception:
            logger.exception("work on row %d of queue %r stumbled", row_id, str(kind))
            return _STUMBLED_S


def _executor(place: QueueStore) -> Executor:
    if place.schema is not None:
        return NumberedProcess(place.crm, place.schema)
    return OnlyProcess(place.file.with_suffix(".lock") if place.file else None)
