"""The actions every assistant has, as Rasa defines them. Loops and slot filling have files of their own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Protocol

from bot.dialogue.domain import ACTION_LISTEN, REQUESTED_SLOT, Domain
from bot.dialogue.events import (
    ActionExecuted,
    ActiveLoop,
    BotUttered,
    Event,
    Restarted,
    SessionStarted,
    SlotSet,
    UserUtteranceReverted,
    UserUttered,
)
from bot.dialogue.messages import NLU_FALLBACK, Intent
from bot.dialogue.nlg import bot_uttered
from bot.dialogue.tracker import Tracker

OUT_OF_SCOPE = "out_of_scope"


class Stage(Protocol):
    """What an action may use: the domain, the bot's voice, and other actions."""

    @property
    def domain(self) -> Domain:
        """The assistant's domain."""
        ...

    async def say(self, response: str, tracker: Tracker) -> list[BotUttered]:
        """Return the response as one event, or nothing where the domain has none that fits."""
        ...

    async def run(self, action: str, tracker: Tracker) -> list[Event]:
        """Run any action by name."""
        ...

    async def call(self, action: str, tracker: Tracker) -> list[Event]:
        """Run a custom action."""
        ...


Action = Callable[[Stage, Tracker], Awaitable[list[Event]]]


async def listen(_stage: Stage, _tracker: Tracker) -> list[Event]:
    """Do nothing: the turn ends."""
    return []


async def restart(stage: Stage, tracker: Tracker) -> list[Event]:
    """Forget everything; the follow-up starts a new session in the same turn."""
    return [*await stage.say("utter_restart", tracker), Restarted()]


async def session_start(stage: Stage, tracker: Tracker) -> list[Event]:
    """Begin a session, with the slots of the last one if the domain says so.

    Slot events of reverted turns are not applied events, so they are not carried.
    """
    carried: list[Event] = []
    if stage.domain.session_config.carry_over_slots_to_new_session:
        carried = [
            SlotSet(name=event.name, value=event.value, metadata=event.metadata)
            for event in tracker.applied_events()
            if isinstance(event, SlotSet)
        ]
    return [SessionStarted(), *carried, ActionExecuted(name=ACTION_LISTEN)]


async def default_fallback(stage: Stage, tracker: Tracker) -> list[Event]:
    """Say that it was not understood, and forget the unclear turn."""
    return [*await stage.say("utter_default", tracker), UserUtteranceReverted()]


async def deactivate_loop(_stage: Stage, _tracker: Tracker) -> list[Event]:
    """Leave the form."""
    return [ActiveLoop(name=None), SlotSet(name=REQUESTED_SLOT, value=None)]


async def back(stage: Stage, tracker: Tracker) -> list[Event]:
    """Go back to before the customer's previous message."""
    return [*await stage.say("utter_back", tracker), UserUtteranceReverted(), UserUtteranceReverted()]


async def ask_affirmation(_stage: Stage, tracker: Tracker) -> list[Event]:
    """Ask whether the likeliest intent was meant."""
    message = tracker.latest_message
    intent = message.intent_name if message else None
    ranking = message.parse_data.intent_ranking if message else ()
    if intent == NLU_FALLBACK and len(ranking) > 1:
        intent = ranking[1].name
    question = {
        "text": f"Did you mean '{intent}'?",
        "buttons": [
            {"title": "Yes", "payload": f"/{intent}"},
            {"title": "No", "payload": f"/{OUT_OF_SCOPE}"},
        ],
        "utter_action": "action_default_ask_affirmation",
    }
    return [bot_uttered(question)]


async def ask_rephrase(stage: Stage, tracker: Tracker) -> list[Event]:
    """Ask for other words."""
    return [*await stage.say("utter_ask_rephrase", tracker)]


async def revert_fallback_events(_stage: Stage, tracker: Tracker) -> list[Event]:
    """Clean up after the two-stage fallback policy of old projects."""
    message = tracker.latest_message
    actions = [
        event.name
        for event in reversed(tracker.applied_events())
        if isinstance(event, ActionExecuted) and event.name != ACTION_LISTEN
    ]
    last, before = (*actions, None, None)[:2]
    if message is None:
        return []
    if last == "action_default_ask_rephrase":
        return [*_forget_turns(3), message]
    if last == "action_default_ask_affirmation":
        rephrased = _forget_turns(3) if before == "action_default_ask_rephrase" else []
        return [*_forget_turns(2), *rephrased, as_certain(message)]
    return []


def _forget_turns(count: int) -> list[Event]:
    return [*(UserUtteranceReverted() for _ in range(count)), ActionExecuted(name=ACTION_LISTEN)]


def as_certain(message: UserUttered) -> UserUttered:
    """Return the message with an intent that is beyond doubt, said now."""
    intent = Intent(message.intent_name, 1.0)
    certain = replace(message.parse_data, intent=intent)
    return UserUttered(
        text=message.text,
        parse_data=certain,
        input_channel=message.input_channel,
        message_id=message.message_id,
        metadata=message.metadata,
    )


DEFAULT_ACTIONS: dict[str, Action] = {
    ACTION_LISTEN: listen,
    "action_restart": restart,
    "action_session_start": session_start,
    "action_default_fallback": default_fallback,
    "action_deactivate_loop": deactivate_loop,
    "action_revert_fallback_events": revert_fallback_events,
    "action_default_ask_affirmation": ask_affirmation,
    "action_default_ask_rephrase": ask_rephrase,
    "action_unlikely_intent": listen,
    "action_back": back,
}
