"""What policies see of a conversation."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.dialogue.events import (
    ActionExecuted,
    ActionReverted,
    AllSlotsReset,
    DefinePrevUserUtteredFeaturization,
    EntitiesAdded,
    Event,
    FollowupAction,
    Restarted,
    UserUtteranceReverted,
)
from bot.dialogue.messages import Entity
from bot.policies.states import State, since_snippet
from bot.policies.turns import History, RuleOnly, history_of, state, states_to_predict
from tests.policies.assistants import assistant, did, loop, said, slot

ASSISTANT = assistant()
DOMAIN = ASSISTANT.domain
LOW = {"slots": {"level": [1.0, 0.0, 0.0]}}


def by_intent(use_text: bool = False) -> Event:
    """What a prediction notes about the turn it was made from."""
    return DefinePrevUserUtteredFeaturization(use_text_for_featurization=use_text)


def seen(events: list[Event], **options: Any) -> list[Any]:
    """The states that policies see, as Rasa writes them."""
    turns = history_of(ASSISTANT.conversation(events)).turns()
    return [made.as_json() for made in states_to_predict(turns, **options)]


def test_a_turn_stays_in_the_state_for_all_its_actions() -> None:
    """The first state has neither a turn nor an action."""
    listen, hello = {"action_name": "action_listen"}, {"action_name": "utter_hello"}
    assert seen([said("greet"), by_intent(), did("utter_hello"), did("action_listen")]) == [
        LOW,
        LOW | {"user": {"intent": "greet"}, "prev_action": listen},
        LOW | {"user": {"intent": "greet"}, "prev_action": hello},
        LOW | {"user": {"intent": "greet"}, "prev_action": listen},
    ]


@pytest.mark.parametrize(
    ("event", "slots"),
    [
        (slot("vip", False), {"vip": [1.0, 0.0]}),
        (slot("city", "Rome"), {"city": [1.0]}),
        (slot("note", "x"), {}),
        (slot("vip", None), {}),
        (slot("unknown", 1), {}),
    ],
    ids=["false is a value", "text is not looked into", "without influence", "unset", "not in the domain"],
)
def test_slots_count_by_their_features(event: Event, slots: Any) -> None:
    """A slot without any feature that is not zero is left out."""
    assert seen([event])[-1]["slots"] == LOW["slots"] | slots


def test_a_reset_brings_initial_values_back() -> None:
    """As at the start of a conversation."""
    assert seen([slot("level", "high"), slot("vip", True), AllSlotsReset()])[-1]["slots"] == LOW["slots"]


def test_rules_do_not_see_initial_values() -> None:
    """Only what an event has set."""
    history = History(DOMAIN, omit_unset_slots=True).follow([slot("vip", True), AllSlotsReset()])
    assert history.situations[0].slots == history.situations[2].slots == {}
    assert history.situations[1].slots == {"vip": (1.0, 1.0)}


@pytest.mark.parametrize(
    ("as_text", "user"),
    [(False, {"intent": "greet", "entities": ["city"]}), (True, {"text": "words"})],
    ids=["intent", "text"],
)
def test_the_last_turn_counts_by_intent_or_by_text(as_text: bool, user: Any) -> None:
    """Never by both; entities go with the intent."""
    assert seen([said("greet", city="Rome")], as_text=as_text)[-1]["user"] == user


def test_free_text_without_intent_is_an_empty_turn() -> None:
    """That is not the same as no turn: stories that know nothing of it do not fit."""
    assert seen([said(None)])[-1]["user"] == {}
    assert "user" not in seen([said(None), by_intent(), did("utter_chat")])[-1]


def test_entities_that_a_policy_adds_count() -> None:
    """They belong to the turn just said."""
    added = EntitiesAdded(entities=(Entity("city", "Rome"),))
    assert seen([said("order"), added])[-1]["user"] == {"intent": "order", "entities": ["city"]}


def test_hidden_turns_disappear_for_stories() -> None:
    """The action before and what the customer said before stand in for them."""
    events = [said("greet"), by_intent(), did("utter_hello"), did("action_listen"), said("chat"), by_intent()]
    events += [did("utter_chat", hide=True), did("action_listen", hide=True), said("bye")]
    turns = history_of(ASSISTANT.conversation(events)).story_turns()
    made = states_to_predict(turns)
    actions = [item.prev_action and item.prev_action.name for item in made]
    assert actions == [None, "action_listen", "utter_hello", "action_listen"]
    assert [item.user and item.user.intent for item in made] == [None, "greet", "greet", "bye"]


def test_slots_and_loops_of_rules_disappear_for_stories() -> None:
    """What only rules know does not disturb what is learnt from stories."""
    history = history_of(ASSISTANT.conversation([slot("vip", True), loop("order_form")]))
    made = state(history.turns()[-1], RuleOnly(frozenset({"vip"}), frozenset({"order_form"})))
    assert made.as_json() == LOW | {"prev_action": {"action_name": "action_listen"}}


@pytest.mark.parametrize("count", [1, 2, 3, None])
def test_only_the_last_turns_are_made(count: int | None) -> None:
    """They are the end of all turns."""
    history = history_of(ASSISTANT.conversation([said("greet"), did("utter_hello"), did("action_listen")]))
    assert history.turns(count) == history.turns()[-count if count else 0 :]


def test_a_rule_asks_for_what_follows_its_beginning() -> None:
    """The states after the last `...`."""
    begin, after = State.from_json({"prev_action": {"action_name": "..."}}), State()
    assert since_snippet([after, begin, after, after]) == (after, after)
    assert since_snippet([after, begin]) == ()


EVENTS = st.one_of(
    st.sampled_from(["greet", "bye", None]).map(said),
    st.sampled_from(["action_listen", "utter_hello", "order_form", "action_check"]).map(did),
    st.sampled_from(["action_listen", "utter_chat"]).map(lambda name: did(name, hide=True)),
    st.sampled_from([("vip", True), ("vip", None), ("level", "high"), ("city", "x")]).map(lambda p: slot(*p)),
    st.sampled_from(["order_form", None]).map(loop),
    st.booleans().map(by_intent),
    st.sampled_from([FollowupAction, ActionExecuted]).map(lambda kind: kind(name="action_check")),
    st.sampled_from([UserUtteranceReverted, ActionReverted, AllSlotsReset, Restarted]).map(
        lambda kind: kind()
    ),
)


@settings(deadline=None)
@given(st.lists(EVENTS, max_size=40), st.integers(1, 5))
def test_following_a_conversation_equals_reading_it_at_once(events: list[Event], stride: int) -> None:
    """However events come in, revert and fold, a history knows what a fresh one knows."""
    tracker = ASSISTANT.conversation()
    for index, event in enumerate(events):
        tracker.apply(event)
        if index % stride == 0:
            history_of(tracker)
    followed, fresh = history_of(tracker), History(DOMAIN).follow(tracker.applied_events())
    assert followed.turns() == fresh.turns()
    assert followed.story_turns() == fresh.story_turns()


@settings(deadline=None)
@given(st.lists(EVENTS, max_size=20))
def test_states_survive_the_way_to_disk(events: list[Event]) -> None:
    """What is written is read back."""
    turns = history_of(ASSISTANT.conversation(events)).turns()
    for made in states_to_predict(turns):
        assert State.from_json(made.as_json()) == made
