"""Rasa's HTTP API on conversations: `/conversations/{id}/…`."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, Depends, Request
from fastapi.responses import PlainTextResponse

from bot.channels.incoming import Refused
from bot.channels.rendering import render_all
from bot.dialogue.events import BotUttered
from bot.dialogue.messages import JSON, ParseResult
from bot.dialogue.tracker import EventVerbosity, Tracker
from bot.runtime.conversations import (
    COLLECTOR,
    ConversationProcessor,
    Outcome,
    Scores,
    read_entities,
    sessions,
    travel_back,
)
from bot.runtime.live import LiveProcessor
from bot.runtime.next_action import Choice
from bot.server.api_requests import is_true, number, read_events, read_mapping_body, refusals, verbosity
from bot.server.auth import Access
from bot.training_data.story_writer import write_test_stories

LATEST = "latest"


class ConversationsApi:
    """The routes; an id may hold slashes."""

    def __init__(self, live: LiveProcessor) -> None:
        self._live = live

    def router(self, access: Access) -> APIRouter:
        """Return the routes, behind authentication."""
        router = APIRouter(
            prefix="/conversations/{conversation_id:path}", dependencies=[Depends(access.check)]
        )
        router.add_api_route("/tracker", self.tracker, methods=["GET"])
        router.add_api_route("/tracker/events", self.append_events, methods=["POST"])
        router.add_api_route("/tracker/events", self.replace_events, methods=["PUT"])
        router.add_api_route("/story", self.story, methods=["GET"], response_model=None)
        router.add_api_route("/execute", self.execute, methods=["POST"])
        router.add_api_route("/trigger_intent", self.trigger_intent, methods=["POST"])
        router.add_api_route("/predict", self.predict, methods=["POST"])
        router.add_api_route("/messages", self.add_message, methods=["POST"])
        return router

    async def tracker(self, conversation_id: str, request: Request) -> JSON:
        """Return the conversation, at `until` if that is given; a new one begins with a session."""
        shown, until = verbosity(request), number(request, "until")
        async with refusals():
            tracker = await self._live.processor.tracker(conversation_id)
        return (tracker if until is None else travel_back(tracker, until)).current_state(events=shown)

    async def append_events(self, conversation_id: str, request: Request) -> JSON:
        """Add one event or a list."""
        async with refusals():
            processor = self._live.processor
            events, shown = await read_events(request), verbosity(request)
            if not events:
                raise Refused("Couldn't extract a proper event from the request body.")
            channel = await _output_channel(request, processor, conversation_id)
            effects = is_true(request, "execute_side_effects")
            await processor.append(conversation_id, events, channel=channel, side_effects=effects)
            return (await processor.history(conversation_id)).current_state(events=shown)

    async def replace_events(self, conversation_id: str, request: Request) -> JSON:
        """Put other events in the place of the conversation."""
        async with refusals():
            processor = self._live.processor
            events, shown = await read_events(request), verbosity(request)
            return (await processor.put(conversation_id, events)).current_state(events=shown)

    async def story(self, conversation_id: str, request: Request) -> PlainTextResponse:
        """Return the conversation's last session, or `all_sessions`, as test stories."""
        until = number(request, "until")
        async with refusals():
            processor = await self._known(conversation_id)
            parts = sessions(await processor.history(conversation_id))
        parts = parts if is_true(request, "all_sessions") else parts[-1:]
        if until is not None:
            parts = [part for part in (travel_back(part, until) for part in parts) if part.events]
        names = [conversation_id]
        if len(parts) > 1:
            names = [f"{conversation_id}, story {index}" for index in range(1, len(parts) + 1)]
        stories = [(name, part.events) for name, part in zip(names, parts, strict=False)]
        return PlainTextResponse(write_test_stories(stories))

    async def execute(self, conversation_id: str, request: Request) -> JSON:
        """Run one action.

        Unlike in Rasa, which shows the conversation as it was before, the answer holds what the action did.
        """
        async with refusals():
            processor = await self._known(conversation_id)
            body = await read_mapping_body(request)
            choice = Choice(
                action=_name(body, "action"),
                policy=body.get("policy"),
                confidence=float(body.get("confidence") or 0.0),
            )
            shown = verbosity(request)
            channel = await _output_channel(request, processor, conversation_id)
            outcome = await processor.execute(conversation_id, choice, channel=channel)
            return await _answer(outcome, processor, channel, shown)

    async def trigger_intent(self, conversation_id: str, request: Request) -> JSON:
        """Go on as if the customer had meant an intent."""
        async with refusals():
            processor = self._live.processor
            body = await read_mapping_body(request)
            intent, shown = _name(body, "intent"), verbosity(request)
            if intent not in processor.domain.intents:
                text = f"The intent {intent} does not exist in the domain."
                raise Refused(text, code=404, reason="NotFound")
            channel = await _output_channel(request, processor, conversation_id)
            try:
                entities = read_entities(body.get("entities"))
            except (TypeError, KeyError, AttributeError) as error:
                raise Refused("'entities' must be a list of entities, or map types to values.") from error
            outcome = await processor.trigger_intent(conversation_id, intent, entities, channel=channel)
            return await _answer(outcome, processor, channel, shown)

    async def predict(self, conversation_id: str) -> JSON:
        """Say what would be done next, the likeliest action first."""
        async with refusals():
            processor = await self._known(conversation_id)
            scores, _ = await processor.predict(conversation_id)
            tracker = await processor.history(conversation_id)
        return predicted(scores, tracker, EventVerbosity.AFTER_RESTART, ranked=True)

    async def add_message(self, conversation_id: str, request: Request) -> JSON:
        """Note a message of the customer; nobody answers it."""
        async with refusals():
            processor = self._live.processor
            body = await read_mapping_body(request, _NO_MESSAGE)
            shown, sender, text = verbosity(request), body.get("sender"), body.get("text")
            if sender != "user":
                raise Refused(
                    "Currently, only user messages can be passed to this endpoint. "
                    f"Messages of sender '{sender}' cannot be handled.",
                    details={"parameter": "sender", "in": "body"},
                )
            if not isinstance(text, str):
                raise Refused("'text' must be a string.", details={"parameter": "text", "in": "body"})
            await processor.note_message(conversation_id, text, _parse_data(body.get("parse_data"), text))
            return (await processor.history(conversation_id)).current_state(events=shown)

    async def _known(self, conversation_id: str) -> ConversationProcessor:
        processor = self._live.processor
        if not await processor.knows(conversation_id):
            raise Refused("Conversation ID not found.", code=404, reason="Not found")
        return processor


_NO_MESSAGE = (
    "No message defined in request body. Add a message to the request body in order to add it to the tracker."
)


def predicted(scores: Scores, tracker: Tracker, shown: EventVerbosity, *, ranked: bool = False) -> JSON:
    """Return a prediction as Rasa does; `ranked` puts the best first, else the domain's order holds."""
    pairs: Sequence[tuple[str, float]] = scores.scores
    if ranked:
        pairs = sorted(pairs, key=lambda pair: (-pair[1], pair[0]))
    return {
        "scores": [{"action": action, "score": score} for action, score in pairs],
        "policy": scores.policy,
        "confidence": scores.confidence,
        # What was forced has been taken up by now.
        "tracker": tracker.current_state(events=shown) | {"followup_action": None},
    }


async def _output_channel(request: Request, processor: ConversationProcessor, conversation_id: str) -> str:
    """Return the channel that hears the answer: the one asked for, where it can be written to."""
    asked = request.query_params.get("output_channel")
    if asked == LATEST:
        asked = (await processor.history(conversation_id)).latest_input_channel
    return asked if asked is not None and processor.delivery.reaches(asked) else COLLECTOR


async def _answer(
    outcome: Outcome, processor: ConversationProcessor, channel: str, shown: EventVerbosity
) -> JSON:
    sender_id = outcome.tracker.sender_id
    answer: dict[str, JSON] = {"tracker": (await processor.history(sender_id)).current_state(events=shown)}
    if channel == COLLECTOR:
        answer["messages"] = _messages(sender_id, outcome.said)
    return answer


def _messages(sender_id: str, said: Sequence[BotUttered]) -> list[JSON]:
    return [{"recipient_id": sender_id} | message.as_dict() for message in render_all(said)]


def _name(body: dict[str, JSON], what: str) -> str:
    name = body.get("name")
    if not isinstance(name, str) or not name:
        text = f"Name of the {what} not provided in request body."
        raise Refused(text, details={"parameter": "name", "in": "body"})
    return name


def _parse_data(data: JSON, text: str) -> ParseResult | None:
    if data is None:
        return None
    try:
        return ParseResult.from_dict({"text": text} | data)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise Refused(f"'parse_data' is not what a parse returns: {error}") from error
