"""The training inbox writes files that train: read again, they say what was decided."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.training_data.project import read_nlu
from crm_connector import conversations
from crm_connector.choices import Role, Sentiment
from crm_connector.columns import JSONObject
from desk.access import Desk
from desk.deeds import training
from desk.deeds.conversations import Refused

SignIn = Callable[..., str]


def _say(desk: Desk, text: str, *, intent: str = "greet", entities: list[JSONObject] | None = None) -> None:
    ranking = [{"name": intent, "confidence": 0.5}, {"name": "goodbye", "confidence": 0.4}]
    parsed = {"intent": ranking[0], "intent_ranking": ranking, "entities": entities or []}
    event = {"event": "user", "text": text, "timestamp": 1.0, "parse_data": parsed}
    with desk.store.session() as session:
        conversation = conversations.find_or_create(session, "ada", "rest")
        conversations.append_events(session, conversation, [event])


def test_what_was_decided_becomes_training_data(desk: Desk, signed_in: SignIn, tmp_path: Path) -> None:
    """One new file for each export; every example keeps who said so, markup and all."""
    dev = signed_in(Role.BOT_DEVELOPER, name="Dev")
    _say(desk, "Hallo [Welt](x) : {a} #1", entities=[{"start": 0, "end": 5, "entity": "word", "value": "hi"}])
    _say(desk, "我要去上海")
    _say(desk, "what?")
    _say(desk, "never mind")
    assert training.collect(desk, dev) == 4
    first, second, third, fourth = training.inbox(desk, dev)
    assert training.open_counts(desk, dev)["low_score"] == 4
    training.validate(desk, dev, first.id)
    city = {"start": 3, "end": 5, "entity": "city", "role": "to"}
    training.change(desk, dev, second.id, intent="travel", entities=[city], sentiment=Sentiment.POSITIVE)
    training.mark_unknown(desk, dev, third.id)
    training.remove(desk, dev, fourth.id)
    path, count = training.export(desk, dev, tmp_path / "data" / "nlu")
    assert count == 2
    data = read_nlu([path], "en")
    examples = {example.intent: example for example in data.examples}
    assert examples["greet"].text == "Hallo (Welt)(x) : {a} #1", "no customer annotates training data"
    assert [(one.start, one.end, one.entity, one.value) for one in examples["greet"].entities] == [
        (0, 5, "word", "hi")
    ]
    [marked] = examples["travel"].entities
    assert (marked.entity, marked.role, marked.value) == ("city", "to", "上海")
    assert examples["travel"].metadata["example"]["annotated_by"] == "dev.bot_developer@example.com"
    assert [(one.text, one.value) for one in data.sentiment_examples] == [("我要去上海", "positive")]
    assert not list(path.parent.glob("*.tmp"))
    with pytest.raises(Refused, match="nothing new"):
        training.export(desk, dev, tmp_path / "data" / "nlu")
    training.reopen(desk, dev, third.id)
    assert [row.text for row in training.inbox(desk, dev)] == ["what?"]


def test_a_folder_that_cannot_be_written_loses_nothing(desk: Desk, signed_in: SignIn, tmp_path: Path) -> None:
    """The decisions wait for the next export."""
    dev = signed_in(Role.BOT_DEVELOPER, name="Dev")
    _say(desk, "hello there")
    training.collect(desk, dev)
    training.validate(desk, dev, training.inbox(desk, dev)[0].id)
    (tmp_path / "data").write_text("a file, not a folder")
    with pytest.raises(Refused, match="cannot be written"):
        training.export(desk, dev, tmp_path / "data" / "nlu")
    path, count = training.export(desk, dev, tmp_path / "elsewhere")
    assert (path.is_file(), count) == (True, 1)
    with pytest.raises(Refused, match="Choose what was meant"):
        training.change(desk, dev, 1, intent=" ", entities=[])
    with pytest.raises(Refused, match="no such message"):
        training.validate(desk, dev, 999)
