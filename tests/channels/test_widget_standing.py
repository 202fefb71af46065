"""Customers see who answers them, and can leave something where nobody does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from bot.channels.incoming import Refused
from bot.channels.web_widget.records import Answerer, LeftMessage, Rating, Standing
from bot.channels.web_widget.shown import event_frame
from bot.dialogue.events import AgentUttered, ConversationPaused, ConversationResumed, Event
from bot.dialogue.messages import JSON
from tests.channels.scripted import ScriptedProcessor
from tests.channels.scripted_records import ScriptedRecords
from tests.channels.widget_door import M1, M2, SENDER, Door, frames_until, say, serving

MONDAY = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


@pytest.fixture
def records() -> ScriptedRecords:
    """Begin with an empty CRM."""
    return ScriptedRecords()


@pytest.fixture
def processor(records: ScriptedRecords) -> ScriptedProcessor:
    """Echo, beside a CRM."""
    processor = ScriptedProcessor()
    processor.records = records
    return processor


@pytest.fixture
async def door(processor: ScriptedProcessor) -> AsyncIterator[Door]:
    """Serve the echo."""
    async with serving(processor) as door:
        yield door


async def test_a_page_hears_who_answers(door: Door, records: ScriptedRecords) -> None:
    """The place in the queue, and the person who takes over, come to an open page, each once."""
    async with door.widget() as (line, frames):
        assert frames[0] == {
            "type": "standing",
            "answerer": "assistant",
            "position": None,
            "agent": None,
            "has_assistant": True,
            "opens_at": None,
        }
        records.standing[SENDER] = Standing(Answerer.QUEUE, position=2)
        [queued] = await frames_until(line, "standing")
        assert (queued["answerer"], queued["position"]) == ("queue", 2)
        records.standing[SENDER] = Standing(Answerer.AGENT, agent="Kim")
        [claimed] = await frames_until(line, "standing")
        assert (claimed["answerer"], claimed["agent"]) == ("agent", "Kim")


async def test_the_assistants_dots_are_off_while_a_person_answers(
    door: Door, records: ScriptedRecords
) -> None:
    """A message to a person starts no dots of the assistant's."""
    records.standing[SENDER] = Standing(Answerer.AGENT, agent="Kim")
    async with door.widget() as (line, _):
        await say(line, type="message", message_id=M1, text="hi")
        frames = await frames_until(line, "ack", state="stored")
    assert [frame["on"] for frame in frames if frame["type"] == "typing"] == [False]


async def test_a_page_hears_that_nobody_can_answer(
    door: Door, processor: ScriptedProcessor, records: ScriptedRecords
) -> None:
    """A model that is gone and people who have gone home are told, and when these are back."""
    async with door.widget() as (line, _):
        processor.has_model = False
        [alone] = await frames_until(line, "standing")
        assert (alone["has_assistant"], alone["opens_at"]) == (False, None)
        records.opening.opens = MONDAY
        [closed] = await frames_until(line, "standing")
        assert closed["opens_at"] == MONDAY.timestamp()


@pytest.mark.parametrize("answers", [True, False])
async def test_the_operator_decides_whether_the_assistant_answers_after_hours(
    processor: ScriptedProcessor, records: ScriptedRecords, answers: bool
) -> None:
    """Outside the opening hours the assistant goes on alone, unless it is told not to."""
    records.opening.opens = MONDAY
    async with serving(processor, {"assistant_outside_hours": answers}) as door, door.widget() as (_, frames):
        assert frames[0]["has_assistant"] is answers


async def test_a_crm_that_is_away_for_a_while_is_asked_again(door: Door, records: ScriptedRecords) -> None:
    """A question that fails is asked again, and what changed meanwhile is told."""
    async with door.widget() as (line, _):
        records.failing = Refused("away", code=503, reason="Unavailable")
        left = {"type": "left_message", "text": "Call me.", "email": "mia@shop.example"}
        await say(line, message_id=M1, **left)
        assert (await frames_until(line, "error"))[-1]["reason"] == "Unavailable"
        records.standing[SENDER] = Standing(Answerer.QUEUE, position=1)
        records.failing = None
        [queued] = await frames_until(line, "standing")
        assert queued["position"] == 1


async def test_a_rating_is_kept_once(door: Door, records: ScriptedRecords) -> None:
    """A rating is acknowledged, and kept once however often it comes."""
    async with door.widget() as (line, _):
        await say(line, type="rating", message_id=M1, rating=4)
        assert (await frames_until(line, "error"))[-1]["reason"] == "NothingToRate"
        await say(line, type="message", message_id=M2, text="hi")
        await frames_until(line, "ack", message_id=M2, state="stored")
        for _ in range(2):
            await say(line, type="rating", message_id=M1, rating=4, comment="quick", locale="zh-CN")
            await frames_until(line, "ack", message_id=M1, state="stored")
    assert records.ratings == {f"{SENDER}:{M1}": Rating(M1, 4, "quick", "zh-CN")}


async def test_a_message_for_later_becomes_a_ticket(door: Door, records: ScriptedRecords) -> None:
    """A message that is left is acknowledged with its ticket's number, the same one for the same message."""
    left = {"type": "left_message", "text": "Call me.", "email": "mia@shop.example", "name": "Mia"}
    async with door.widget() as (line, _):
        for message_id in (M1, M1, M2):
            await say(line, message_id=message_id, **left)
        tickets = [(await frames_until(line, "ack"))[-1]["ticket"] for _ in range(3)]
    assert tickets == ["T-10001", "T-10001", "T-10002"]
    assert records.left[f"{SENDER}:{M1}"] == LeftMessage(M1, "Call me.", "mia@shop.example", "Mia")


@pytest.mark.parametrize("is_there", [True, False], ids=["CRM there", "CRM away"])
async def test_answers_before_the_chat_go_with_the_first_message(
    door: Door, processor: ScriptedProcessor, records: ScriptedRecords, is_there: bool
) -> None:
    """The bot gets the answers, the CRM the contact among them; without a CRM the message goes on."""
    answers = {"name": "Mia", "email": "mia@shop.example", "order": "LC1"}
    async with door.widget() as (line, _):
        records.failing = None if is_there else Refused("away", code=503, reason="Unavailable")
        await say(line, type="message", message_id=M1, text="hi", pre_chat=answers)
        await frames_until(line, "ack", state="stored")
    assert processor.handled[0].metadata["pre_chat"] == answers
    contact = {"name": "Mia", "email": "mia@shop.example"}
    assert records.contacts == ({SENDER: contact} if is_there else {})


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        pytest.param(
            AgentUttered(text="Hello", metadata={"agent": "Kim"}),
            {"from": "agent", "name": "Kim", "messages": [{"text": "Hello"}]},
            id="a person speaks",
        ),
        pytest.param(
            ConversationPaused(metadata={"agent": "Kim"}),
            {"from": "desk", "name": "Kim", "event": "joined", "messages": []},
            id="a person comes",
        ),
        pytest.param(
            ConversationResumed(metadata={"agent": "Kim"}),
            {"from": "desk", "name": "Kim", "event": "left", "messages": []},
            id="a person goes",
        ),
        pytest.param(
            ConversationResumed(metadata={"agent": "Kim", "to": "queue"}),
            {"from": "desk", "name": "Kim", "event": "left", "waits": True, "messages": []},
            id="a person goes and another one is to come",
        ),
        pytest.param(ConversationPaused(), None, id="an action pauses the assistant"),
    ],
)
def test_people_are_shown_by_name(event: Event, expected: JSON) -> None:
    """Who speaks at the desk, comes and goes is shown with the name that the desk gives."""
    frame = event_frame(1, event)
    shown = frame and {
        key: value for key, value in frame.items() if key not in ("type", "sequence", "timestamp")
    }
    assert shown == expected
