"""Doubtful messages are found once, and what people say about them is kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from crm_connector import conversations
from crm_connector.choices import Sentiment, Verdict
from crm_connector.columns import JSONObject
from crm_connector.desk import training_inbox
from crm_connector.tables import DoubtfulMessage
from tests.crm_connector.factories import an_agent

LONG_AGO = datetime.now(UTC) - timedelta(days=1)


def _say(
    session: Session, text: str, *scores: float, intent: str = "greet", sentiment: str = "neutral"
) -> None:
    """A message of one conversation with the scores of its ranking."""
    names = [intent, "affirm", "deny"]
    ranking: list[JSONObject] = [
        {"name": name, "confidence": score} for name, score in zip(names, scores, strict=False)
    ]
    parsed = {
        "intent": ranking[0],
        "intent_ranking": ranking,
        "sentiment": {"value": sentiment},
        "entities": [{"start": 0, "end": 2, "entity": "city", "value": "Ax", "extractor": "x"}],
        "language": "en",
    }
    conversation = conversations.find_or_create(session, "ada", "rest")
    event = {"event": "user", "text": text, "timestamp": 1_790_000_000.0, "parse_data": parsed}
    conversations.append_events(session, conversation, [event])


def _one(session: Session) -> DoubtfulMessage:
    _say(session, "Ax or so", 0.5, 0.4)
    training_inbox.collect(session, LONG_AGO)
    return training_inbox.messages(session)[0]


def test_doubtful_messages_are_found_once(session: Session) -> None:
    """By fallback, low score, near tie or mood; what is sure or a button is left out."""
    _say(session, "asdf", 0.3, intent="nlu_fallback")
    _say(session, "well", 0.5, 0.1)
    _say(session, "perhaps", 0.61, 0.5)
    _say(session, "terrible", 0.99, 0.01, sentiment="negative")
    _say(session, "hello", 0.99, 0.01)
    _say(session, "hi", 0.99)
    _say(session, "/greet", 0.2)
    _say(session, "EXTERNAL: greet", 0.2)
    assert training_inbox.collect(session, LONG_AGO) == 4
    assert training_inbox.collect(session, LONG_AGO) == 0
    found = training_inbox.messages(session)
    assert [message.why for message in found] == ["fallback", "low_score", "near_tie", "negative"]
    assert training_inbox.counts(session) == dict.fromkeys(training_inbox.REASONS, 1)
    assert [message.text for message in training_inbox.messages(session, why="near_tie")] == ["perhaps"]
    assert training_inbox.messages(session, language="zh") == []
    assert training_inbox.predicted(found[2]) == [("greet", 0.61), ("affirm", 0.5)]
    assert training_inbox.collect(session, datetime.now(UTC) + timedelta(minutes=1)) == 0


def test_what_was_right_is_learnt_as_it_was_understood(session: Session) -> None:
    """With the entities of the text; who said so and when stays known."""
    message, agent = _one(session), an_agent(session)
    training_inbox.validate(session, message, agent)
    assert (message.intent, message.verdict) == ("greet", Verdict.VALIDATED)
    assert message.entities == [{"start": 0, "end": 2, "entity": "city", "value": "Ax"}]
    assert message.agent_id == agent.id
    assert message.decided_at is not None
    assert training_inbox.messages(session) == []
    assert training_inbox.to_export(session) == [message]
    training_inbox.exported(session, [message])
    assert training_inbox.to_export(session) == []


def test_what_was_wrong_is_put_right(session: Session) -> None:
    """Intent, entities and mood, in the order of their places; a change of mind is exported anew."""
    message, agent = _one(session), an_agent(session)
    entities = [{"start": 6, "end": 8, "entity": "b"}, {"start": 0, "end": 2, "entity": "a"}]
    training_inbox.change(
        session, message, agent, intent="deny", entities=entities, sentiment=Sentiment.NEGATIVE
    )
    assert [entity["entity"] for entity in message.entities] == ["a", "b"]
    training_inbox.exported(session, [message])
    training_inbox.change(session, message, agent, intent="affirm")
    assert training_inbox.to_export(session) == [message]
    training_inbox.reopen(session, message, agent)
    assert training_inbox.messages(session) == [message]


@pytest.mark.parametrize("act", [training_inbox.mark_unknown, training_inbox.remove])
def test_what_teaches_nothing_is_not_exported(session: Session, act: object) -> None:
    """Unknown and deleted messages leave the inbox and go nowhere."""
    message = _one(session)
    assert callable(act)
    act(session, message, an_agent(session))
    assert training_inbox.messages(session) == []
    assert training_inbox.to_export(session) == []


@pytest.mark.parametrize(
    ("entities", "reason"),
    [
        ([{"start": 0, "end": 99, "entity": "a"}], "no part of"),
        ([{"start": 2, "end": 2, "entity": "a"}], "no part of"),
        ([{"start": -1, "end": 2, "entity": "a"}], "no part of"),
        ([{"start": 0, "end": 2, "entity": ""}], "no kind of entity"),
        ([{"start": 0, "end": 4, "entity": "a"}, {"start": 3, "end": 5, "entity": "b"}], "overlaps"),
    ],
)
def test_entities_that_do_not_fit_are_refused(
    session: Session, entities: list[JSONObject], reason: str
) -> None:
    """Nothing is kept of the attempt."""
    message = _one(session)
    with pytest.raises(training_inbox.WrongEntity, match=reason):
        training_inbox.change(session, message, an_agent(session), intent="deny", entities=entities)
    assert message.verdict == Verdict.OPEN
