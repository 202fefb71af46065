"""The events that count: reverted turns removed, loops folded, kept up to date event by event.

Folding follows Rasa 3.6 (`DialogueStateTracker.applied_events`): policies learn from this list.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.dialogue.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActionReverted,
    ActiveLoop,
    DefinePrevUserUtteredFeaturization,
    Event,
    Restarted,
    SessionStarted,
    UserUtteranceReverted,
    UserUttered,
)


class AppliedEvents:
    """Grows with each event in amortised constant time; `events` is read by others, changed only here."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._loops: set[str] = set()

    def copy(self) -> AppliedEvents:
        """Return an independent list in the same state."""
        twin = AppliedEvents()
        twin.events, twin._loops = list(self.events), set(self._loops)
        return twin

    def append(self, event: Event, log: Sequence[Event]) -> int:
        """Take in the next event; `log` holds the whole conversation, this event included.

        Returns:
            How many leading events stayed as they were.
        """
        if isinstance(event, ActiveLoop) and event.name and event.name not in self._loops:
            self._loops.add(event.name)
            if _ran_before(event.name, log):
                self._rebuild(log)
                return 0
        return self._take(event)

    def _rebuild(self, log: Sequence[Event]) -> None:
        self.events = []
        for event in log:
            self._take(event)

    def _take(self, event: Event) -> int:
        match event:
            case Restarted() | SessionStarted():
                self.events = []
            case ActionReverted():
                self._pop_through(ActionExecuted)
            case UserUtteranceReverted():
                self._pop_through(UserUttered)
                # The customer's turn was preceded by an action_listen, which goes too.
                self._pop_through(ActionExecuted)
            case ActionExecuted(name=str(name)) if name in self._loops and self._continues_loop(name):
                return self._fold_since_last_run(name)
            case _:
                self.events.append(event)
                return len(self.events) - 1
        return len(self.events)

    def _pop_through(self, kind: type[Event]) -> None:
        while self.events:
            if isinstance(self.events.pop(), kind):
                return

    def _continues_loop(self, loop: str) -> bool:
        """Tell whether the loop ran before and nothing but its own questions and answers came since."""
        later_action: str | None = None
        for event in reversed(self.events):
            match event:
                case ActiveLoop(name=None):
                    return False
                case ActionExecutionRejected(name=name) if name == loop:
                    return False
                # Stories hold no rejections: another action after the customer's turn says the same.
                case UserUttered() if later_action not in (None, loop):
                    return False
                case ActionExecuted(name=name):
                    if name == loop:
                        return True
                    later_action = name
        return False

    def _fold_since_last_run(self, loop: str) -> int:
        kept: list[Event] = []
        while self.events:
            event = self.events[-1]
            if isinstance(event, ActionExecuted) and event.name == loop:
                break
            self.events.pop()
            if not isinstance(event, ActionExecuted | UserUttered | DefinePrevUserUtteredFeaturization):
                kept.append(event)
        unchanged = len(self.events)
        self.events.extend(reversed(kept))
        return unchanged


def _ran_before(loop: str, log: Sequence[Event]) -> bool:
    """An action that only now turns out to be a loop folds its earlier runs as well.

    The one run just before its first activation is the usual case and changes nothing.
    """
    return sum(isinstance(event, ActionExecuted) and event.name == loop for event in log) > 1
