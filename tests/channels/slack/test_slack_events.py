"""What Slack posts is read as what it means to a conversation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.slack.events import Meaning, PassedOver, Reader, Written
from bot.channels.slack.place import Place, place_of, sender_id_of
from bot.channels.slack.settings import SlackSettings
from bot.channels.slack.words import escaped, people, plain_words, with_names

PAYLOADS = Path(__file__).parents[2] / "payloads" / "slack"
THREAD = "U061F7AUR_C0LAN2Q65_1763650000.000200"


def payload(name: str) -> dict[str, Any]:
    """Return a body as Slack posts it."""
    body: dict[str, Any] = json.loads((PAYLOADS / f"{name}.json").read_text(encoding="utf-8"))
    return body


def reader(**settings: Any) -> Reader:
    """Return a reader with these settings."""
    return Reader(SlackSettings("xoxb-1", slack_signing_secret="s", **settings))


def read(name: str, **settings: Any) -> Meaning:
    """Read an event."""
    return reader(**settings).read_event(payload(name))


def written(name: str, **settings: Any) -> Written:
    """Read an event in which somebody wrote."""
    meaning = read(name, **settings)
    assert isinstance(meaning, Written)
    return meaning


def test_direct_messages_are_one_conversation() -> None:
    """Its name is the customer's; the answer goes where she wrote."""
    meaning = written("direct_message")
    message = meaning.message
    assert (message.text, message.sender_id) == ("Where is my order LC104233?", "U061F7AUR")
    assert (message.input_channel, message.message_id) == ("slack", "D0PNCRP9N.1763650000.000200")
    assert message.metadata == {"slack": {"user": "U061F7AUR", "channel": "D0PNCRP9N", "thread_ts": None}}
    assert meaning.is_addressed


def test_a_thread_in_direct_messages_belongs_to_them() -> None:
    """It is the same conversation, and is answered in its thread."""
    message = written("direct_message_in_thread").message
    assert message.sender_id == "U061F7AUR"
    assert message.metadata["slack"]["thread_ts"] == "1763640000.000100"


def test_a_mention_begins_a_thread() -> None:
    """The bot's name is no part of what was said; each person in the thread has her own conversation."""
    meaning = written("mention")
    message = meaning.message
    assert (message.text, message.sender_id) == ("where is my order LC104233?", THREAD)
    assert message.metadata["slack"]["thread_ts"] == "1763650000.000200"
    assert meaning.is_addressed


def test_a_mention_that_comes_as_two_events_is_one_message() -> None:
    """Slack tells an app in the channel of the message and of the mention: both have one id."""
    assert written("mention").message == written("mention_as_message").message


def test_a_thread_goes_on_without_the_name() -> None:
    """It is for the bot only if the bot talks with this person there."""
    meaning = written("thread_reply")
    assert (meaning.message.sender_id, meaning.is_addressed) == (THREAD, False)


def test_a_channel_of_the_bots_own_needs_no_name() -> None:
    """In `slack_channel` every message is for the bot."""
    assert written("channel_talk", slack_channel="C0LAN2Q65").is_addressed


@pytest.mark.parametrize(
    ("granularity", "direct", "mention"),
    [
        pytest.param("sender", "U061F7AUR", "U061F7AUR", id="one for each person"),
        pytest.param("channel", "U061F7AUR_D0PNCRP9N", "U061F7AUR_C0LAN2Q65", id="one for each channel"),
        pytest.param("thread", "U061F7AUR", THREAD, id="one for each thread"),
    ],
)
def test_rasas_granularities_are_kept(granularity: str, direct: str, mention: str) -> None:
    """The names are Rasa's; direct messages are one conversation with `thread`, too."""
    assert written("direct_message", conversation_granularity=granularity).message.sender_id == direct
    assert written("mention", conversation_granularity=granularity).message.sender_id == mention


def test_without_threads_answers_stand_in_the_channel() -> None:
    """`use_threads: false` is Rasa's way."""
    assert written("mention", use_threads=False).message.metadata["slack"]["thread_ts"] is None


def test_a_correction_is_a_message_of_its_own() -> None:
    """Within a quarter of an hour an edited message counts as what is said now."""
    message = written("edited").message
    assert (message.text, message.metadata["edited"]) == ("Where is my order LC104234?", True)
    assert message.message_id != written("direct_message").message.message_id


def test_a_file_is_announced() -> None:
    """Where it can be fetched, and what is known of it."""
    [file] = written("file").message.metadata["received_files"]
    assert file["name"] == "invoice.pdf"
    assert file["place"].startswith("https://files.slack.com/")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        pytest.param("edited_late", "an old message was edited", id="late edit"),
        pytest.param("unfurled", "no words were changed", id="a preview was added"),
        pytest.param("deleted", "not written by a person", id="deleted"),
        pytest.param("own_message", "not written by a person", id="our own"),
        pytest.param("bot_message", "not written by a person", id="another bot's"),
        pytest.param("joined", "not written by a person", id="joined"),
        pytest.param("channel_talk", "not said to the bot", id="talk of others"),
        pytest.param("reaction", "a kind of event that is not answered", id="reaction"),
    ],
)
def test_what_asks_for_no_answer_is_passed_over(name: str, reason: str) -> None:
    """The reason is said."""
    assert read(name) == PassedOver(reason)


def test_threads_go_on_only_where_a_thread_is_a_conversation() -> None:
    """With Rasa's `sender` whatever somebody says in any thread would be taken for the bot."""
    assert read("thread_reply", conversation_granularity="sender") == PassedOver("not said to the bot")


@pytest.mark.parametrize(
    ("name", "text", "title"),
    [
        pytest.param("press", "/order_status", "Track an order", id="button"),
        pytest.param("select", "berlin", "Berlin", id="select"),
        pytest.param("date", "2025-11-24", None, id="date"),
        pytest.param("old_select", "berlin", None, id="select of an old attachment"),
    ],
)
def test_elements_say_their_value(name: str, text: str, title: str | None) -> None:
    """Rasa's kinds of elements are read; what stood on them is kept."""
    meaning = reader().read_action(payload(name))
    assert isinstance(meaning, Written)
    assert (meaning.message.text, meaning.message.sender_id) == (text, "U061F7AUR")
    assert meaning.message.metadata.get("title") == title
    assert meaning.message.metadata["slack"]["channel"] == "D0PNCRP9N"


def test_a_button_in_a_thread_belongs_to_the_thread() -> None:
    """Whoever presses it goes on with her own conversation there."""
    meaning = reader().read_action(payload("press_in_thread"))
    assert isinstance(meaning, Written)
    assert meaning.message.sender_id == THREAD


def test_a_link_says_nothing() -> None:
    """Slack tells of its use all the same."""
    assert isinstance(reader().read_action(payload("press_link")), PassedOver)


@pytest.mark.parametrize("body", [{}, {"event": 1}, {"event": {"type": "message"}}, {"actions": []}])
def test_what_has_no_form_is_named(body: Any) -> None:
    """Neither an event nor an interaction: the reason is an error that callers expect."""
    with pytest.raises(ValueError, match="not an event"):
        reader().read_event(body)
    with pytest.raises(ValueError, match="not an interaction"):
        reader().read_action(body)


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        pytest.param("<@U0SHOPBOT> hi", "hi", id="the bot first"),
        pytest.param("<@U0SHOPBOT>, hi", "hi", id="with a comma"),
        pytest.param("hi <@U0SHOPBOT|shop>", "hi", id="the bot last"),
        pytest.param("ask <@U0456DEF> or <@U0999XYZ|tom>", "ask @U0456DEF or @tom", id="people"),
        pytest.param("<#C0LAN2Q65|general> <#C0LAN2Q65>", "#general #C0LAN2Q65", id="channels"),
        pytest.param("<!here> <!subteam^S1|@team> <!date^1^{d}|today>", "@here @team today", id="special"),
        pytest.param("<https://a.example/?x=1&amp;y=2>", "https://a.example/?x=1&y=2", id="link"),
        pytest.param("<http://a.example|a.example>", "a.example", id="link with label"),
        pytest.param("<mailto:mia@a.example|mia@a.example>", "mia@a.example", id="mail"),
        pytest.param("<tel:+491701234567>", "+491701234567", id="telephone"),
        pytest.param("&lt;b&gt; &amp;amp;", "<b> &amp;", id="entities once"),
        pytest.param("one\ntwo", "one\ntwo", id="lines"),
    ],
)
def test_slacks_writing_is_read_as_people_see_it(raw: str, plain: str) -> None:
    """Names, links and entities become words."""
    assert plain_words(raw, "U0SHOPBOT") == plain


def test_people_get_their_names() -> None:
    """Where a name is known it stands in the place of the id."""
    text = "ask @U0456DEF and @U0999XYZ, @U0456DEF!"
    assert people(text) == ["U0456DEF", "U0999XYZ"]
    assert with_names(text, {"U0456DEF": "Tom"}) == "ask @Tom and @U0999XYZ, @Tom!"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        pytest.param("<!channel> all", "&lt;!channel&gt; all", id="nobody is called"),
        pytest.param("Tom & <@U1>", "Tom &amp; &lt;@U1&gt;", id="nobody is named"),
        pytest.param("see <https://a.example?x&y|here>", "see <https://a.example?x&y|here>", id="links stay"),
        pytest.param("<javascript:alert(1)|x>", "&lt;javascript:alert(1)|x&gt;", id="no other addresses"),
    ],
)
def test_what_the_bot_says_calls_nobody(text: str, written: str) -> None:
    """Customers' words in an answer cannot ring at everybody's desk."""
    assert escaped(text) == written


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=80))
def test_what_is_written_can_be_read_again(text: str) -> None:
    """Escaping is undone by reading, whatever the words."""
    assert plain_words(escaped(text), None) == text


@given(st.text(max_size=200))
def test_every_text_can_be_read(text: str) -> None:
    """No text raises, and none leaves characters that no store can hold."""
    body = payload("direct_message")
    body["event"]["text"] = text
    meaning = reader().read_event(body)
    if isinstance(meaning, Written):
        assert "\x00" not in meaning.message.text
        meaning.message.text.encode()


@pytest.mark.parametrize(
    ("sender_id", "place"),
    [
        pytest.param("U061F7AUR", Place("U061F7AUR"), id="direct messages"),
        pytest.param("U061F7AUR_C0LAN2Q65", Place("C0LAN2Q65"), id="channel"),
        pytest.param(THREAD, Place("C0LAN2Q65", "1763650000.000200"), id="thread"),
        pytest.param("mia", None, id="nobody of Slack's"),
    ],
)
def test_a_conversation_is_found_by_its_name(sender_id: str, place: Place | None) -> None:
    """A person's answer finds its way although nobody has just written."""
    assert place_of(sender_id) == place


@given(st.sampled_from(["sender", "channel", "thread"]), st.booleans())
def test_names_lead_back_to_their_places(granularity: str, is_direct: bool) -> None:
    """The place of a name is where the conversation was, or the person."""
    place = Place("D1" if is_direct else "C1", None if is_direct else "1.2")
    found = place_of(sender_id_of("U061F7AUR", place, granularity, is_direct=is_direct))
    assert found in (place, Place(place.channel), Place("U061F7AUR"))
