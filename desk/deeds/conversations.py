"""What agents do with conversations: find, claim, answer, pass on, give back."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from crm_connector import ownership
from crm_connector.choices import Outcome, Owner
from crm_connector.columns import utc_now
from crm_connector.desk import writing
from crm_connector.tables import Account, Agent, Conversation, Handoff
from desk.access import Deed, Desk, Permission, visitor_of

MAX_REPLY = 4000  # characters: every channel takes them in one message or two


class Refused(Exception):
    """What somebody wanted does not go, and why; the words are for her."""


def claim(desk: Desk, token: str, conversation_id: int) -> None:
    """Take a waiting conversation, or step in where the bot answers.

    Raises:
        Refused: Somebody else was first.
    """
    with desk.act(token, Permission.CONVERSATIONS) as deed:
        conversation = find(deed.session, conversation_id)
        is_mine = ownership.claim(deed.session, conversation, deed.agent)
        if not is_mine and conversation.owner == Owner.BOT:
            is_mine = ownership.take_over(deed.session, conversation, deed.agent)
        if not is_mine:
            raise Refused(_who_has(deed.session, conversation))
        deed.note("conversation.claim", subject(conversation))


def reply(desk: Desk, token: str, conversation_id: int, text: str, *, key: str) -> None:
    """Answer the customer; under a key that was used before nothing is said again.

    Raises:
        Refused: There is nothing to say, too much, or somebody else has the conversation.
    """
    text = text.strip()
    if not text:
        raise Refused("Write something first.")
    if len(text) > MAX_REPLY:
        raise Refused(f"That is {len(text):,} characters; {MAX_REPLY:,} is the most.")
    with desk.act(token, Permission.CONVERSATIONS) as deed:
        conversation = find(deed.session, conversation_id)
        if not ownership.reply(deed.session, conversation, deed.agent, text, key=key):
            raise Refused(_who_has(deed.session, conversation))
        writing.keep_draft(deed.session, conversation, deed.agent, "")


def add_note(desk: Desk, token: str, conversation_id: int, text: str, *, key: str) -> None:
    """Keep a private note.

    Raises:
        Refused: There is nothing to note.
    """
    if not text.strip():
        raise Refused("Write something first.")
    with desk.act(token, Permission.CONVERSATIONS) as deed:
        conversation = find(deed.session, conversation_id)
        writing.add_note(deed.session, conversation, deed.agent, text.strip(), key=f"{deed.agent.id} {key}")
        writing.keep_draft(deed.session, conversation, deed.agent, "", is_note=True)


def keep_draft(desk: Desk, token: str, conversation_id: int, text: str, *, is_note: bool) -> None:
    """Keep what is being written."""
    with desk.act(token, Permission.CONVERSATIONS) as deed:
        conversation = find(deed.session, conversation_id)
        writing.keep_draft(deed.session, conversation, deed.agent, text[: 2 * MAX_REPLY], is_note=is_note)


def look(desk: Desk, token: str, conversation_id: int) -> list[str]:
    """Note that somebody looks at a conversation, and return the names of who else does."""
    with desk.act(token, Permission.CONVERSATIONS) as deed:
        conversation = find(deed.session, conversation_id)
        return [agent.name for agent in writing.look(deed.session, conversation, deed.agent, utc_now())]


def look_away(desk: Desk, token: str, conversation_id: int) -> None:
    """Note that she looks no more."""
    with desk.act(token, Permission.CONVERSATIONS) as deed:
        writing.look_away(deed.session, find(deed.session, conversation_id), deed.agent)


def give_back(desk: Desk, token: str, conversation_id: int, outcome: Outcome = Outcome.HANDED_BACK) -> None:
    """End the stay with people: the bot has the conversation again, with all that it knew.

    Raises:
        Refused: It is not hers.
    """
    with desk.act(token, Permission.CONVERSATIONS) as deed:
        conversation = find(deed.session, conversation_id)
        if not ownership.hand_back(deed.session, conversation, deed.agent, outcome=outcome):
            raise Refused(_who_has(deed.session, conversation))
        deed.note("conversation.end", subject(conversation), outcome=outcome.value)


def release(desk: Desk, token: str, conversation_id: int) -> None:
    """Put one's own conversation back into the queue.

    Raises:
        Refused: It is not hers.
    """
    with desk.act(token, Permission.CONVERSATIONS) as deed:
        conversation = find(deed.session, conversation_id)
        if not ownership.release(deed.session, conversation, deed.agent):
            raise Refused(_who_has(deed.session, conversation))
        deed.note("conversation.release", subject(conversation))


def pass_on(desk: Desk, token: str, conversation_id: int, account_id: int) -> None:
    """Give a conversation to a colleague: one's own, or with the right to assign anybody's and a waiting one.

    Raises:
        Refused: It is not hers to give, or the colleague is gone.
    """
    with desk.act(token, Permission.CONVERSATIONS) as deed:
        conversation = find(deed.session, conversation_id)
        to = deed.session.get(Account, account_id)
        if to is None or Permission.CONVERSATIONS not in _permissions(to):
            raise Refused("This colleague cannot take conversations.")
        if not _give(deed, conversation, to.agent):
            raise Refused(_who_has(deed.session, conversation))
        deed.note("conversation.assign", subject(conversation), to=to.agent.email)


def snooze(desk: Desk, token: str, conversation_id: int, duration: timedelta) -> datetime:
    """Put one's own conversation aside until a time, or until the customer writes; returns that time.

    Raises:
        Refused: It is not hers, or the time is out of reason.
    """
    if not timedelta(minutes=1) <= duration <= timedelta(days=90):
        raise Refused("A snooze lasts from a minute to 90 days.")
    with desk.act(token, Permission.CONVERSATIONS) as deed:
        conversation = find(deed.session, conversation_id)
        handoff = _own_handoff(deed, conversation)
        handoff.snoozed_until_at = utc_now() + duration
        deed.note("conversation.snooze", subject(conversation), until=handoff.snoozed_until_at.isoformat())
        return handoff.snoozed_until_at


def wake(desk: Desk, token: str, conversation_id: int) -> None:
    """End a snooze."""
    with desk.act(token, Permission.CONVERSATIONS) as deed:
        conversation = find(deed.session, conversation_id)
        _own_handoff(deed, conversation).snoozed_until_at = None
        deed.note("conversation.wake", subject(conversation))


def new_key() -> str:
    """A name for what somebody is about to send, made before she does: sending it twice says it once."""
    return uuid.uuid4().hex


def find(session: Session, conversation_id: int) -> Conversation:
    """The conversation with an id.

    Raises:
        Refused: There is none.
    """
    conversation = session.get(Conversation, conversation_id)
    if conversation is None:
        raise Refused("There is no such conversation.")
    return conversation


def subject(conversation: Conversation) -> str:
    """What the audit log calls it."""
    return f"conversation {conversation.id}"


def _give(deed: Deed, conversation: Conversation, to: Agent) -> bool:
    if conversation.owner == Owner.AGENT and conversation.agent_id == deed.agent.id:
        return ownership.pass_on(deed.session, conversation, deed.agent, to)
    if not deed.visitor.may(Permission.ASSIGN):
        return False
    if conversation.owner == Owner.QUEUE:
        return ownership.claim(deed.session, conversation, to)
    holder = deed.session.get(Agent, conversation.agent_id) if conversation.agent_id else None
    return holder is not None and ownership.pass_on(deed.session, conversation, holder, to)


def _own_handoff(deed: Deed, conversation: Conversation) -> Handoff:
    handoff = ownership.handoff_of(deed.session, conversation)
    if handoff is None or conversation.agent_id != deed.agent.id:
        raise Refused(_who_has(deed.session, conversation))
    return handoff


def _permissions(account: Account) -> frozenset[Permission]:
    return visitor_of(account).permissions


def _who_has(session: Session, conversation: Conversation) -> str:
    """Why it is not yours."""
    if conversation.owner == Owner.BOT:
        return "The bot has this conversation. Take it over first."
    if conversation.owner == Owner.QUEUE:
        return "Nobody has this conversation yet. Claim it first."
    agent = session.get(Agent, conversation.agent_id) if conversation.agent_id else None
    return f"{agent.name if agent else 'Somebody else'} has this conversation."
