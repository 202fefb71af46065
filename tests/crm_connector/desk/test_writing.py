"""Notes, drafts, canned replies, and who else is looking."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from crm_connector import conversations
from crm_connector.desk import writing
from tests.crm_connector.factories import an_agent

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)


def test_a_note_is_kept_once(session: Session) -> None:
    """A repeated click keeps one note, and no customer sees it."""
    conversation = conversations.find_or_create(session, "ada", "rest")
    agent = an_agent(session)
    for _ in range(2):
        writing.add_note(session, conversation, agent, "Was here <b>before</b>.", key="n1")
    assert [note.text for note in writing.notes_of(session, conversation)] == ["Was here <b>before</b>."]
    assert conversations.transcript(session, conversation) == []


def test_drafts_are_kept_for_each_agent(session: Session) -> None:
    """Reply and note of one agent, and those of another, do not touch; an empty draft is none."""
    conversation = conversations.find_or_create(session, "ada", "rest")
    mine, other = an_agent(session), an_agent(session)
    writing.keep_draft(session, conversation, mine, "Dear")
    writing.keep_draft(session, conversation, mine, "Dear Ada")
    writing.keep_draft(session, conversation, mine, "rude?", is_note=True)
    writing.keep_draft(session, conversation, other, "Hello")
    assert writing.draft_of(session, conversation, mine) == "Dear Ada"
    assert writing.draft_of(session, conversation, mine, is_note=True) == "rude?"
    writing.keep_draft(session, conversation, mine, "  ")
    assert writing.draft_of(session, conversation, mine) == ""
    assert writing.draft_of(session, conversation, other) == "Hello"


def test_agents_see_who_else_is_looking(session: Session) -> None:
    """For half a minute after the last sign, or until they turn away."""
    conversation = conversations.find_or_create(session, "ada", "rest")
    mine, other = an_agent(session), an_agent(session)
    assert writing.look(session, conversation, mine, NOW) == []
    assert writing.look(session, conversation, other, NOW) == [mine]
    assert writing.look(session, conversation, mine, NOW + timedelta(seconds=29)) == [other]
    assert writing.look(session, conversation, mine, NOW + timedelta(seconds=31)) == []
    writing.look_away(session, conversation, mine)
    assert writing.look(session, conversation, other, NOW + timedelta(seconds=32)) == []


def test_canned_replies_are_found_as_one_types(session: Session) -> None:
    """By shortcut or words; the customer's language comes first; what is typed is no pattern."""
    for shortcut, language, text in (
        ("refund", "en", "Your money is on its way."),
        ("refund", "zh", "退款正在处理。"),
        ("hello", "en", "Hello, I am {agent}. 100% yours."),
    ):
        writing.save_canned_reply(session, shortcut, language, text)
    writing.save_canned_reply(session, "hello", "en", "Hello, this is {agent}. 100% yours.")

    def found(typed: str, language: str = "en") -> list[str]:
        return [
            f"{reply.shortcut}.{reply.language}"
            for reply in writing.canned_replies(session, language=language, typed=typed)
        ]

    assert found("") == ["hello.en", "refund.en", "refund.zh"]
    assert found("ref", "zh") == ["refund.zh", "refund.en"]
    assert found("MONEY") == ["refund.en"]
    assert found("100%") == ["hello.en"]
    assert found("%") == ["hello.en"]
    assert found("_") == []
    writing.delete_canned_reply(session, writing.canned_replies(session, typed="hello")[0])
    assert found("hello") == []


@pytest.mark.parametrize(("shortcut", "text"), [("two words", "x"), ("", "x"), ("/x", "x"), ("ok", " ")])
def test_a_canned_reply_needs_a_word_and_a_text(session: Session, shortcut: str, text: str) -> None:
    """Anything else is refused."""
    with pytest.raises(ValueError, match=r"shortcut|text"):
        writing.save_canned_reply(session, shortcut, "en", text)


def test_slots_are_filled_in() -> None:
    """What is not known stays as it stands and is named, so that nobody sends a hole."""
    text, missing = writing.fill(
        "Dear {name}, order {order_number}: {ok}", {"name": "{order_number}", "ok": 0}
    )
    assert text == "Dear {order_number}, order {order_number}: 0"
    assert missing == ["order_number"]
