"""Agents work on conversations: find, claim, answer, pass on, give back; also two of them at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from crm_connector import conversations as store_conversations
from crm_connector import ownership
from crm_connector.choices import ComplaintCategory, Outcome, Owner, Role, Sentiment, Severity
from crm_connector.columns import JSONObject
from crm_connector.desk import accounts, audit, service_levels, writing
from crm_connector.desk.opening_hours import OpeningHours
from crm_connector.ownership import Matter
from crm_connector.tables import Conversation, Customer, ServiceLevel
from desk.access import Desk
from desk.deeds import conversations as deeds
from desk.deeds import replies
from desk.deeds.conversations import Refused
from desk.views.colleagues import colleagues
from desk.views.conversation import LineKind, open_conversation
from desk.views.conversation_list import Folder, counts, rows
from desk.views.customer import customer_panel

SignIn = Callable[..., str]

CARD: JSONObject = {
    "wanted": "a refund",
    "tried": ["took up a ticket"],
    "open_questions": ["Which order is it about?"],
    "slots": {"order_number": "LC104233"},
    "sentences": [{"text": "The customer is upset.", "sources": ["m1", "slot:sentiment"]}],
}
MATTER = Matter("asked", ComplaintCategory.PRODUCT, Severity.HIGH, Sentiment.NEGATIVE, "en", CARD)


def _conversation(
    desk: Desk, sender_id: str = "ada-000001", text: str = "It broke!", *, is_waiting: bool = True
) -> int:
    """A conversation in which the customer said something, and waits for a person."""
    with desk.store.session() as session:
        conversation = store_conversations.find_or_create(session, sender_id, "web_widget")
        parsed = {"intent": {"name": "complaint"}, "sentiment": {"value": "negative"}}
        said = {
            "event": "user",
            "text": text,
            "timestamp": time.time(),
            "message_id": "m1",
            "parse_data": parsed,
        }
        answer = {
            "event": "bot",
            "text": "I am sorry.",
            "timestamp": time.time(),
            "data": {"buttons": [{"title": "Yes"}]},
        }
        unsaid = {"event": "user", "text": "EXTERNAL: x", "timestamp": 1.0, "metadata": {"is_external": True}}
        store_conversations.append_events(session, conversation, [unsaid, said, answer])
        if is_waiting:
            ownership.request_agent(session, conversation, MATTER)
        return conversation.id


def _owner(desk: Desk, conversation_id: int) -> Owner:
    with desk.store.reading() as session:
        return session.get_one(Conversation, conversation_id).owner


def _names(desk: Desk, token: str, folder: Folder, search: str = "") -> list[str]:
    return [row.sender_id for row in rows(desk, token, folder, search=search)]


def test_a_conversation_goes_from_the_queue_to_the_bot(desk: Desk, signed_in: SignIn) -> None:
    """Claimed, answered, resolved: each step shows in the folders, in the transcript and in the audit log."""
    anna, ben = signed_in(Role.AGENT), signed_in(Role.AGENT, name="Ben")
    id_ = _conversation(desk)
    assert _names(desk, anna, Folder.UNASSIGNED) == ["ada-000001"]
    deeds.claim(desk, anna, id_)
    assert _names(desk, anna, Folder.MINE) == ["ada-000001"]
    assert _names(desk, ben, Folder.MINE) == []
    assert _names(desk, ben, Folder.ALL) == ["ada-000001"]
    deeds.reply(desk, anna, id_, " Hello <b>Ada</b> ", key="k1")
    deeds.give_back(desk, anna, id_, Outcome.SOLVED)
    assert _owner(desk, id_) == Owner.BOT
    assert _names(desk, anna, Folder.BOT) == ["ada-000001"]
    shown = open_conversation(desk, anna, id_)
    assert [(line.kind, line.text) for line in shown.lines] == [
        (LineKind.CUSTOMER, "It broke!"),
        (LineKind.ASSISTANT, "I am sorry."),
        (LineKind.MARK, "Anna joined the conversation"),
        (LineKind.AGENT, "Hello <b>Ada</b>"),
        (LineKind.MARK, "Anna left the conversation"),
    ]
    assert [(stay.agent, stay.outcome) for stay in shown.stays] == [("Anna", Outcome.SOLVED)]
    with desk.store.reading() as session:
        actions = [entry.action for entry in audit.entries(session, subject=f"conversation {id_}")]
    assert actions == ["conversation.end", "conversation.claim"]


def test_of_two_who_claim_at_once_one_wins(desk: Desk, signed_in: SignIn) -> None:
    """The other one is told who has it."""
    tokens = {name: signed_in(Role.AGENT, name=name) for name in ("Anna", "Ben", "Cleo", "Dan")}
    id_ = _conversation(desk)
    results: dict[str, str] = {}
    start = threading.Barrier(len(tokens))

    def claim(name: str) -> None:
        start.wait()
        try:
            deeds.claim(desk, tokens[name], id_)
            results[name] = "won"
        except Refused as refusal:
            results[name] = str(refusal)

    threads = [threading.Thread(target=claim, args=(name,)) for name in tokens]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [name for name, result in results.items() if result == "won"]
    assert len(winners) == 1
    assert {result for result in results.values() if result != "won"} == {
        f"{winners[0]} has this conversation."
    }


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(lambda d, t, i: deeds.reply(d, t, i, "x", key="k"), id="reply"),
        pytest.param(lambda d, t, i: deeds.give_back(d, t, i), id="give back"),
        pytest.param(lambda d, t, i: deeds.release(d, t, i), id="release"),
        pytest.param(lambda d, t, i: deeds.snooze(d, t, i, timedelta(hours=1)), id="snooze"),
        pytest.param(lambda d, t, i: deeds.wake(d, t, i), id="wake"),
        pytest.param(lambda d, t, i: deeds.claim(d, t, i), id="claim"),
    ],
)
def test_nobody_works_on_a_colleagues_conversation(
    desk: Desk, signed_in: SignIn, act: Callable[[Desk, str, int], object]
) -> None:
    """Whatever somebody else tries is refused with the name of who has it, and nothing changes."""
    anna, ben = signed_in(Role.AGENT), signed_in(Role.AGENT, name="Ben")
    id_ = _conversation(desk)
    deeds.claim(desk, anna, id_)
    before = open_conversation(desk, anna, id_)
    with pytest.raises(Refused, match="Anna has this conversation"):
        act(desk, ben, id_)
    assert open_conversation(desk, anna, id_) == before


def test_an_agent_may_step_in_where_the_bot_answers(desk: Desk, signed_in: SignIn) -> None:
    """Claiming a conversation of the bot takes it over."""
    anna = signed_in(Role.AGENT)
    id_ = _conversation(desk, is_waiting=False)
    with pytest.raises(Refused, match="Take it over first"):
        deeds.reply(desk, anna, id_, "Hello", key="k")
    deeds.claim(desk, anna, id_)
    assert open_conversation(desk, anna, id_).is_mine
    deeds.release(desk, anna, id_)
    assert open_conversation(desk, anna, id_).lines[-1].text == "Anna left, and the conversation waits again"
    with pytest.raises(Refused, match="Claim it first"):
        deeds.reply(desk, anna, id_, "Hello", key="k")


def test_conversations_are_passed_on(desk: Desk, signed_in: SignIn) -> None:
    """An agent gives away her own; a supervisor anybody's, and what waits; to nobody who cannot take it."""
    anna, ben = signed_in(Role.AGENT), signed_in(Role.AGENT, name="Ben")
    boss, developer = signed_in(Role.SUPERVISOR, name="Sue"), signed_in(Role.BOT_DEVELOPER, name="Dev")
    assert developer
    people = {one.name: one.account_id for one in colleagues(desk, anna)}
    assert sorted(people) == ["Anna", "Ben", "Sue"]
    id_ = _conversation(desk)
    with pytest.raises(Refused, match="Nobody has this conversation yet"):
        deeds.pass_on(desk, anna, id_, people["Ben"])
    deeds.pass_on(desk, boss, id_, people["Anna"])
    deeds.pass_on(desk, anna, id_, people["Ben"])
    assert open_conversation(desk, ben, id_).is_mine
    with pytest.raises(Refused, match="Ben has this conversation"):
        deeds.pass_on(desk, anna, id_, people["Anna"])
    deeds.pass_on(desk, boss, id_, people["Anna"])
    assert open_conversation(desk, anna, id_).is_mine
    with desk.store.session() as session:
        other = accounts.find(session, "dev.bot_developer@example.com")
        assert other is not None
    with pytest.raises(Refused, match="cannot take conversations"):
        deeds.pass_on(desk, anna, id_, other.id)


def test_what_is_put_aside_comes_back(desk: Desk, signed_in: SignIn) -> None:
    """By itself after the time, when woken, and when the customer writes."""
    anna = signed_in(Role.AGENT)
    id_ = _conversation(desk)
    deeds.claim(desk, anna, id_)
    until = deeds.snooze(desk, anna, id_, timedelta(hours=1))
    assert _names(desk, anna, Folder.MINE) == []
    assert _names(desk, anna, Folder.SNOOZED) == ["ada-000001"]
    assert counts(desk, anna)[Folder.SNOOZED] == 1
    assert [row.id for row in rows(desk, anna, Folder.MINE, now=until + timedelta(seconds=1))] == [id_]
    deeds.wake(desk, anna, id_)
    assert _names(desk, anna, Folder.MINE) == ["ada-000001"]
    with pytest.raises(Refused, match="from a minute to 90 days"):
        deeds.snooze(desk, anna, id_, timedelta(seconds=1))


def test_the_handoff_card_is_there_before_anything_is_read(desk: Desk, signed_in: SignIn) -> None:
    """Why it came, what is wanted, what was tried, what is known and open; sentences lead to messages."""
    anna = signed_in(Role.AGENT)
    id_ = _conversation(desk)
    card = open_conversation(desk, anna, id_).card
    assert card is not None
    assert (card.reason, card.severity, card.sentiment, card.topic) == (
        "asked",
        "high",
        "negative",
        "product",
    )
    assert (card.wanted, card.tried, card.open_questions) == (
        "a refund",
        ("took up a ticket",),
        ("Which order is it about?",),
    )
    assert card.slots == {"order_number": "LC104233"}
    assert card.sentences == (("The customer is upset.", ("m1", "slot:sentiment")),)


def test_notes_and_drafts_are_kept(desk: Desk, signed_in: SignIn) -> None:
    """Notes stand among the lines for agents only; a draft is there until it is sent."""
    anna, ben = signed_in(Role.AGENT), signed_in(Role.AGENT, name="Ben")
    id_ = _conversation(desk)
    deeds.claim(desk, anna, id_)
    deeds.keep_draft(desk, anna, id_, "Dear Ad", is_note=False)
    assert open_conversation(desk, anna, id_).draft == "Dear Ad"
    assert open_conversation(desk, ben, id_).draft == ""
    for _ in range(2):
        deeds.add_note(desk, ben, id_, "Knows our boss", key="n1")
        deeds.reply(desk, anna, id_, "Dear Ada", key="k1")
    shown = open_conversation(desk, anna, id_)
    assert shown.draft == ""
    assert [line.text for line in shown.lines if line.kind in (LineKind.NOTE, LineKind.AGENT)] == [
        "Knows our boss",
        "Dear Ada",
    ]
    with desk.store.reading() as session:
        conversation = session.get_one(Conversation, id_)
        said = [line.text for line in store_conversations.transcript(session, conversation)]
    assert "Knows our boss" not in said


@pytest.mark.parametrize("text", ["", "   ", "x" * 4001])
def test_replies_have_a_length(desk: Desk, signed_in: SignIn, text: str) -> None:
    """Nothing, and too much, is refused before anything is stored."""
    anna = signed_in(Role.AGENT)
    id_ = _conversation(desk)
    deeds.claim(desk, anna, id_)
    with pytest.raises(Refused, match=r"Write something|is the most"):
        deeds.reply(desk, anna, id_, text, key="k")


def test_agents_see_who_else_looks(desk: Desk, signed_in: SignIn) -> None:
    """Until the other one looks away."""
    anna, ben = signed_in(Role.AGENT), signed_in(Role.AGENT, name="Ben")
    id_ = _conversation(desk)
    assert deeds.look(desk, anna, id_) == []
    assert deeds.look(desk, ben, id_) == ["Anna"]
    deeds.look_away(desk, anna, id_)
    assert deeds.look(desk, ben, id_) == []


def test_canned_replies_are_filled_from_the_conversation(desk: Desk, signed_in: SignIn) -> None:
    """With the slots of the card, the customer's name and the agent's; what nobody knows is named."""
    anna = signed_in(Role.AGENT)
    id_ = _conversation(desk)
    with desk.store.session() as session:
        writing.save_canned_reply(
            session, "hi", "en", "Hello {name}, {agent} here about {order_number}. {city}"
        )
        customer = Customer(name="Ada")
        session.add(customer)
        session.flush()
        session.get_one(Conversation, id_).customer_id = customer.id
    [choice] = replies.choices(desk, anna, id_, "h")
    assert choice.filled == "Hello Ada, Anna here about LC104233. {city}"
    assert choice.missing == ("city",)


def test_the_list_is_searched_by_words_not_by_patterns(desk: Desk, signed_in: SignIn) -> None:
    """A percent sign is a percent sign."""
    anna = signed_in(Role.AGENT)
    _conversation(desk, "ada-000001")
    _conversation(desk, "bob-100%02")
    assert _names(desk, anna, Folder.UNASSIGNED, "ADA") == ["ada-000001"]
    assert _names(desk, anna, Folder.UNASSIGNED, "%") == ["bob-100%02"]
    assert _names(desk, anna, Folder.UNASSIGNED, "_") == []


def test_rows_show_what_is_urgent(desk: Desk, signed_in: SignIn) -> None:
    """Severity, mood, who waits since when, and what was promised; the most urgent is first."""
    anna = signed_in(Role.AGENT)
    with desk.store.session() as session:
        level = ServiceLevel(name="all", hours=OpeningHours().as_json(), first_response_min=30)
        session.add(level)
    with desk.store.session() as session:
        calm = store_conversations.find_or_create(session, "calm-000001", "telegram")
        ownership.request_agent(session, calm, Matter())
    _conversation(desk)
    first, second = rows(desk, anna, Folder.UNASSIGNED)
    assert (first.sender_id, second.sender_id) == ("ada-000001", "calm-000001")
    assert (first.severity, first.sentiment, first.preview) == (
        Severity.HIGH,
        Sentiment.NEGATIVE,
        "I am sorry.",
    )
    assert first.waiting_since_at is not None
    assert first.due_at is not None
    assert first.warn_at is not None
    assert first.warn_at < first.due_at
    assert first.urgency > second.urgency
    with desk.store.reading() as session:
        assert len(service_levels.all_levels(session)) == 1


def test_without_a_customer_there_is_no_panel(desk: Desk, signed_in: SignIn) -> None:
    """Nobody is made up; of a known one everything is shown."""
    anna = signed_in(Role.AGENT)
    id_ = _conversation(desk)
    assert customer_panel(desk, anna, id_) is None
    with desk.store.session() as session:
        customer = Customer(name="Ada", email="ada@example.com")
        session.add(customer)
        session.flush()
        for conversation in session.scalars(select(Conversation)):
            conversation.customer_id = customer.id
    other = _conversation(desk, "ada-000002")
    with desk.store.session() as session:
        session.get_one(Conversation, other).customer_id = customer.id
    panel = customer_panel(desk, anna, id_)
    assert panel is not None
    assert (panel.name, panel.email) == ("Ada", "ada@example.com")
    assert [one.id for one in panel.conversations] == [other]


def test_what_is_gone_is_refused(desk: Desk, signed_in: SignIn) -> None:
    """An id that nobody has is a sentence, not an error."""
    with pytest.raises(Refused, match="no such conversation"):
        open_conversation(desk, signed_in(Role.AGENT), 999)
