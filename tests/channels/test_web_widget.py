"""The widget's socket loses and doubles nothing, answers in order, and refuses what is wrong."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
import websockets

from bot.dialogue.events import AgentUttered, BotUttered, UserUttered
from bot.dialogue.messages import JSON
from tests.channels.scripted import ScriptedProcessor
from tests.channels.widget_door import CONVERSATION, M1, SENDER, Door, frames_until, hear, said, say, serving


@pytest.fixture
def processor() -> ScriptedProcessor:
    """Echo what it is told."""
    return ScriptedProcessor()


@pytest.fixture
async def door(processor: ScriptedProcessor) -> AsyncIterator[Door]:
    """Serve the echo."""
    async with serving(processor) as door:
        yield door


async def test_a_message_is_acknowledged_and_answered_between_dots(door: Door) -> None:
    """A message gets: received, dots on, itself and the answer with sequences, stored, dots off."""
    async with door.widget() as (line, _):
        await say(line, type="message", message_id=M1, text=" hello ", title="Say hello", locale="en-GB")
        frames = await frames_until(line, "typing", on=False)
    kinds = [(f["type"], f.get("state", f.get("on"))) for f in frames]
    assert sorted(kinds[:2]) == [("ack", "received"), ("typing", True)]
    assert kinds[2:] == [("event", None), ("event", None), ("ack", "stored"), ("typing", False)]
    assert said(frames) == ["customer: Say hello", "assistant: You said: hello"]
    assert [f["sequence"] for f in frames if f["type"] == "event"] == [1, 3]
    assert frames[2]["message_id"] == M1


async def test_a_reconnected_widget_gets_exactly_what_it_missed(
    door: Door, processor: ScriptedProcessor
) -> None:
    """After a loss, what came after the last sequence is sent, and nothing before it."""
    async with door.widget() as (line, _):
        await say(line, type="message", message_id=M1, text="one")
        await frames_until(line, "typing", on=False)
    processor.add(SENDER, AgentUttered(text="This is Kim."))
    async with door.widget(last_sequence=1) as (_, missed):
        assert said(missed) == ["assistant: You said: one", "agent: This is Kim."]
        assert (missed[-1]["last_sequence"], missed[-1]["typing"]) == (4, False)
    async with door.widget(last_sequence=4) as (_, missed):
        assert said(missed) == []


async def test_a_turn_survives_the_loss_of_its_connection(door: Door, processor: ScriptedProcessor) -> None:
    """A message whose connection is lost in mid-turn is answered, once, and re-sending it changes nothing."""
    processor.gate = asyncio.Event()
    async with door.widget() as (line, _):
        await say(line, type="message", message_id=M1, text="one")
        await frames_until(line, "ack", state="received")
    async with door.widget() as (line, missed):
        assert [frame["type"] for frame in missed] == ["standing", "ready"]
        assert missed[-1]["typing"] is True
        await say(line, type="message", message_id=M1, text="one")
        await frames_until(line, "ack", state="received")
        processor.gate.set()
        frames = await frames_until(line, "typing", on=False)
        assert said(frames) == ["customer: one", "assistant: You said: one"]
        await say(line, type="message", message_id=M1, text="one")
        again = await frames_until(line, "ack", state="stored")
    assert said(again) == []
    assert len(processor.handled) == 1


async def test_two_pages_show_the_same_conversation(door: Door) -> None:
    """What is said in one page comes to the other one, too."""
    async with door.widget() as (one, _), door.widget() as (other, _):
        await say(one, type="message", message_id=M1, text="hi")
        expected = ["customer: hi", "assistant: You said: hi"]
        assert said(await frames_until(one, "typing", on=False)) == expected
        assert said(await frames_until(other, "typing", on=False)) == expected


async def test_messages_are_answered_in_their_order(door: Door, processor: ScriptedProcessor) -> None:
    """Messages sent while a turn is under way wait for it, and keep their order."""
    processor.gate = asyncio.Event()
    async with door.widget() as (line, _):
        for number in range(5):
            await say(line, type="message", message_id=f"{number}" * 20, text=f"{number}")
            await frames_until(line, "ack", message_id=f"{number}" * 20)
        processor.gate.set()
        frames = await frames_until(line, "typing", on=False)
    assert [m.text for m in processor.handled] == ["0", "1", "2", "3", "4"]
    assert said(frames)[1::2] == [f"assistant: You said: {number}" for number in range(5)]


async def test_somebody_else_can_add_to_an_open_conversation(
    door: Door, processor: ScriptedProcessor
) -> None:
    """What an agent says comes to the open page when the channel is told of it."""
    async with door.widget() as (line, _):
        processor.add(SENDER, AgentUttered(text="This is Kim."))
        processor.add(SENDER, UserUttered(text="EXTERNAL: reminder"))
        await door.channel.notify(SENDER)
        await door.channel.notify("nobody listens here")
        assert said([await hear(line)]) == ["agent: This is Kim."]


async def test_a_wiped_store_starts_the_widget_anew(door: Door, processor: ScriptedProcessor) -> None:
    """A widget that names a sequence the store never had is told to begin again."""
    processor.add(SENDER, BotUttered(text="new"))
    async with door.widget(last_sequence=900) as (_, frames):
        assert [frame["type"] for frame in frames] == ["reset", "event", "standing", "ready"]


async def test_only_the_last_part_of_a_long_conversation_is_replayed(
    door: Door, processor: ScriptedProcessor
) -> None:
    """A newly opened page gets the last 200 utterances."""
    for number in range(250):
        processor.add(SENDER, BotUttered(text=str(number)))
    async with door.widget() as (_, frames):
        texts = said(frames)
    assert (len(texts), texts[0], texts[-1]) == (200, "assistant: 50", "assistant: 249")


async def test_a_failing_turn_ends_the_dots_and_can_be_sent_again(
    door: Door, processor: ScriptedProcessor
) -> None:
    """A turn that raises gives an error that names the message, dots off, and a second chance."""
    processor.failing = RuntimeError("secret detail")
    async with door.widget() as (line, _):
        await say(line, type="message", message_id=M1, text="hi")
        frames = await frames_until(line, "typing", on=False)
        [error] = [frame for frame in frames if frame["type"] == "error"]
        assert (error["reason"], error["message_id"]) == ("NotAnswered", M1)
        assert "secret" not in json.dumps(frames)
        processor.failing = None
        await say(line, type="message", message_id=M1, text="hi")
        assert said(await frames_until(line, "typing", on=False))[1:] == ["assistant: You said: hi"]


@pytest.mark.parametrize("is_readable", [True, False], ids=["not stored", "not readable"])
async def test_an_honest_word_is_heard_though_nothing_could_be_stored(
    door: Door, processor: ScriptedProcessor, is_readable: bool
) -> None:
    """What the bot says in a turn that the store did not take is shown, and the message can be sent again."""
    processor.script = lambda _: [BotUttered(text="Sorry, I cannot look into our records now.")]
    async with door.widget() as (line, _):
        processor.forgets = True
        processor.transcript_failing = None if is_readable else OSError("store away")
        await say(line, type="message", message_id=M1, text="hi")
        frames = await frames_until(line, "typing", on=False)
    assert said(frames) == ["assistant: Sorry, I cannot look into our records now."]
    assert [frame["message_id"] for frame in frames if frame["type"] == "error"] == [M1]


async def test_a_store_that_is_away_asks_the_widget_to_come_again(
    door: Door, processor: ScriptedProcessor
) -> None:
    """Without a readable transcript the socket says so and is closed with "try again later"."""
    processor.transcript_failing = OSError("store away")
    async with door.socket() as line:
        await say(line, type="hello", conversation_id=CONVERSATION)
        assert (await hear(line))["reason"] == "Unavailable"
        await line.wait_closed()
        assert line.close_code == 1013


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        pytest.param("{", "BadRequest", id="no JSON"),
        pytest.param("[]", "BadRequest", id="no object"),
        pytest.param(b"\xff\x00", "BadRequest", id="bytes"),
        pytest.param({}, "UnknownType", id="no type"),
        pytest.param({"type": "mesage"}, "UnknownType", id="unknown type"),
        pytest.param({"type": ["message"]}, "UnknownType", id="odd type"),
        pytest.param({"type": "hello", "conversation_id": CONVERSATION}, "BadRequest", id="hello twice"),
        pytest.param({"type": "message", "message_id": M1}, "BadRequest", id="no text"),
        pytest.param({"type": "message", "message_id": M1, "text": " "}, "BadRequest", id="blank"),
        pytest.param({"type": "message", "message_id": M1, "text": 7}, "BadRequest", id="wrong type"),
        pytest.param(
            {"type": "message", "message_id": M1, "text": "a" * 10_001}, "MessageTooLong", id="long"
        ),
        pytest.param({"type": "message", "text": "hi"}, "BadRequest", id="no id"),
        pytest.param({"type": "message", "message_id": "1", "text": "hi"}, "BadRequest", id="short id"),
    ],
)
async def test_a_bad_frame_gets_an_error_and_the_line_stays(
    door: Door, processor: ScriptedProcessor, frame: JSON, reason: str
) -> None:
    """A frame that is wrong is answered with a reason, and a ping after it with a pong."""
    async with door.widget() as (line, _):
        await line.send(frame if isinstance(frame, str | bytes) else json.dumps(frame))
        error = await hear(line)
        assert (error["type"], error["reason"]) == ("error", reason)
        await say(line, type="ping")
        assert await hear(line) == {"type": "pong"}
    assert processor.handled == []


async def test_a_line_of_nonsense_is_closed(door: Door) -> None:
    """After 20 bad frames the socket is closed for breaking the rules."""
    async with door.widget() as (line, _):
        for _ in range(20):
            await say(line, type="nonsense")
        await frames_until(line, "error", reason="TooManyErrors")
        await line.wait_closed()
        assert line.close_code == 1008


@pytest.mark.parametrize(
    "first",
    [
        pytest.param({"type": "ping"}, id="no hello"),
        pytest.param({"type": "hello", "conversation_id": "guess"}, id="an id that can be guessed"),
        pytest.param({"type": "hello", "conversation_id": CONVERSATION, "last_sequence": -1}, id="negative"),
        pytest.param(
            {"type": "hello", "conversation_id": CONVERSATION, "last_sequence": "1"}, id="no number"
        ),
    ],
)
async def test_without_a_proper_hello_the_line_is_closed(door: Door, first: JSON) -> None:
    """The first frame must be a hello with an id that nobody can guess."""
    async with door.socket() as line:
        await say(line, **first)
        assert (await hear(line))["type"] == "error"
        await line.wait_closed()
        assert line.close_code == 1008


async def test_a_flood_is_slowed_down(processor: ScriptedProcessor) -> None:
    """More messages than allowed are refused with the time to wait, in every connection."""
    async with serving(processor, {"burst": 2, "messages_per_minute": 1}) as door:
        async with door.widget() as (line, _):
            for number in range(2):
                await say(line, type="message", message_id=f"{number}" * 20, text="hi")
                await frames_until(line, "typing", on=False)
        async with door.widget() as (line, _):
            await say(line, type="message", message_id=M1, text="hi")
            [error] = await frames_until(line, "error")
    assert (error["reason"], error["message_id"]) == ("RateLimited", M1)
    assert 0 < error["retry_after_s"] <= 60
    assert len(processor.handled) == 2


async def test_a_conversation_opens_in_so_many_places_only(door: Door) -> None:
    """The ninth connection of one conversation is refused."""
    lines = [door.widget() for _ in range(8)]
    for line in lines:
        await line.__aenter__()
    async with door.socket() as ninth:
        await say(ninth, type="hello", conversation_id=CONVERSATION)
        assert (await hear(ninth))["reason"] == "TooManyConnections"
    for line in lines:
        await line.__aexit__(None, None, None)


async def test_a_silent_line_is_closed(processor: ScriptedProcessor) -> None:
    """A connection that says nothing for too long is given up."""
    async with serving(processor) as door:
        door.channel._idle_s = 0.05
        async with door.socket() as line:
            await line.wait_closed()
            assert line.close_code == 1000


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1"])
async def test_a_foreign_page_cannot_connect(door: Door, origin: str) -> None:
    """A page of another origin is refused before the socket opens."""
    with pytest.raises(websockets.InvalidStatus) as refusal:
        async with door.socket(origin=origin):
            pass
    assert refusal.value.response.status_code == 403


async def test_a_configured_page_can_connect(processor: ScriptedProcessor) -> None:
    """An origin that credentials.yml names may connect."""
    settings = {"allowed_origins": ["https://shop.example"]}
    async with serving(processor, settings) as door, door.socket(origin="https://shop.example") as line:
        await say(line, type="hello", conversation_id=CONVERSATION)
        assert (await frames_until(line, "ready"))[-1]["last_sequence"] == 0
