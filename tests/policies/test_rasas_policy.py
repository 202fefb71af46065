"""Policies that were written for Rasa learn, are kept in the model, and take part."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.dialogue.domain import Domain
from bot.dialogue.events import (
    ActionExecuted,
    ActionExecutionRejected,
    ActionReverted,
    ActiveLoop,
    AllSlotsReset,
    BotUttered,
    ConversationPaused,
    ConversationResumed,
    DefinePrevUserUtteredFeaturization,
    EntitiesAdded,
    Event,
    FollowupAction,
    LoopInterrupted,
    ReminderCancelled,
    Restarted,
    SessionStarted,
    SlotSet,
    UserUtteranceReverted,
    UserUttered,
)
from bot.dialogue.messages import Intent, ParseResult
from bot.errors import InvalidProject, ModelError
from bot.policies import train as policy_training
from bot.policies.registry import DefaultPolicy
from bot.written_for_rasa.events import from_our_own
from bot.written_for_rasa.trackers import ActionNotFoundException
from bot.written_for_rasa.trackers import Domain as RasasDomain
from tests.policies.assistants import DOMAIN, Assistant, assistant

DATA = """
    stories:
    - {story: chat, steps: [{intent: chat}, {action: utter_chat}]}
    - {story: bye, steps: [{intent: bye}, {action: utter_bye}, {intent: chat}, {action: utter_chat}]}
    rules:
    - {rule: hello, steps: [{intent: greet}, {action: utter_hello}]}
"""
COUNT = "  count: {type: float, mappings: [{type: custom}]}\nactions:"
RULES = DefaultPolicy("RulePolicy", {})


def made() -> Assistant:
    """Return an assistant with a slot that counts."""
    return assistant(DATA, DOMAIN.replace("actions:", COUNT))


def own(name: str, **options: object) -> DefaultPolicy:
    """Name one of the project's policies."""
    return DefaultPolicy(f"tests.policies.manners.{name}", options)


def said(text: str, intent: str) -> list[Event]:
    """Return a turn of the customer."""
    return [UserUttered(text=text, parse_data=ParseResult(text, Intent(intent, 0.9)))]


def test_it_learns_and_wins(tmp_path: Path) -> None:
    """From stories alone, with its options over its defaults; what it adds happens when it wins."""
    bot = made()
    report = policy_training.train([RULES, own("Manners")], bot.trackers, bot.domain, tmp_path)
    assert report.policies == ("RulePolicy", "Manners")
    ensemble = policy_training.load(tmp_path)
    assert ensemble.policies[1].priority == 5
    prediction = ensemble.predict(bot.conversation(said("let us talk", "chat")), bot.domain)
    assert (*bot.best(prediction), prediction.policy) == ("utter_chat", 1.0, "Manners")
    assert SlotSet(name="count", value=1) in prediction.events
    assert (tmp_path / "1_Manners" / "learnt" / "manners.json").is_file()
    other = ensemble.predict(bot.conversation(said("hello", "greet")), bot.domain)
    assert other.policy == "RulePolicy"


@pytest.mark.parametrize("text", ["break", "few"])
def test_one_that_fails_is_silent(tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture) -> None:
    """The others go on, and the log says which it was."""
    bot = made()
    policy_training.train([RULES, own("Manners")], bot.trackers, bot.domain, tmp_path)
    prediction = policy_training.load(tmp_path).predict(bot.conversation(said(text, "greet")), bot.domain)
    assert bot.best(prediction)[0] == "utter_hello"
    assert "policy Manners" in caplog.text


def test_it_may_want_rules_and_keep_files_of_its_own(tmp_path: Path) -> None:
    """Its `load` finds what `train` wrote."""
    bot = made()
    policy_training.train([RULES, own("Rules", priority=9)], bot.trackers, bot.domain, tmp_path)
    ensemble = policy_training.load(tmp_path)
    assert bot.best(ensemble.predict(bot.conversation(said("x", "order")), bot.domain)) == ("utter_bye", 1.0)
    (tmp_path / "1_Rules" / "learnt" / "names.json").unlink()
    with pytest.raises(ModelError, match="policy Rules cannot be loaded"):
        policy_training.load(tmp_path)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("NeedsFeatures", "MaxHistoryTrackerFeaturizer is not here; `_prediction_states` has the states"),
        ("NeedsMore", "Rasa's Domain may have 'slot_states', the one that stands for it here has not"),
    ],
)
def test_what_is_not_here_is_said(tmp_path: Path, name: str, words: str) -> None:
    """By the name that the policy asked for."""
    bot = made()
    with pytest.raises(InvalidProject) as refused:
        policy_training.train([RULES, own(name)], bot.trackers, bot.domain, tmp_path)
    assert words in str(refused.value)


def test_a_domain_reads_as_rasas(tmp_path: Path) -> None:  # noqa: ARG001
    """Actions by index, slots with their kinds."""
    domain: Domain = made().domain
    shown = RasasDomain(domain)
    assert shown.index_for_action("utter_bye") == domain.index_of("utter_bye")
    with pytest.raises(ActionNotFoundException, match="no action 'utter_by'"):
        shown.index_for_action("utter_by")
    slots = {slot.name: slot for slot in shown.slots}
    assert slots["level"].value == "low"
    assert slots["level"].as_feature() == [1.0, 0.0, 0.0]
    assert not slots["note"].has_features()


def test_every_event_goes_there_and_back() -> None:
    """Those of a conversation are the same again."""
    events: list[Event] = [
        *said("hi", "greet"),
        SlotSet(name="a", value=[1]),
        ActionExecuted(name="x", policy="p", confidence=0.5),
        ActionExecuted(action_text="hello"),
    ]
    events += [
        kind()
        for kind in (
            Restarted, SessionStarted, AllSlotsReset, UserUtteranceReverted, ActionReverted,
            ConversationPaused, ConversationResumed, BotUttered, ReminderCancelled, EntitiesAdded,
            DefinePrevUserUtteredFeaturization,
        )
    ]  # fmt: skip
    events += [ActiveLoop(name=None), FollowupAction(name="x"), LoopInterrupted(is_interrupted=True)]
    events += [ActionExecutionRejected(name="x", policy="p")]
    for event in events:
        shown = from_our_own(event)
        assert shown.as_our_own() == event
        assert shown.type_name == event.event
        assert from_our_own(event) == shown
