"""The widget's rules that need no socket: settings, origins, rates, and what a process keeps."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.incoming import Refused
from bot.channels.web_widget.conversations import Conversations, Listener
from bot.channels.web_widget.frames import CustomerMessage, Frame, read_frame
from bot.channels.web_widget.rate_limit import RateLimit
from bot.channels.web_widget.settings import WidgetSettings
from bot.channels.web_widget.shown import event_frame
from bot.dialogue.events import BotUttered, Event, SlotSet, UserUttered
from bot.dialogue.messages import JSON, UserMessage
from bot.errors import SettingsError
from tests.channels.scripted import ScriptedProcessor


class Notebook:
    """A connection that writes down what it is sent."""

    def __init__(self, when_dots_end: Callable[[], None] = lambda: None) -> None:
        self.frames: list[Frame] = []
        self._when_dots_end = when_dots_end

    async def send(self, frame: Frame) -> None:
        """Write it down."""
        self.frames.append(frame)
        if frame == {"type": "typing", "on": False}:
            self._when_dots_end()


async def test_nothing_is_kept_of_a_conversation_that_is_over() -> None:
    """A conversation is forgotten with its last listener, but not before its last turn has ended."""
    conversations = Conversations(ScriptedProcessor().parts())
    listener = Listener(Notebook(), 0)
    conversation = conversations.join("c", listener)
    await conversation.submit(UserMessage("hi", sender_id="c"))
    conversations.leave(conversation, listener)
    assert len(conversations) == 1
    await conversations.close()
    assert len(conversations) == 0


async def test_the_dots_end_though_a_turn_does_not() -> None:
    """When a turn takes longer than anybody's patience the dots go off, and the answer still comes."""
    processor = ScriptedProcessor()
    processor.gate = asyncio.Event()
    notebook = Notebook(when_dots_end=processor.gate.set)
    conversations = Conversations(processor.parts(), patience_s=0)
    conversation = conversations.join("c", Listener(notebook, 0))
    await conversation.submit(UserMessage("hi", sender_id="c"))
    await conversations.close()
    kinds = [frame["type"] if frame["type"] != "typing" else frame["on"] for frame in notebook.frames]
    assert kinds == ["ack", True, False, "event", "event", "ack", False]


@pytest.mark.parametrize(
    ("allowed", "origin", "host", "expected"),
    [
        pytest.param((), "http://localhost:8000", "localhost:8000", True, id="own page"),
        pytest.param((), "https://bot.example", "bot.example", True, id="own page behind a TLS proxy"),
        pytest.param((), "https://bot.example", "bot.example:443", True, id="default port"),
        pytest.param((), "http://localhost:3000", "localhost:8000", False, id="other port"),
        pytest.param((), "https://bot.example.evil", "bot.example", False, id="longer name"),
        pytest.param((), "https://user@bot.example", "bot.example", False, id="not an origin"),
        pytest.param((), "null", "localhost", False, id="sandboxed page"),
        pytest.param((), None, "localhost", False, id="no origin"),
        pytest.param((), "http://[broken", "localhost", False, id="broken"),
        pytest.param(("https://a.example",), "https://a.example", "b", True, id="configured"),
        pytest.param(("https://a.example",), "http://a.example", "b", False, id="configured, other scheme"),
        pytest.param(("*",), None, None, True, id="everybody"),
    ],
)
def test_own_and_configured_pages_may_connect(
    allowed: tuple[str, ...], origin: str | None, host: str | None, expected: bool
) -> None:
    """Our own page and the configured ones may connect, nobody else."""
    assert WidgetSettings(allowed_origins=allowed).allows(origin, host) is expected


@pytest.mark.parametrize(
    ("credentials", "message"),
    [
        pytest.param({"allowed_origin": []}, "no setting 'allowed_origin', did you mean", id="typo"),
        pytest.param({"colour": 1}, "expected allowed_origins, burst", id="unknown"),
        pytest.param({"allowed_origins": {}}, "expected a list", id="no list"),
        pytest.param({"allowed_origins": ["shop.example"]}, "an origin like", id="no scheme"),
        pytest.param({"allowed_origins": ["https://a/b"]}, "an origin like", id="with a path"),
        pytest.param({"allowed_origins": [7]}, "an origin like", id="no text"),
        pytest.param({"burst": 0}, "burst is 0, expected a whole number from 1", id="zero"),
        pytest.param({"messages_per_minute": True}, "messages_per_minute is True", id="boolean"),
        pytest.param({"identity_secret": "short"}, "identity_secret is too short", id="short secret"),
        pytest.param({"identity_secret": "${NOT_SET_ANYWHERE}"}, "or not set", id="secret not set"),
    ],
)
def test_a_wrong_setting_is_named(credentials: JSON, message: str) -> None:
    """A mistake in credentials.yml names the setting, what was found and what was expected."""
    with pytest.raises(SettingsError, match=message):
        WidgetSettings.from_credentials(credentials)


@given(st.lists(st.floats(0, 30), max_size=60), st.integers(1, 5), st.integers(1, 120))
def test_no_more_than_burst_and_rate_pass(pauses_s: list[float], burst: int, per_minute: int) -> None:
    """In any stretch of time at most burst + rate x time messages pass, and waiting as told is enough."""
    now_s = 0.0
    limit = RateLimit(burst=burst, per_minute=per_minute, clock=lambda: now_s)
    passed = 0
    for pause_s in pauses_s:
        now_s += pause_s
        passed += limit.wait_s("key") == 0
    assert passed <= burst + now_s * per_minute / 60 + 1e-6
    wait_s = limit.wait_s("key")
    now_s += wait_s + 1e-6
    assert wait_s == 0 or limit.wait_s("key") == 0
    assert limit.wait_s("other key") == 0


def test_the_longest_unused_key_is_forgotten() -> None:
    """The limit remembers so many keys, and drops the one that was used longest ago."""
    limit = RateLimit(burst=1, per_minute=1, remembered=2, clock=lambda: 0.0)
    assert [limit.wait_s(key) == 0 for key in "aabbcca"] == [True, False, True, False, True, False, True]


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(SlotSet(name="language", value="en"), id="slot"),
        pytest.param(BotUttered(), id="nothing said"),
        pytest.param(UserUttered(text="EXTERNAL: reminder"), id="no channel"),
        pytest.param(
            UserUttered(text="EXTERNAL: x", input_channel="web_widget", metadata={"is_external": True}),
            id="not said by the customer",
        ),
        pytest.param(UserUttered(input_channel="web_widget"), id="no text"),
    ],
)
def test_what_nobody_said_is_not_shown(event: Event) -> None:
    """Events that are no utterances have no frame."""
    assert event_frame(1, event) is None


@given(st.text() | st.binary())
def test_no_frame_breaks_the_reader(raw: str | bytes) -> None:
    """Whatever comes in is a frame or is refused."""
    with contextlib.suppress(Refused):
        read_frame(raw)


def test_a_message_is_read_with_what_goes_along() -> None:
    """Title and locale go along as metadata, files and answers by themselves; the rest is passed over."""
    frame = read_frame(
        json.dumps(
            {
                "type": "message",
                "message_id": "1" * 32,
                "text": "hi",
                "locale": "zh-CN",
                "title": "t" * 200,
                "attachments": ["a" * 32],
                "pre_chat": {"email": " a@b.example ", "topic": ""},
                "admin": "yes",
            }
        )
    )
    assert frame == CustomerMessage(
        "1" * 32, "hi", {"title": "t" * 200, "locale": "zh-CN"}, ("a" * 32,), {"email": "a@b.example"}
    )


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"attachments": ["../../etc/passwd"]}, id="no file id"),
        pytest.param({"attachments": ["a" * 32] * 11}, id="too many files"),
        pytest.param({"attachments": {"a": 1}}, id="files no list"),
        pytest.param({"pre_chat": {"Name": "x"}}, id="odd field"),
        pytest.param({"pre_chat": {"name": "x" * 501}}, id="long answer"),
        pytest.param({"pre_chat": {"name": {"a": 1}}}, id="answer no text"),
        pytest.param({"pre_chat": {f"f{n}": "x" for n in range(13)}}, id="too many answers"),
    ],
)
def test_what_goes_along_is_bounded(fields: JSON) -> None:
    """Files and answers that are wrong or too many refuse the message."""
    with pytest.raises(Refused):
        read_frame(json.dumps({"type": "message", "message_id": "1" * 32, "text": "hi"} | fields))


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param({"type": "rating", "rating": 0}, id="no star"),
        pytest.param({"type": "rating", "rating": 6}, id="six stars"),
        pytest.param({"type": "rating", "rating": True}, id="no number"),
        pytest.param({"type": "rating", "rating": 5, "comment": "x" * 10_001}, id="long comment"),
        pytest.param({"type": "left_message", "text": "hi", "email": "nobody"}, id="no address"),
        pytest.param({"type": "left_message", "text": " ", "email": "a@b.example"}, id="no text"),
    ],
)
def test_a_wrong_form_is_refused(frame: JSON) -> None:
    """Ratings are 1 to 5, a message for later has a text and an address."""
    with pytest.raises(Refused):
        read_frame(json.dumps({"message_id": "1" * 32} | frame))
