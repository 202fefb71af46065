"""Predicting by rules."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.dialogue.events import ActionExecutionRejected, Event
from bot.errors import InvalidProject
from bot.policies.policy import Prediction
from bot.policies.rule_lookup import RuleLookup, rule_fits
from bot.policies.rules import RuleOptions, RulePolicy
from bot.policies.states import Action, State, User
from bot.policies.turns import RuleOnly
from bot.training_data.story_branch import SHOULD_NOT_BE_SET
from tests.policies.assistants import Assistant, assistant, did, loop, said, slot

FALLBACK = ("action_default_fallback", 0.3)
FORM = """
    rules:
    - {rule: start the form, steps: [{intent: order}, {action: order_form}, {active_loop: order_form}]}
    - {rule: chat, steps: [{intent: chat}, {action: utter_chat}]}
    - rule: after the form
      condition: [{active_loop: order_form}]
      steps: [{action: order_form}, {active_loop: null}, {action: utter_done}]
"""
ASKED: list[Event] = [said("order"), did("order_form"), loop("order_form"), did("action_listen")]
REJECTED = ActionExecutionRejected(name="order_form")


def trained(made: Assistant, **options: object) -> RulePolicy:
    """Learn the rules of an assistant."""
    policy = RulePolicy(RuleOptions(**options))  # type: ignore[arg-type]
    policy.train(made.trackers, made.domain, RuleOnly())
    return policy


def predict(data: str, events: list[Event], **options: object) -> tuple[Assistant, Prediction]:
    """Train on stories and rules, and predict after some events."""
    made = assistant(data)
    return made, trained(made, **options).predict(made.conversation(events), made.domain)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([said("chat")], ("utter_chat", 1.0)),
        ([said("chat"), did("utter_chat")], ("action_listen", 1.0)),
        ([said("bye")], FALLBACK),
        ([said("restart")], ("action_restart", 1.0)),
        ([said("back")], ("action_back", 1.0)),
        ([said("order"), did("order_form"), loop("order_form")], ("action_listen", 1.0)),
        ([*ASKED, said("chat")], ("order_form", 1.0)),
        ([*ASKED, said("restart")], ("action_restart", 1.0)),
        ([*ASKED, said("chat"), REJECTED], ("utter_chat", 1.0)),
        ([*ASKED, said("chat"), REJECTED, did("utter_chat")], ("order_form", 1.0)),
        ([*ASKED, said("bye"), did("order_form"), loop(None)], ("utter_done", 1.0)),
    ],
    ids=[
        "rule", "rule listens", "no rule", "restart", "back", "loop listens", "loop runs",
        "restart in a loop", "rule in between", "back to the loop", "after the loop",
    ],
)  # fmt: skip
def test_what_a_rule_policy_predicts(events: list[Event], expected: tuple[str, float]) -> None:
    """Default intents, then the happy path of loops, then rules, then the fallback."""
    made, prediction = predict(FORM, events)
    assert made.best(prediction) == expected


def test_the_happy_path_needs_nothing_the_customer_said() -> None:
    """So no other policy can beat it."""
    assert predict(FORM, [*ASKED, said("chat")])[1].is_no_user
    assert not predict(FORM, [*ASKED, said("chat"), REJECTED])[1].is_no_user


def test_the_fallback_stands_beside_a_rule() -> None:
    """When the rule's action has been rejected, its turn comes."""
    made, prediction = predict(FORM, [said("chat")])
    assert prediction.scores[made.domain.index_of("action_default_fallback") or 0] == 0.3


def test_the_fallback_can_be_switched_off_and_replaced() -> None:
    """By `enable_fallback_prediction` and `core_fallback_action_name`."""
    assert predict(FORM, [said("bye")], enable_fallback_prediction=False)[1].confidence == 0.0
    options = {"core_fallback_action_name": "utter_bye", "core_fallback_threshold": 0.5}
    made, prediction = predict(FORM, [said("bye")], **options)
    assert made.best(prediction) == ("utter_bye", 0.5)


INTERRUPTION = """
    rules:
    - {rule: start the form, steps: [{intent: order}, {action: order_form}, {active_loop: order_form}]}
    - rule: chat inside the form
      condition: [{active_loop: order_form}]
      steps: [{intent: chat}, {action: utter_chat}, {action: order_form}, {active_loop: order_form}]
"""


def test_a_loop_hears_that_it_was_interrupted() -> None:
    """Only where it runs right after the customer's turn; it then skips validation once."""
    story = """
        stories:
        - story: deny and go on
          steps:
          - intent: order
          - action: order_form
          - active_loop: order_form
          - intent: deny
          - action: utter_chat
          - action: action_listen
          - intent: affirm
          - action: order_form
          - active_loop: null
          - action: utter_done
    """
    events = [
        *ASKED,
        said("deny"),
        REJECTED,
        did("utter_chat"),
        did("action_listen"),
        said("affirm"),
        REJECTED,
    ]
    _, prediction = predict(story, events)
    assert [event.event for event in prediction.events] == ["loop_interrupted"]
    _, other = predict(INTERRUPTION, [*ASKED, said("chat"), REJECTED, did("utter_chat")])
    assert other.events == ()


def test_a_rule_that_listens_inside_a_loop_asks_the_question_again() -> None:
    """Unless the stories of this loop go on differently after the same action."""
    events = [*ASKED, said("chat"), REJECTED, did("utter_chat")]
    rules = FORM.partition("    - rule: after")[0]
    made, prediction = predict(rules, events)
    assert made.best(prediction) == ("order_form", 1.0)
    story = """
    stories:
    - story: ask whether to go on
      steps:
      - intent: order
      - action: order_form
      - active_loop: order_form
      - intent: chat
      - action: utter_chat
      - intent: affirm
      - action: order_form
    """
    made, prediction = predict(rules + story, events)
    assert made.best(prediction) == FALLBACK


CONDITIONS = """
    rules:
    - {rule: anybody, steps: [{intent: greet}, {action: utter_hello}]}
    - rule: important people
      condition: [{slot_was_set: [{vip: true}]}]
      steps: [{intent: greet}, {action: action_check}]
    - rule: who has not said where
      condition: [{slot_was_set: [{city: null}]}]
      steps: [{intent: bye}, {action: utter_bye}]
    - rule: first words
      conversation_start: true
      steps: [{intent: deny}, {action: utter_chat}]
    - {rule: with a city, steps: [{intent: affirm, entities: [{city: Rome}]}, {action: action_pay}]}
    - rule: not the end
      wait_for_user_input: false
      steps: [{intent: affirm}, {action: utter_done}]
"""


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([said("greet")], ("utter_hello", 1.0)),
        ([slot("vip", True), said("greet")], ("action_check", 1.0)),
        ([slot("vip", False), said("greet")], ("utter_hello", 1.0)),
        ([said("bye")], ("utter_bye", 1.0)),
        ([slot("city", "Rome"), said("bye")], FALLBACK),
        ([said("deny")], ("utter_chat", 1.0)),
        ([said("greet"), did("utter_hello"), did("action_listen"), said("deny")], FALLBACK),
        ([said("affirm", city="Rome"), slot("city", "Rome")], ("action_pay", 1.0)),
        ([said("affirm")], ("utter_done", 1.0)),
        ([said("affirm"), did("utter_done")], FALLBACK),
    ],
    ids=[
        "general", "special", "another value", "forbidden slot is unset", "forbidden slot is set", "start",
        "not the start", "entity", "without entity", "the rule does not say that it ends",
    ],
)  # fmt: skip
def test_conditions(events: list[Event], expected: tuple[str, float]) -> None:
    """All that a rule names must hold; the rule that names more wins."""
    made, prediction = predict(CONDITIONS, events)
    assert made.best(prediction) == expected


def test_turns_that_no_story_knows_are_hidden() -> None:
    """Stories learn nothing from them; the loops of no story either."""
    story = "    stories:\n    - {story: chat, steps: [{intent: chat}, {action: utter_chat}]}\n"
    _, used = predict(FORM + story, [said("chat")])
    _, unused = predict(FORM + story, [said("order")])
    assert (used.hide_rule_turn, unused.hide_rule_turn) == (False, True)
    made = assistant(FORM + story)
    assert trained(made).rule_only == RuleOnly(loops=frozenset({"order_form"}))
    assert trained(made, check_for_contradictions=False).rule_only == RuleOnly()


def test_rules_on_text_come_before_rules_on_intents() -> None:
    """Even before default intents; the prediction says that the text was used."""
    data = """
        rules:
        - {rule: by text, steps: [{user: good day}, {action: utter_hello}]}
        - {rule: by intent, steps: [{intent: greet}, {action: utter_chat}]}
    """
    for intent in ("greet", "restart"):
        made, prediction = predict(data, [said(intent, text="good day")])
        assert made.best(prediction) == ("utter_hello", 1.0)
        assert prediction.is_end_to_end
    made, prediction = predict(data, [said("greet", text="hello")])
    assert made.best(prediction) == ("utter_chat", 1.0)


def test_what_was_learnt_survives_the_way_to_disk(tmp_path: Path) -> None:
    """A loaded policy predicts what the trained one did."""
    made = assistant(FORM)
    policy, loaded = trained(made), RulePolicy()
    policy.save(tmp_path)
    loaded.load(tmp_path)
    assert loaded.rule_only == policy.rule_only
    for events in ([said("chat")], [said("bye")], [*ASKED, said("chat"), REJECTED, did("utter_chat")]):
        tracker = made.conversation(events)
        assert loaded.predict(tracker, made.domain) == policy.predict(tracker, made.domain)


def test_a_fallback_action_must_be_known() -> None:
    """With the nearest name."""
    with pytest.raises(InvalidProject, match="no fallback action 'utter_by', did you mean 'utter_bye'"):
        predict(FORM, [], core_fallback_action_name="utter_by")


STATES = st.builds(
    State,
    st.none() | st.builds(User, st.sampled_from([None, "a", "b"]), st.sampled_from([None, "t"])),
    st.none() | st.sampled_from(["action_listen", "x"]).map(Action),
    st.sampled_from([(), (("s", (1.0,)),), (("s", SHOULD_NOT_BE_SET),)]),
    st.sampled_from([None, "l", SHOULD_NOT_BE_SET]),
)
SEQUENCES = st.lists(STATES, min_size=1, max_size=3).map(tuple)


@settings(deadline=None)
@given(st.dictionaries(SEQUENCES, st.just("act"), max_size=12), SEQUENCES)
def test_the_lookup_finds_what_trying_every_rule_finds(
    table: dict[tuple[State, ...], str], conversation: tuple[State, ...]
) -> None:
    """Sorting rules by their last state loses none of them."""
    lookup = RuleLookup.from_table(table)
    found = [rule.states for rule in lookup.matching(conversation)]
    assert len(found) == len(set(found))
    assert set(found) == {states for states in table if rule_fits(states, conversation)}
