"""One message through its turn. Start reading here: `Processor.handle`."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot.dialogue.domain import ACTION_LISTEN, SESSION_STARTED_METADATA, Domain
from bot.dialogue.events import (
    ActionExecuted,
    ActionExecutionRejected,
    BotUttered,
    Event,
    SlotSet,
    UserUtteranceReverted,
    UserUttered,
)
from bot.dialogue.intent_payload import parse_intent_payload
from bot.dialogue.messages import JSON, ParseResult, UserMessage
from bot.dialogue.tracker import Tracker
from bot.runtime.action_runner import ActionRunner
from bot.runtime.apologies import ACTION_FAILED, internal_failure
from bot.runtime.custom_actions import ActionRejected
from bot.runtime.incoming_text import clean_text
from bot.runtime.locks import ConversationLocks, Locks
from bot.runtime.next_action import Choice, NextActionPolicy, Parser, choose, parse
from bot.runtime.recent import Recent
from bot.runtime.tracker_store import (
    AlreadyAnswered,
    StoredConversation,
    StoreUnavailable,
    TrackerStore,
    append,
    load,
)
from bot.runtime.turn import SESSION_START, Turn, earlier_replies
from bot.runtime.workers import Begun

logger = logging.getLogger(__name__)

DEFAULT_MAX_PREDICTIONS = 10


@dataclass
class Processor:
    """Takes messages through their turns, those of one conversation in order.

    `marks` (model and assistant id) become metadata of every event. `clock` gives seconds since the epoch.
    """

    domain: Domain
    parser: Parser
    policies: NextActionPolicy
    runner: ActionRunner
    store: TrackerStore
    marks: Mapping[str, JSON] = field(default_factory=dict)
    max_predictions: int = DEFAULT_MAX_PREDICTIONS
    clock: Callable[[], float] = time.time
    locks: Locks = field(default_factory=ConversationLocks)
    _unsaved: dict[str, list[tuple[UserMessage, list[Event]]]] = field(default_factory=dict)
    _trackers: Recent[Tracker] = field(default_factory=Recent)

    async def handle(self, message: UserMessage, *, must_store: bool = False) -> list[BotUttered]:
        """Take one message through its turn and return what the bot says.

        1. The turn waits for the one before it. A message that came before gets its first answer again.
        2. The conversation is loaded, and a new session starts if the last one is over.
        3. The text is understood: the encoder works while the store is read.
        4. The message is noted, slots are filled. If a person owns the conversation, the bot stays silent.
        5. The policies choose an action,       } until `action_listen`,
        6. it runs, and its events are noted,   } at most `max_predictions` times
        7. The turn is stored.

        Raises:
            StoreUnavailable: With `must_store`: the turn is not stored yet. Without it the turn waits for the
                next message, and where nothing can be loaded an apology comes back.
        """
        message = replace(message, text=clean_text(message.text))
        try:
            async with self.locks.hold(message.sender_id):
                understanding = Begun(self._understand(message))
                stored = await load(self.store, message)
                turn = self._turn(message, stored)
                answered = stored.answered
                if answered is None:
                    answered = earlier_replies(turn.tracker.events, message)
                if answered is not None:
                    await self._store_pending(message.sender_id)
                    self._check_stored(message, must_store=must_store)
                    return list(answered)
                try:
                    await self._start_session_if_due(turn, message)
                    parsed = await understanding
                    await self._note(turn, message, parsed)
                    if parsed is not None and not stored.is_with_agent:
                        await self._act(turn)
                # A rim: whatever breaks inside a turn, the customer hears of it and the conversation goes on.
                except Exception:
                    logger.exception("a turn of conversation %r broke off", message.sender_id)
                    turn.log(internal_failure(self.domain, message), ActionExecuted(name=ACTION_LISTEN))
                replies = await self._save(turn, message)
                self._check_stored(message, must_store=must_store)
                return replies
        except StoreUnavailable:
            if must_store:
                raise
            logger.exception("conversation %r cannot be loaded", message.sender_id)
            return [internal_failure(self.domain, message)]

    async def parse(self, text: str) -> ParseResult:
        """Understand a text outside any conversation."""
        if not text.strip():
            return ParseResult(text)
        return parse_intent_payload(text, self.domain) or await parse(self.parser, text)

    async def _understand(self, message: UserMessage) -> ParseResult | None:
        """Understand the message; None when the NLU broke."""
        try:
            return message.parse_data or await self.parse(message.text)
        # A rim: a broken model must not lose what the customer wrote.
        except Exception:
            logger.exception("a message of conversation %r could not be parsed", message.sender_id)
            return None

    def _turn(self, message: UserMessage, stored: StoredConversation) -> Turn:
        tracker = self._trackers.take(message.sender_id)
        if tracker is not None and tracker.domain is self.domain and tracker.precedes(stored.events):
            tracker.apply_all(stored.events[len(tracker.events) :])
        else:
            tracker = Tracker.from_events(message.sender_id, stored.events, self.domain)
        for _, unsaved in self._unsaved.get(message.sender_id, ()):
            tracker.apply_all(unsaved)
        return Turn(tracker, replace(self.runner, channel=message.input_channel), self.marks)

    async def _start_session_if_due(self, turn: Turn, message: UserMessage) -> None:
        if turn.tracker.has_applied_events() and not self._is_expired(turn.tracker):
            return
        if message.metadata:
            turn.log(SlotSet(name=SESSION_STARTED_METADATA, value=dict(message.metadata)))
        await self._run(turn, Choice(SESSION_START))

    def _is_expired(self, tracker: Tracker) -> bool:
        """The time since the last message that was not reverted counts."""
        minutes = self.domain.session_config.session_expiration_time
        applied = reversed(tracker.applied_events())
        said_at = next((event.timestamp for event in applied if isinstance(event, UserUttered)), None)
        return minutes > 0 and said_at is not None and (self.clock() - said_at) / 60 > minutes

    async def _note(self, turn: Turn, message: UserMessage, parsed: ParseResult | None) -> None:
        """Note the message and fill slots; where the NLU broke the turn is forgotten with an apology."""
        turn.log(
            UserUttered(
                text=message.text,
                parse_data=parsed or ParseResult(message.text),
                input_channel=message.input_channel,
                message_id=message.message_id,
                metadata=message.metadata,
            )
        )
        if parsed is None:
            apology = internal_failure(self.domain, message)
            turn.log(apology, UserUtteranceReverted(), ActionExecuted(name=ACTION_LISTEN))
        else:
            await self._extract_slots(turn)

    async def _extract_slots(self, turn: Turn, found: Sequence[Event] = ()) -> None:
        """Fill slots from the latest message; `found` are entities that a policy has seen in it."""
        seen = turn.tracker
        if found:
            seen = turn.tracker.copy()
            seen.apply_all(found)
        turn.log(*await turn.runner.run("action_extract_slots", seen))

    async def _act(self, turn: Turn) -> None:
        while self._may_act(turn.tracker):
            if turn.actions_taken() >= self.max_predictions:
                logger.warning(
                    "conversation %r: stopped after %d actions without action_listen",
                    turn.tracker.sender_id,
                    self.max_predictions,
                )
                return
            choice = choose(turn.tracker, self.domain, self.policies)
            if choice.is_end_to_end:
                await self._extract_slots(turn, choice.events)
            await self._run(turn, choice)
            if choice.action in (ACTION_LISTEN, SESSION_START):
                return

    @staticmethod
    def _may_act(tracker: Tracker) -> bool:
        """A paused conversation hears of nothing but `restart`."""
        message = tracker.latest_message
        return not tracker.paused or (message is not None and message.intent_name == "restart")

    async def _run(self, turn: Turn, choice: Choice) -> None:
        """Run an action; one that fails leaves its `ActionExecuted` alone, and the turn goes on."""
        trial = turn.tracker.copy()
        trial.apply_all(choice.events)
        try:
            events = await turn.runner.run(choice.action, trial)
        except ActionRejected as rejection:
            logger.debug("%s", rejection)
            turn.log(
                ActionExecutionRejected(
                    name=choice.action, policy=choice.policy, confidence=choice.confidence
                )
            )
            return
        # A rim: custom code and action servers fail in every way there is.
        except Exception:
            logger.exception("action %r failed; its events are lost", choice.action)
            events = await self._apologise_once(turn)
        if not any(isinstance(event, ActionExecutionRejected) for event in events):
            turn.log(*choice.events, choice.executed(self.domain))
        turn.log(*events)
        if any(isinstance(event, UserUttered) for event in events):
            await self._extract_slots(turn)

    async def _apologise_once(self, turn: Turn) -> list[Event]:
        """Say that it failed and offer a person, where the domain has words for it.

        The words are the domain's even where an NLG server writes: it may be what failed.
        """
        said = any(event.metadata.get("utter_action") == ACTION_FAILED for event in turn.replies)
        if said:
            return []
        return [*await replace(turn.runner, writer=None).say(ACTION_FAILED, turn.tracker)]

    async def _save(self, turn: Turn, message: UserMessage) -> list[BotUttered]:
        """Store the turn and return its replies; what cannot be stored now waits for the next message."""
        sender_id = message.sender_id
        self._unsaved.setdefault(sender_id, []).append((message, turn.new_events))
        earlier = await self._store_pending(sender_id)
        if sender_id not in self._unsaved:
            self._trackers.put(sender_id, turn.tracker)
        return turn.replies if earlier is None else earlier

    async def _store_pending(self, sender_id: str) -> list[BotUttered] | None:
        """Store the turns that wait, the oldest first; return what another process said to the last one."""
        pending, earlier = self._unsaved.get(sender_id, []), None
        while pending:
            try:
                earlier = await self._append(*pending[0])
            except StoreUnavailable:
                logger.exception("a turn of conversation %r waits until it can be stored", sender_id)
                return None
            pending.pop(0)
        self._unsaved.pop(sender_id, None)
        return earlier

    def _check_stored(self, message: UserMessage, *, must_store: bool) -> None:
        if must_store and message.sender_id in self._unsaved:
            raise StoreUnavailable(
                f"a turn of conversation {message.sender_id!r} waits until it can be stored"
            )

    async def _append(self, message: UserMessage, events: list[Event]) -> list[BotUttered] | None:
        """Store one turn; return what another process said if it was first."""
        try:
            await append(self.store, message, events)
        except AlreadyAnswered as first:
            return first.replies
        return None
