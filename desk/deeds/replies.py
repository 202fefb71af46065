"""Canned replies: those that fit while somebody writes, and the list that supervisors keep."""

from __future__ import annotations

from dataclasses import dataclass

from crm_connector import ownership
from crm_connector.desk import writing
from crm_connector.tables import CannedReply, Customer
from desk.access import Desk, Permission
from desk.deeds.conversations import Refused, find

_MOST = 6


@dataclass(frozen=True, slots=True)
class Choice:
    """An answer to take; `missing` names the slots that nobody knows, left in `filled` as they stand."""

    shortcut: str
    text: str
    filled: str
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReplyRow:
    """A canned reply as supervisors see it."""

    id: int
    shortcut: str
    language: str
    text: str


def choices(desk: Desk, token: str, conversation_id: int, typed: str) -> list[Choice]:
    """Answers for what was typed after `/`, filled from the conversation."""
    with desk.read(token, Permission.CONVERSATIONS) as deed:
        conversation = find(deed.session, conversation_id)
        handoff = ownership.handoff_of(deed.session, conversation)
        slots = dict(handoff.card.get("slots") or {}) if handoff else {}
        customer = deed.session.get(Customer, conversation.customer_id) if conversation.customer_id else None
        if customer is not None and customer.name:
            slots["name"] = customer.name
        slots["agent"] = deed.agent.name
        language = (handoff.language if handoff else None) or conversation.language
        found = writing.canned_replies(deed.session, language=language, typed=typed)[:_MOST]
        return [_choice(reply, slots) for reply in found]


def all_replies(desk: Desk, token: str) -> list[ReplyRow]:
    """All canned replies, by shortcut and language."""
    with desk.read(token, Permission.REPLIES) as deed:
        found = writing.canned_replies(deed.session)
        rows = [ReplyRow(one.id, one.shortcut, one.language, one.text) for one in found]
        return sorted(rows, key=lambda row: (row.shortcut, row.language))


def save_reply(desk: Desk, token: str, shortcut: str, language: str, text: str) -> None:
    """Write a canned reply, or change the one under this shortcut and language.

    Raises:
        ValueError: The shortcut is not one word, or there is no text.
    """
    with desk.act(token, Permission.REPLIES) as deed:
        writing.save_canned_reply(deed.session, shortcut.strip(), language, text.strip())
        deed.note("reply.save", f"canned reply {shortcut} ({language})", text=text.strip())


def delete_reply(desk: Desk, token: str, reply_id: int) -> None:
    """Delete a canned reply.

    Raises:
        Refused: There is none.
    """
    with desk.act(token, Permission.REPLIES) as deed:
        reply = deed.session.get(CannedReply, reply_id)
        if reply is None:
            raise Refused("There is no such reply any more.")
        deed.note("reply.delete", f"canned reply {reply.shortcut} ({reply.language})", text=reply.text)
        writing.delete_canned_reply(deed.session, reply)


def _choice(reply: CannedReply, slots: dict[str, object]) -> Choice:
    filled, missing = writing.fill(reply.text, slots)
    return Choice(reply.shortcut, reply.text, filled, tuple(missing))
