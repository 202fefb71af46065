"""What is with people is read once for all who look, and each sees her own part of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import event

from crm_connector import conversations, ownership
from crm_connector.choices import Role, Severity
from crm_connector.ownership import Matter
from desk.access import Desk
from desk.deeds import conversations as deeds
from desk.views import conversation_list
from desk.views.conversation_list import Folder, list_view

SignIn = Callable[..., str]


def _waiting(desk: Desk, name: str, severity: Severity = Severity.LOW) -> int:
    with desk.store.session() as session:
        conversation = conversations.find_or_create(session, name, "web_widget")
        conversations.append_events(
            session, conversation, [{"event": "user", "text": name, "timestamp": 1.0}]
        )
        ownership.request_agent(session, conversation, Matter(severity=severity))
        return conversation.id


@pytest.fixture
def tokens(desk: Desk, signed_in: SignIn) -> tuple[str, str]:
    """Anna has one conversation and put one aside, Ben has one, two wait, one is the bot's."""
    anna, ben = signed_in(Role.AGENT, name="Anna"), signed_in(Role.AGENT, name="Ben")
    for token, name in ((anna, "a-talks"), (anna, "a-later"), (ben, "b-talks")):
        deeds.claim(desk, token, _waiting(desk, name))
    later = next(row.id for row in list_view(desk, anna, Folder.MINE).rows if row.sender_id == "a-later")
    deeds.snooze(desk, anna, later, timedelta(hours=1))
    _waiting(desk, "waits-1")
    _waiting(desk, "waits-2", Severity.CRITICAL)
    with desk.store.session() as session:
        conversations.find_or_create(session, "with-the-bot", "web_widget")
    return anna, ben


def _names(desk: Desk, token: str, folder: Folder) -> list[str]:
    return [row.sender_id for row in list_view(desk, token, folder).rows]


@pytest.mark.parametrize("most", [1000, 1], ids=["shared", "longer than what is shared"])
def test_everybody_sees_her_own_part(
    desk: Desk, tokens: tuple[str, str], monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """The folders and their counts are the same, whether they are picked out or read one by one."""
    monkeypatch.setattr(conversation_list, "MAX_SHARED", most)
    conversation_list._latest.clear()
    anna, ben = tokens
    assert _names(desk, anna, Folder.MINE) == ["a-talks"]
    assert _names(desk, anna, Folder.SNOOZED) == ["a-later"]
    assert _names(desk, ben, Folder.MINE) == ["b-talks"]
    assert _names(desk, ben, Folder.SNOOZED) == []
    assert _names(desk, ben, Folder.UNASSIGNED) == ["waits-2", "waits-1"]
    assert set(_names(desk, ben, Folder.ALL)) == {"a-talks", "a-later", "b-talks", "waits-1", "waits-2"}
    assert _names(desk, ben, Folder.BOT) == ["with-the-bot"]
    assert list_view(desk, anna, Folder.MINE).counts == {
        Folder.MINE: 1, Folder.UNASSIGNED: 2, Folder.ALL: 5, Folder.SNOOZED: 1
    }  # fmt: skip
    assert list_view(desk, ben, Folder.MINE).counts[Folder.SNOOZED] == 0


def test_a_change_is_read_once_for_all(desk: Desk, tokens: tuple[str, str]) -> None:
    """The second one who looks costs two small questions: who is she, and has anything changed."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    event.listen(desk.store.engine, "before_cursor_execute", note)
    anna, ben = tokens
    _waiting(desk, "another")
    asked.clear()
    assert "another" in _names(desk, anna, Folder.UNASSIGNED)
    first = [one for one in asked if one.startswith("SELECT")]
    asked.clear()
    assert "another" in _names(desk, ben, Folder.UNASSIGNED)
    second = [one for one in asked if one.startswith("SELECT")]
    assert len(second) == 2
    assert len(first) > len(second)
