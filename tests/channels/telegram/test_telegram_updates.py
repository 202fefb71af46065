"""Updates in Telegram's form are read as what they mean to a conversation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from telegram import Update

from bot.channels.channel import Proof, ProofKind
from bot.channels.telegram.files import ALBUM_KEY, album
from bot.channels.telegram.updates import AddedToGroup, Meaning, PassedOver, Pressed, Reader, Written

PAYLOADS = Path(__file__).parents[2] / "payloads" / "telegram"
MIA = "5501234567"


def payload(name: str) -> dict[str, Any]:
    """Return an update as Telegram posts it."""
    update: dict[str, Any] = json.loads((PAYLOADS / f"{name}.json").read_text(encoding="utf-8"))
    return update


def read(update: dict[str, Any], *intents: str) -> Meaning:
    """Read an update for a model that knows these intents."""
    return Reader("123456", intents.__contains__).read(Update.de_json(update, None))


def written(name: str, *intents: str) -> Written:
    """Read an update in which the customer wrote."""
    meaning = read(payload(name), *intents)
    assert isinstance(meaning, Written)
    return meaning


def test_a_message_has_all_that_the_engine_wants() -> None:
    """The chat is the conversation; number, locale and name come along."""
    meaning = written("text")
    [message] = meaning.messages
    assert (message.text, message.sender_id) == ("Where is my order LC104233?", MIA)
    assert message.input_channel == "telegram"
    assert message.message_id.startswith("123456.41.")
    assert message.metadata == {"telegram": {"message_id": 41}, "locale": "de"}
    assert (meaning.name, meaning.proofs) == ("Mia Lang", ())


@pytest.mark.parametrize(
    ("name", "intents", "texts"),
    [
        pytest.param("start_with_link", ["greet"], ["/greet"], id="start greets"),
        pytest.param("start_with_link", ["start", "greet"], ["/start"], id="start has an intent of its own"),
        pytest.param("start_with_link", [], ["/start"], id="nobody knows what start means"),
        pytest.param("help_with_name", ["help"], ["/help"], id="help"),
        pytest.param("help_with_name", [], ["help"], id="help is but a word"),
        pytest.param("restart", [], ["/restart"], id="restart"),
        pytest.param("restart", ["start"], ["/restart", "/start"], id="and begins again, as with Rasa"),
        pytest.param("payload", [], ['/order_status{"order_number": "LC104233"}'], id="a payload"),
        pytest.param("location", [], ['{"lng":13.4, "lat":52.52}'], id="a place, as with Rasa"),
        pytest.param("own_contact", [], ["491701234567"], id="a contact"),
        pytest.param("sticker", [], ["👍"], id="a sticker"),
        pytest.param("photo", [], ["It arrived like this"], id="a caption"),
        pytest.param("document", [], [""], id="a file without words"),
    ],
)
def test_what_was_said_becomes_text(name: str, intents: list[str], texts: list[str]) -> None:
    """Commands are put into what the model knows, everything else into words."""
    assert [message.text for message in written(name, *intents).messages] == texts


def test_a_restart_that_begins_again_is_two_messages() -> None:
    """Both have ids of their own, the same ones each time."""
    ids = [message.message_id for message in written("restart", "start").messages]
    assert len(set(ids)) == 2
    assert ids == [message.message_id for message in written("restart", "start").messages]


def test_the_word_of_a_link_comes_along() -> None:
    """https://t.me/shop_bot?start=newsletter-42 says where the customer comes from."""
    [message] = written("start_with_link", "greet").messages
    assert message.metadata["deep_link"] == "newsletter-42"


def test_only_her_own_contact_proves_a_number() -> None:
    """A contact that belongs to somebody else is but a number."""
    assert written("own_contact").proofs == (Proof(ProofKind.PHONE, "+491701234567"),)
    assert written("other_contact").proofs == ()


@pytest.mark.parametrize(
    ("word", "proofs"),
    [
        ("A-b_" * 10 + "xyz", (Proof(ProofKind.INVITATION, "A-b_" * 10 + "xyz"),)),
        ("newsletter-42", ()),
        ("A-b_" * 16, ()),
    ],
    ids=["an invitation", "another word", "too long a word"],
)
def test_an_invitation_in_a_link_proves_who_she_is(word: str, proofs: tuple[Proof, ...]) -> None:
    """A customer who follows a link that another channel gave her is known to be the same."""
    update = payload("start_with_link")
    update["message"]["text"] = f"/start {word}"
    meaning = read(update)
    assert isinstance(meaning, Written)
    assert meaning.proofs == proofs


def test_files_are_announced() -> None:
    """The largest size of a photo, and what is known of a document."""
    [photo] = written("photo").messages[0].metadata["received_files"]
    [document] = written("document").messages[0].metadata["received_files"]
    [voice] = written("voice").messages[0].metadata["received_files"]
    assert (photo["place"], photo["kind"], photo["size_bytes"]) == ("AgAClarge", "photo", 151320)
    assert (document["place"], document["name"]) == ("BQACbill", "invoice.pdf")
    assert (voice["place"], voice["kind"]) == ("AwACvoice", "audio")


def test_an_album_is_put_together() -> None:
    """Its pictures come one by one; whole it has all of them, and the caption of whichever has one."""
    shown = payload("photo")["message"] | {"media_group_id": "135"}
    plain = {key: value for key, value in shown.items() if key != "caption"} | {"message_id": 99}
    pictures = []
    for message in (plain, shown):
        meaning = read({"update_id": 1, "message": message})
        assert isinstance(meaning, Written)
        pictures += meaning.messages
    assert [picture.metadata[ALBUM_KEY] for picture in pictures] == ["135", "135"]
    whole = album(pictures)
    assert (whole.message_id, whole.text) == (pictures[0].message_id, "It arrived like this")
    assert whole.metadata["received_files"] == [
        file for picture in pictures for file in picture.metadata["received_files"]
    ]
    assert len(whole.metadata["received_files"]) == 2
    assert ALBUM_KEY not in whole.metadata


def test_a_correction_is_a_message_of_its_own() -> None:
    """Within a quarter of an hour an edited message counts as what is said now."""
    [message] = written("edited").messages
    assert message.text == "Where is my order LC104234?"
    assert message.metadata["edited"] is True
    assert message.message_id != written("text").messages[0].message_id


def test_a_corrected_caption_brings_its_photo_no_second_time() -> None:
    """The photo came with the first message."""
    update = payload("photo")
    update = {
        "update_id": 1,
        "edited_message": update["message"] | {"caption": "It came like this", "edit_date": 1763650030},
    }
    meaning = read(update)
    assert isinstance(meaning, Written)
    assert "received_files" not in meaning.messages[0].metadata


def test_an_edit_that_changes_no_words_is_the_same_message() -> None:
    """Telegram reports edits of things that nobody sees: they carry the id of the first message."""
    update = payload("edited")
    update["edited_message"]["text"] = payload("text")["message"]["text"]
    meaning = read(update)
    assert isinstance(meaning, Written)
    assert meaning.messages[0].message_id == written("text").messages[0].message_id


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        pytest.param("edited_late", "an old message was edited", id="late edit"),
        pytest.param("live_location", "a live location moved", id="live location"),
        pytest.param("pinned", "nothing was said in it", id="pinned"),
        pytest.param("from_another_bot", "not written by a person", id="a bot"),
        pytest.param("group", "not a private chat", id="group"),
        pytest.param("press_in_group", "not a private chat", id="a button in a group"),
        pytest.param("removed_from_group", "a change in a group", id="removed from a group"),
        pytest.param("blocked", "the bot is now kicked for a customer", id="blocked"),
        pytest.param("reaction", "a kind of update that was not asked for", id="another kind"),
    ],
)
def test_what_asks_for_no_answer_is_passed_over(name: str, reason: str) -> None:
    """The reason is said."""
    assert read(payload(name)) == PassedOver(reason)


def test_a_group_is_noticed() -> None:
    """Being taken into a group is answered there."""
    assert read(payload("added_to_group")) == AddedToGroup(-1001987654321)


def test_a_pressed_button_says_its_payload() -> None:
    """The customer is shown to have said what stood on it."""
    meaning = read(payload("press"))
    assert isinstance(meaning, Pressed)
    assert (meaning.message.text, meaning.message.sender_id) == ("/order_status", MIA)
    assert meaning.message.metadata["title"] == "Track an order"
    assert meaning.message.message_id == "123456.press.4382bfdwdsb323b2d9"
    assert (meaning.query_id, meaning.button) == ("4382bfdwdsb323b2d9", f"{MIA}.40./order_status")


def test_a_button_of_a_message_that_is_lost_still_works() -> None:
    """Telegram no longer shows what was old; the payload is enough."""
    meaning = read(payload("press_on_lost_message"))
    assert isinstance(meaning, Pressed)
    assert (meaning.message.text, "title" in meaning.message.metadata) == ("/order_status", False)


def test_another_bot_has_other_ids() -> None:
    """A bot that takes the place of another counts its messages from 1 again."""
    update = Update.de_json(payload("text"), None)
    ids = []
    for bot_id in ("123456", "654321"):
        meaning = Reader(bot_id, [].__contains__).read(update)
        assert isinstance(meaning, Written)
        ids.append(meaning.messages[0].message_id)
    assert ids[0] != ids[1]


@given(st.text(max_size=4096))
def test_every_text_can_be_read(text: str) -> None:
    """No text raises, and none leaves characters that no store can hold."""
    update = payload("text")
    update["message"]["text"] = text
    meaning = read(update, "start")
    if isinstance(meaning, Written):
        for message in meaning.messages:
            message.text.encode()
            assert "\x00" not in message.text
