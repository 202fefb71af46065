"""One turn under way: the tracker, what is new in it, and what an earlier delivery of a message was told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot.dialogue.domain import ACTION_LISTEN
from bot.dialogue.events import ActionExecuted, BotUttered, Event, UserUttered
from bot.dialogue.messages import JSON, UserMessage
from bot.dialogue.tracker import Tracker
from bot.runtime.action_runner import ActionRunner

SESSION_START = "action_session_start"


@dataclass(slots=True)
class Turn:
    """The tracker and the runner of one turn; events get `marks` (model and assistant id) as metadata."""

    tracker: Tracker
    runner: ActionRunner
    marks: Mapping[str, JSON] = field(default_factory=dict)
    first_new: int = field(init=False)

    def __post_init__(self) -> None:
        self.first_new = len(self.tracker.events)

    def log(self, *events: Event) -> None:
        """Apply events to the tracker."""
        for event in events:
            marked = replace(event, metadata={**self.marks, **event.metadata}) if self.marks else event
            self.tracker.apply(marked)

    @property
    def new_events(self) -> list[Event]:
        """What this turn added."""
        return self.tracker.events[self.first_new :]

    @property
    def replies(self) -> list[BotUttered]:
        """What the bot said in this turn."""
        return [event for event in self.new_events if isinstance(event, BotUttered)]

    def actions_taken(self) -> int:
        """Count this turn's actions since the last `action_listen` or session start."""
        count = 0
        for event in reversed(self.new_events):
            if isinstance(event, ActionExecuted):
                if event.name in (ACTION_LISTEN, SESSION_START):
                    break
                count += 1
        return count


def earlier_replies(events: Sequence[Event], message: UserMessage) -> list[BotUttered] | None:
    """Return what the bot said when this message came for the first time, None if it never did."""
    for index, event in enumerate(events):
        if isinstance(event, UserUttered) and _is(event, message):
            return list(_replies_from(events[index:], message))
    return None


def _replies_from(events: Iterable[Event], message: UserMessage) -> Iterable[BotUttered]:
    for event in events:
        if isinstance(event, UserUttered) and not _is(event, message):
            return
        if isinstance(event, BotUttered):
            yield event


def _is(event: UserUttered, message: UserMessage) -> bool:
    """Two-stage fallback repeats a message under its own id: that is still the same one."""
    return (event.message_id, event.input_channel) == (message.message_id, message.input_channel)
