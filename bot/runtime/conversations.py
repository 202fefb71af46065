"""What other callers than customers do to a conversation: read it, add events, trigger an intent, act.

Behind Rasa's HTTP API and behind reminders, on the same locks and the same store as customers' turns.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from bot.dialogue.events import (
    ActionExecuted,
    BotUttered,
    Event,
    ReminderScheduled,
    SessionStarted,
    UserUttered,
)
from bot.dialogue.messages import JSON, Entity, Intent, ParseResult, UserMessage
from bot.dialogue.tracker import Tracker
from bot.errors import FrontdeskError, nearest
from bot.runtime.next_action import Choice
from bot.runtime.processor import Processor
from bot.runtime.reminders import EXTERNAL, Reminders, is_due
from bot.runtime.tracker_store import TrackerStore
from bot.runtime.turn import SESSION_START, Turn

logger = logging.getLogger(__name__)

# Rasa's name for "the messages come back in the answer": response variations may be written for it.
COLLECTOR = "collector"


class UnknownName(FrontdeskError):
    """An intent or an action that the domain does not have."""


class ConversationStore(TrackerStore, Protocol):
    """A tracker store that can also show a whole conversation, and put another one in its place."""

    async def transcript(self, sender_id: str, after: int) -> Sequence[tuple[int, Event]]:
        """Return the events of all sessions with a sequence greater than `after`; sequences start at 1."""
        ...

    def replace(self, message: UserMessage, events: Sequence[Event]) -> None:
        """Put `events` in the place of the conversation that a message would belong to.

        Raises:
            StoreUnavailable: It cannot be written just now; the conversation is as it was.
        """
        ...


class Delivery(Protocol):
    """Who brings messages to customers that did not ask just now."""

    def reaches(self, channel: str | None) -> bool:
        """Whether this channel can be written to at any time."""
        ...

    async def push(self, channel: str, sender_id: str, utterances: Sequence[BotUttered]) -> None:
        """Send what was said, already stored; never raises."""
        ...


class NoDelivery:
    """Stands where no channel can be written to."""

    def reaches(self, channel: str | None) -> bool:  # noqa: ARG002 (the seam's signature)
        """Reach nobody."""
        return False

    async def push(self, channel: str, sender_id: str, utterances: Sequence[BotUttered]) -> None:
        """Send nothing."""


@dataclass(frozen=True, slots=True)
class Scores:
    """What would be done next; one score in [0, 1] per action, in domain order."""

    scores: tuple[tuple[str, float], ...]
    policy: str | None
    confidence: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """The conversation after a request, and what the bot said meanwhile."""

    tracker: Tracker
    said: Sequence[BotUttered] = ()


@dataclass(frozen=True, slots=True)
class OpenConversation:
    """A conversation held for one request."""

    turn: Turn
    message: UserMessage
    is_with_agent: bool


@dataclass
class ConversationProcessor(Processor):
    """A processor that other programs may ask to do something in a conversation.

    `channel` is always the one that hears what the bot says, `collector` when the caller hears it.
    """

    store: ConversationStore
    delivery: Delivery = field(default_factory=NoDelivery)
    reminders: Reminders = field(default_factory=Reminders)

    async def knows(self, sender_id: str) -> bool:
        """Whether anything has happened in this conversation."""
        stored = await asyncio.to_thread(self.store.load, UserMessage("", sender_id))
        return bool(stored.events)

    async def tracker(self, sender_id: str) -> Tracker:
        """Return the whole conversation; a new one begins with a session."""
        async with self._opened(sender_id, COLLECTOR) as opened:
            if not opened.turn.tracker.events:
                await self._run(opened.turn, Choice(SESSION_START))
        return await self.history(sender_id)

    async def history(self, sender_id: str) -> Tracker:
        """Return the whole conversation as it is stored, with the events of all its sessions."""
        stored = await self.store.transcript(sender_id, 0)
        return Tracker.from_events(sender_id, (event for _, event in stored), self.domain)

    async def append(
        self, sender_id: str, events: Sequence[Event], *, channel: str = COLLECTOR, side_effects: bool = False
    ) -> Outcome:
        """Add events; with side effects their messages are said and their reminders count."""
        async with self._opened(sender_id, channel, remind=side_effects) as opened:
            if not opened.turn.tracker.events and not _begins_session(events):
                await self._run(opened.turn, Choice(SESSION_START))
            opened.turn.log(*events)
        said = [event for event in events if isinstance(event, BotUttered)] if side_effects else []
        await self.delivery.push(channel, sender_id, said)
        return Outcome(opened.turn.tracker, said)

    async def put(self, sender_id: str, events: Sequence[Event]) -> Tracker:
        """Replace everything that happened in a conversation."""
        async with self.locks.hold(sender_id):
            await asyncio.to_thread(self.store.replace, UserMessage("", sender_id, COLLECTOR), events)
        return Tracker.from_events(sender_id, events, self.domain)

    async def note_message(self, sender_id: str, text: str, parse_data: ParseResult | None) -> Tracker:
        """Note what a customer said and fill slots; nobody answers."""
        async with self._opened(sender_id, COLLECTOR) as opened:
            turn = opened.turn
            await self._start_session_if_due(turn, opened.message)
            parsed = parse_data or await self.parse(text)
            turn.log(UserUttered(text=text, parse_data=parsed, message_id=uuid.uuid4().hex))
            await self._extract_slots(turn)
        return turn.tracker

    async def execute(self, sender_id: str, choice: Choice, *, channel: str = COLLECTOR) -> Outcome:
        """Run one action, whatever the policies would say.

        Raises:
            UnknownName: The domain does not have it.
        """
        if not self.domain.has_action(choice.action):
            guess = nearest(choice.action, self.domain.action_names)
            raise UnknownName(f"the domain has no action '{choice.action}'{guess}")
        async with self._opened(sender_id, channel) as opened:
            await self._start_session_if_due(opened.turn, opened.message)
            await self._run(opened.turn, choice)
        await self.delivery.push(channel, sender_id, opened.turn.replies)
        return Outcome(opened.turn.tracker, opened.turn.replies)

    async def trigger_intent(
        self, sender_id: str, intent: str, entities: Sequence[Entity] = (), *, channel: str = COLLECTOR
    ) -> Outcome:
        """Go on as if the customer had meant this, without a word of hers.

        Raises:
            UnknownName: The domain does not have the intent.
        """
        if intent not in self.domain.intents:
            guess = nearest(intent, self.domain.intents)
            raise UnknownName(f"the domain has no intent '{intent}'{guess}")
        async with self._opened(sender_id, channel) as opened:
            await self._start_session_if_due(opened.turn, opened.message)
            await self._trigger(opened, intent, entities)
        await self.delivery.push(channel, sender_id, opened.turn.replies)
        return Outcome(opened.turn.tracker, opened.turn.replies)

    async def remind(self, sender_id: str, reminder: ReminderScheduled) -> None:
        """Trigger the reminder's intent if it still counts; the latest channel hears the answer."""
        stored = await asyncio.to_thread(self.store.load, UserMessage("", sender_id))
        channel = Tracker.from_events(sender_id, stored.events, self.domain).latest_input_channel
        async with self._opened(sender_id, channel or COLLECTOR) as opened:
            await self._start_session_if_due(opened.turn, opened.message)
            if not is_due(reminder, opened.turn.tracker):
                logger.debug("reminder %r of conversation %r no longer counts", reminder.name, sender_id)
                return
            await self._trigger(opened, reminder.intent, read_entities(reminder.entities))
        await self.delivery.push(channel or COLLECTOR, sender_id, opened.turn.replies)

    async def predict(self, sender_id: str) -> tuple[Scores, Tracker]:
        """Say what would be done next in a conversation; nothing is done."""
        async with self._opened(sender_id, COLLECTOR) as opened:
            await self._start_session_if_due(opened.turn, opened.message)
            scores = await asyncio.to_thread(self.scores, opened.turn.tracker)
        return scores, opened.turn.tracker

    def scores(self, tracker: Tracker) -> Scores:
        """Say what would be done next; a follow-up action leaves the policies no choice."""
        followup = tracker.followup_action
        if followup and self.domain.has_action(followup):
            forced = tuple((name, float(name == followup)) for name in self.domain.action_names)
            return Scores(forced, "followup_action", 1.0)
        said = self.policies.predict(tracker, self.domain)
        scored = tuple(zip(self.domain.action_names, said.scores, strict=True))
        return Scores(scored, said.policy, said.confidence)

    @asynccontextmanager
    async def _opened(
        self, sender_id: str, channel: str, *, remind: bool = True
    ) -> AsyncIterator[OpenConversation]:
        """Hold a conversation, and store what is new in it; if the body breaks, nothing is."""
        message = UserMessage("", sender_id, channel)
        async with self.locks.hold(sender_id):
            stored = await asyncio.to_thread(self.store.load, message)
            turn = self._turn(message, stored)
            yield OpenConversation(turn, message, stored.is_with_agent)
            if turn.new_events:
                await super()._save(turn, message)
                if remind:
                    self.reminders.note(sender_id, turn.new_events)

    async def _save(self, turn: Turn, message: UserMessage) -> list[BotUttered]:
        """Store a customer's turn, and keep the reminders it set."""
        replies = await super()._save(turn, message)
        self.reminders.note(message.sender_id, turn.new_events)
        return replies

    async def _trigger(self, opened: OpenConversation, intent: str, entities: Sequence[Entity]) -> None:
        """Note the intent as an invisible message; where a person owns the conversation nobody answers it."""
        turn, text = opened.turn, f"{EXTERNAL}{intent}"
        # Nobody doubts what nobody said: policies that weigh the NLU's word get a sure one.
        meaning = ParseResult(text, Intent(intent, 1.0), tuple(entities))
        channel = turn.tracker.latest_input_channel
        metadata = {"is_external": True}
        turn.log(UserUttered(text=text, parse_data=meaning, input_channel=channel, metadata=metadata))
        await self._extract_slots(turn)
        if not opened.is_with_agent:
            await self._act(turn)


def read_entities(data: JSON) -> list[Entity]:
    """Read entities of an external event: a list in wire form, or short as `{type: value}`."""
    if isinstance(data, Mapping):
        return [Entity(str(name), value) for name, value in data.items()]
    return [Entity.from_dict(entity) for entity in data or ()]


def travel_back(tracker: Tracker, until: float) -> Tracker:
    """Return the conversation as it was at a time in seconds since the epoch."""
    kept: list[Event] = []
    for event in tracker.events:
        if event.timestamp > until:
            break
        kept.append(event)
    return Tracker.from_events(tracker.sender_id, kept, tracker.domain)


def sessions(tracker: Tracker) -> list[Tracker]:
    """Split a conversation where its sessions start."""
    parts: list[list[Event]] = []
    for event in tracker.events:
        starts = isinstance(event, ActionExecuted) and event.name == SESSION_START
        if starts or not parts:
            parts.append([])
        parts[-1].append(event)
    return [Tracker.from_events(tracker.sender_id, part, tracker.domain) for part in parts]


def _begins_session(events: Sequence[Event]) -> bool:
    match events:
        case [ActionExecuted(name=name), SessionStarted(), *_]:
            return name == SESSION_START
    return False
