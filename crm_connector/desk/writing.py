"""What agents write beside their replies: private notes, drafts, and answers for everybody to use again."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.orm import Session

from crm_connector.columns import JSON, storable, utc_now
from crm_connector.database import insert_once
from crm_connector.tables import Agent, CannedReply, Conversation, Draft, Note, Viewing

LOOKING_FOR = timedelta(seconds=30)  # how long a sign of looking counts

_SLOT = re.compile(r"\{(\w+)\}")
_SHORTCUT = re.compile(r"[\w-]{1,40}")


class WrongShortcut(ValueError):
    """A shortcut is one word."""


def add_note(session: Session, conversation: Conversation, agent: Agent, text: str, *, key: str) -> Note:
    """Keep a private note, or return the one that was kept under the same key before."""
    row = Note(source_key=storable(key), conversation_id=conversation.id, agent_id=agent.id, text=text)
    return insert_once(session, row, Note.source_key == row.source_key)


def notes_of(session: Session, conversation: Conversation) -> list[Note]:
    """The private notes on a conversation, oldest first."""
    query = select(Note).where(Note.conversation_id == conversation.id).order_by(Note.id)
    return list(session.scalars(query))


def keep_draft(
    session: Session, conversation: Conversation, agent: Agent, text: str, *, is_note: bool = False
) -> None:
    """Keep what an agent has begun to write; nothing written is no draft."""
    key = _draft_key(conversation, agent, is_note=is_note)
    if not text.strip():
        session.execute(delete(Draft).where(*key))
        return
    row = Draft(conversation_id=conversation.id, agent_id=agent.id, text=text, is_note=is_note)
    stored = insert_once(session, row, *key)
    stored.text, stored.updated_at = text, utc_now()
    session.flush()


def draft_of(session: Session, conversation: Conversation, agent: Agent, *, is_note: bool = False) -> str:
    """What an agent had begun to write, or nothing."""
    query = select(Draft.text).where(*_draft_key(conversation, agent, is_note=is_note))
    return session.scalar(query) or ""


def _draft_key(conversation: Conversation, agent: Agent, *, is_note: bool) -> tuple[ColumnElement[bool], ...]:
    return (
        Draft.conversation_id == conversation.id,
        Draft.agent_id == agent.id,
        Draft.is_note == is_note,
    )


def look(session: Session, conversation: Conversation, agent: Agent, now: datetime) -> list[Agent]:
    """Note that an agent has a conversation before her, and return who else has."""
    key = (Viewing.conversation_id == conversation.id, Viewing.agent_id == agent.id)
    row = Viewing(conversation_id=conversation.id, agent_id=agent.id, seen_at=now)
    insert_once(session, row, *key).seen_at = now
    session.flush()
    others = (
        select(Agent)
        .join(Viewing, Viewing.agent_id == Agent.id)
        .where(
            Viewing.conversation_id == conversation.id,
            Viewing.agent_id != agent.id,
            Viewing.seen_at > now - LOOKING_FOR,
        )
    )
    return list(session.scalars(others.order_by(Agent.name)))


def look_away(session: Session, conversation: Conversation, agent: Agent) -> None:
    """The agent has turned to something else."""
    session.execute(
        delete(Viewing).where(Viewing.conversation_id == conversation.id, Viewing.agent_id == agent.id)
    )


def save_canned_reply(session: Session, shortcut: str, language: str, text: str) -> CannedReply:
    """Write an answer for everybody, or change the one under this shortcut and language.

    Raises:
        WrongShortcut: It is not one word of letters, digits, `-` and `_`.
        ValueError: There is no text.
    """
    if not _SHORTCUT.fullmatch(shortcut):
        raise WrongShortcut(f"{shortcut!r} is no shortcut, expected one word of at most 40 letters")
    if not text.strip():
        raise ValueError("a canned reply needs a text")
    key = (CannedReply.shortcut == shortcut, CannedReply.language == language)
    row = CannedReply(shortcut=shortcut, language=language, text=text)
    stored = insert_once(session, row, *key)
    stored.text, stored.updated_at = text, utc_now()
    session.flush()
    return stored


def delete_canned_reply(session: Session, reply: CannedReply) -> None:
    """Nobody uses it any more."""
    session.delete(reply)
    session.flush()


def canned_replies(session: Session, *, language: str | None = None, typed: str = "") -> list[CannedReply]:
    """Answers to choose from: those in the customer's language first, by what was typed after `/`."""
    query = select(CannedReply)
    if typed:
        like = typed.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
        query = query.where(
            or_(
                CannedReply.shortcut.ilike(f"{like}%", escape="\\"),
                CannedReply.text.ilike(f"%{like}%", escape="\\"),
            )
        )
    found = list(session.scalars(query.order_by(CannedReply.shortcut, CannedReply.language)))
    return sorted(found, key=lambda reply: (reply.language != language, not reply.shortcut.startswith(typed)))


def fill(text: str, values: Mapping[str, JSON]) -> tuple[str, Sequence[str]]:
    """Put slots into an answer; returns the text and the names of what nobody knows, left as they stand."""
    missing = [name for name in _SLOT.findall(text) if values.get(name) in (None, "", [])]
    filled = _SLOT.sub(lambda m: m[0] if m[1] in missing else str(values[m[1]]), text)
    return filled, missing
