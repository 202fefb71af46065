"""Who understands, who decides, and what was decided: the seams between a turn and the rooms it asks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol, cast, runtime_checkable

from bot.dialogue.domain import Domain
from bot.dialogue.events import ActionExecuted, Event
from bot.dialogue.messages import ParseResult
from bot.dialogue.tracker import Tracker
from bot.runtime.workers import Workers

logger = logging.getLogger(__name__)

_workers = Workers()


class Parser(Protocol):
    """Who understands text; called from a worker thread."""

    def parse(self, text: str) -> ParseResult:
        """Return intent, entities and the rest."""
        ...


@runtime_checkable
class ParsesInSteps(Protocol):
    """A parser that says which part of its work takes longer than changing threads."""

    def steps(self, text: str) -> Generator[Callable[[], Any], Any, ParseResult]:
        """Yield work, be sent its result, and return what `parse` returns."""
        ...


async def parse(parser: Parser, text: str) -> ParseResult:
    """Understand a text, what takes long in worker threads; the rest changes threads for nothing."""
    if not _has_steps(type(parser)):
        return await asyncio.to_thread(parser.parse, text)
    steps = cast(ParsesInSteps, parser).steps(text)
    try:
        work = next(steps)
        while True:
            work = steps.send(await _workers.run(work))
    except StopIteration as understood:
        return cast(ParseResult, understood.value)


@cache
def _has_steps(kind: type) -> bool:
    """Asked of a protocol for each message this would cost more than a change of threads."""
    return issubclass(kind, ParsesInSteps)


class NextAction(Protocol):
    """What the policies say: the action, how sure they are in [0, 1], and the events to note before it.

    `scores` has one number in [0, 1] per action, in domain order.
    """

    @property
    def confidence(self) -> float: ...  # noqa: D102 (the names say it)
    @property
    def scores(self) -> Sequence[float]: ...  # noqa: D102
    @property
    def policy(self) -> str | None: ...  # noqa: D102
    @property
    def events(self) -> Sequence[Event]: ...  # noqa: D102
    @property
    def is_end_to_end(self) -> bool: ...  # noqa: D102
    @property
    def hide_rule_turn(self) -> bool: ...  # noqa: D102
    def action(self, domain: Domain) -> str: ...  # noqa: D102


class NextActionPolicy(Protocol):
    """Who decides: the ensemble of policies."""

    def predict(self, tracker: Tracker, domain: Domain) -> NextAction:
        """Score every action for the next step."""
        ...


@dataclass(frozen=True, slots=True)
class Choice:
    """The next action and where it comes from; `confidence` in [0, 1]."""

    action: str
    policy: str | None = None
    confidence: float = 1.0
    events: Sequence[Event] = ()
    is_end_to_end: bool = False
    hide_rule_turn: bool = False

    def executed(self, domain: Domain) -> ActionExecuted:
        """Return the event that notes the action; an end-to-end action is noted by its text."""
        spoken = self.action in domain.action_texts
        return ActionExecuted(
            name=None if spoken else self.action,
            action_text=self.action if spoken else None,
            policy=self.policy,
            confidence=self.confidence,
            hide_rule_turn=self.hide_rule_turn,
        )


def choose(tracker: Tracker, domain: Domain, policies: NextActionPolicy) -> Choice:
    """Return the action that comes next: the one that was forced, else the one that the policies say."""
    followup = tracker.followup_action
    if followup:
        if domain.has_action(followup):
            return Choice(followup, "followup_action")
        logger.error("the follow-up action %r is not in the domain; the policies decide", followup)
    predicted = policies.predict(tracker, domain)
    return Choice(
        predicted.action(domain),
        predicted.policy,
        predicted.confidence,
        predicted.events,
        predicted.is_end_to_end,
        predicted.hide_rule_turn,
    )
