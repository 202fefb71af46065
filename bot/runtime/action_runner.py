"""Runs an action by its name, whatever it is: built in, a response, a form, or the project's own code."""

from __future__ import annotations

import logging
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from bot.dialogue.domain import Domain
from bot.dialogue.events import BotUttered, Event, UnknownEvent
from bot.dialogue.messages import JSON
from bot.dialogue.nlg import bot_uttered, choose, rasa_channel, render
from bot.dialogue.outside_events import event_from_outside
from bot.dialogue.tracker import EventVerbosity, Tracker
from bot.errors import nearest
from bot.runtime import two_stage_fallback
from bot.runtime.custom_actions import ActionFailed, ActionServer, NoActions
from bot.runtime.default_actions import DEFAULT_ACTIONS, Action
from bot.runtime.form_action import run_form
from bot.runtime.slot_extraction import extract_slots

logger = logging.getLogger(__name__)

# Action servers compare this with their own version and warn when they differ much.
PROTOCOL_VERSION = "3.21.1"

BUILT_IN: dict[str, Action] = {
    **DEFAULT_ACTIONS,
    two_stage_fallback.NAME: two_stage_fallback.two_stage_fallback,
    "action_extract_slots": extract_slots,
}


class ResponseWriter(Protocol):
    """Who writes responses in the place of the domain: an NLG server."""

    async def generate(self, request: Mapping[str, JSON]) -> dict[str, JSON]:
        """Return a message for Rasa's `{response, id, arguments, tracker, channel}`.

        Raises:
            ActionFailed: There is none.
        """
        ...


@dataclass(frozen=True, slots=True)
class ActionRunner:
    """Runs actions for one output channel; `dataclasses.replace` makes one for another channel.

    Without a `writer` the domain's own responses are said.
    """

    domain: Domain
    custom: ActionServer = field(default_factory=NoActions)
    channel: str = "rest"
    rng: random.Random = field(default_factory=random.Random)
    writer: ResponseWriter | None = None

    async def run(self, action: str, tracker: Tracker) -> list[Event]:
        """Run an action and return its events; the tracker stays as it is.

        A project's own action wins over a built-in one or a form of the same name.

        Raises:
            ActionRejected: The action does not want to run.
            ActionFailed: It could not run, or the domain does not know it.
        """
        domain = self.domain
        if not domain.has_action(action):
            raise ActionFailed(f"the domain has no action '{action}'{nearest(action, domain.action_names)}")
        own = domain.overrides(action)
        if action in BUILT_IN and not own:
            return await BUILT_IN[action](self, tracker)
        if domain.is_retrieval_action(action):
            return [*await self._say_selected(action, tracker)]
        if action in domain.action_texts:
            return [BotUttered(text=action)]
        if action.startswith("utter_"):
            return [*await self._say_or_complain(action, tracker)]
        if action in domain.forms and not own:
            return await run_form(self, action, tracker)
        return await self.call(action, tracker)

    async def say(self, response: str, tracker: Tracker) -> list[BotUttered]:
        """Return a response as one event, or nothing where the domain has none that fits.

        Raises:
            ActionFailed: An NLG server writes the responses, and it did not.
        """
        fitting = self.domain.responses.get(response, ())
        chosen = choose(fitting, tracker.slots, self.channel, self.rng) if self.writer else None
        message = await self._write(response, tracker, {}, chosen.id if chosen else None)
        return [] if message is None else [bot_uttered(message)]

    async def call(self, action: str, tracker: Tracker) -> list[Event]:
        """Run a custom action: its messages come first, then its events, with their times set to now.

        Raises:
            ActionRejected: The action does not want to run.
            ActionFailed: It could not run, or one of its events is not understood; then none counts.
        """
        payload = {
            "next_action": action,
            "sender_id": tracker.sender_id,
            "tracker": tracker.current_state(events=EventVerbosity.ALL),
            "domain": dict(self.domain.source),
            "version": PROTOCOL_VERSION,
        }
        answer = await self.custom.call(payload)
        try:
            said = [await self._say_answer(item, tracker) for item in answer.get("responses") or ()]
            events = [_event_of_now(item) for item in answer.get("events") or ()]
        except (UnknownEvent, TypeError, AttributeError, KeyError) as error:
            raise ActionFailed(f"action '{action}' answered what is not understood: {error}") from error
        return [*(event for event in said if event), *events]

    async def _write(
        self, response: str, tracker: Tracker, values: Mapping[str, JSON], variation: str | None = None
    ) -> dict[str, JSON] | None:
        """Return a response as a message, with `values` beside the slots; None when none fits."""
        if self.writer is None:
            return render(
                response, self.domain, tracker.slots, channel=self.channel, rng=self.rng, values=values
            )
        request = {
            "response": response,
            "id": variation,
            "arguments": dict(values),
            "tracker": tracker.current_state(events=EventVerbosity.ALL),
            "channel": {"name": rasa_channel(self.channel)},
        }
        return {**await self.writer.generate(request), "utter_action": response}

    async def _say_or_complain(self, response: str, tracker: Tracker) -> list[BotUttered]:
        said = await self.say(response, tracker)
        if not said:
            logger.error("response %r has no variation for channel %r", response, self.channel)
        return said

    async def _say_selected(self, action: str, tracker: Tracker) -> list[BotUttered]:
        """The response selector of the action's own intent decides, else the general one."""
        selectors = tracker.latest_message.parse_data.response_selector if tracker.latest_message else {}
        chosen = selectors.get(action.removeprefix("utter_")) or selectors.get("default")
        if not chosen:
            logger.error("no response selector answered for %r", action)
            return []
        return await self._say_or_complain(chosen["response"]["utter_action"], tracker)

    async def _say_answer(self, answer: Mapping[str, JSON], tracker: Tracker) -> BotUttered | None:
        """Build one message of an action server: a response by name, enriched, or a message of its own."""
        own = {key: value for key, value in answer.items() if key != "response"}
        name, buttons = answer.get("response"), own.get("buttons") or []
        message: dict[str, JSON] = {}
        if name:
            rendered = await self._write(name, tracker, own)
            if rendered is None:
                logger.error("an action asked for response %r, which has no variation that fits", name)
                return None
            message = rendered
        if buttons:
            own["buttons"] = [*(message.get("buttons") or ()), *buttons]
        return bot_uttered(message | {key: value for key, value in own.items() if value})


def _event_of_now(data: Mapping[str, JSON]) -> Event:
    return event_from_outside({key: value for key, value in data.items() if key != "timestamp"})
