"""Finding rules and stories that contradict each other, before training."""

from __future__ import annotations

import pytest

from bot.errors import Finding
from bot.policies.rules import RuleOptions, RulePolicy
from tests.policies.assistants import assistant


def found(data: str, **options: object) -> list[Finding]:
    """What is wrong with stories and rules."""
    made = assistant(data)
    return RulePolicy(RuleOptions(**options)).learn(made.trackers, made.domain)  # type: ignore[arg-type]


STORY_AGAINST_RULE = """
    rules:
    - rule: hello
      steps:
      - intent: greet
      - action: utter_hello
    stories:
    - story: other hello
      steps:
      - intent: greet
      - action: utter_chat
"""


def test_a_story_against_a_rule_is_shown_with_both_places_and_the_remedy() -> None:
    """File and line of the step in the story, and of the step in the rule."""
    (finding,) = found(STORY_AGAINST_RULE)
    assert str(finding) == (
        "data.yml:11: error: story 'other hello' goes on with 'utter_chat' after the customer's 'greet', "
        "where rule 'hello' (data.yml:6) says 'utter_hello'; "
        "write `- action: utter_hello` at this point of the story, "
        "or give the rule a condition that does not hold there [contradicting-rules]"
    )


def test_two_rules_against_each_other_are_both_shown() -> None:
    """Each with the place of the other."""
    findings = found("""
        rules:
        - {rule: one, steps: [{intent: greet}, {action: utter_hello}]}
        - {rule: two, steps: [{intent: greet}, {action: utter_chat}]}
    """)
    assert [(f.location and f.location.line, "data.yml:4" in f.message) for f in findings] == [
        (3, True),
        (4, False),
    ]


ASIDE = """
    rules:
    - {rule: check, steps: [{intent: order}, {action: action_check}], wait_for_user_input: false}
    - rule: after checking
      steps: [{action: action_check}, {intent: bye}, {action: utter_bye}]
    stories:
    - {story: pay, steps: [{intent: order}, {action: action_check}, {action: action_pay}]}
"""


def test_a_story_may_go_on_where_a_rule_would_listen() -> None:
    """A rule that only says what comes after the customer's answer does not ask for the answer."""
    assert found(ASIDE) == []
    assert len(found(ASIDE.replace(", {intent: bye}, {action: utter_bye}", ""))) == 1


INCOMPLETE = """
    rules:
    - rule: check and set
      steps:
      - intent: order
      - action: action_check
      - slot_was_set: [{vip: true}]
      - action: utter_done
    - rule: check and forget
      steps:
      - intent: affirm
      - action: action_check
      - action: utter_hello
"""


def test_a_rule_that_leaves_out_a_slot_is_shown_with_the_rule_that_sets_it() -> None:
    """And with the step to add."""
    (finding,) = found(INCOMPLETE)
    assert str(finding) == (
        "data.yml:12: error: rule 'check and forget' does not say what 'action_check' does to slot 'vip', "
        "rule 'check and set' (data.yml:7) does; add after `- action: action_check` the step "
        "`- slot_was_set: [vip: <value, or null>]`, "
        "or `wait_for_user_input: false` to the rule if it ends there [incomplete-rule]"
    )


@pytest.mark.parametrize("value", ["true", "null"])
def test_saying_what_happens_to_the_slot_completes_the_rule(value: str) -> None:
    """Also that it stays unset."""
    step = (
        f"      - action: action_check\n      - slot_was_set: [{{vip: {value}}}]\n      - action: utter_hello"
    )
    assert found(INCOMPLETE.replace("      - action: action_check\n      - action: utter_hello", step)) == []


def test_a_form_must_say_whether_it_stays_active() -> None:
    """Where other rules do."""
    (finding,) = found("""
        rules:
        - {rule: start, steps: [{intent: order}, {action: order_form}, {active_loop: order_form}]}
        - {rule: forgot, steps: [{intent: affirm}, {action: order_form}, {action: utter_done}]}
    """)
    assert "does not say which loop is active after 'order_form'" in finding.message
    assert "`- active_loop: order_form`" in finding.message


@pytest.mark.parametrize(
    "written",
    [
        """
        rules:
        - rule: done
          condition: [{active_loop: order_form}]
          steps:
          - action: order_form
          - action: utter_done
        """,
        """
        rules:
        - rule: start
          steps: [{intent: order}, {action: order_form}, {active_loop: order_form}]
        stories:
        - story: done
          steps:
          - intent: order
          - action: order_form
          - active_loop: order_form
          - intent: affirm
          - action: order_form
          - action: utter_done
        """,
    ],
)
def test_what_goes_on_after_a_form_must_say_that_it_ended(written: str) -> None:
    """The step that is missing is named, and with it nothing is wrong."""
    (finding,) = found(written)
    assert finding.message.endswith(
        "write `- active_loop: null` after `- action: order_form` if the form ends there"
    )
    step = "          - action: utter_done"
    assert found(written.replace(step, f"          - active_loop: null\n{step}")) == []


def test_a_rule_with_two_customer_turns_is_a_story() -> None:
    """Unless `restrict_rules` is off."""
    data = """
        rules:
        - rule: long
          steps: [{intent: greet}, {action: utter_hello}, {intent: bye}, {action: utter_bye}]
    """
    assert [finding.check for finding in found(data)] == ["rule-too-long"]
    assert found(data, restrict_rules=False) == []


def test_checks_can_be_switched_off() -> None:
    """By `check_for_contradictions`."""
    assert found(STORY_AGAINST_RULE, check_for_contradictions=False) == []
    assert found(INCOMPLETE, check_for_contradictions=False) == []


def test_a_loop_that_gives_way_in_a_story_is_no_contradiction() -> None:
    """What is written there instead counts as said after the loop rejected."""
    assert (
        found("""
        rules:
        - {rule: start, steps: [{intent: order}, {action: order_form}, {active_loop: order_form}]}
        stories:
        - story: interrupted
          steps:
          - intent: order
          - action: order_form
          - active_loop: order_form
          - intent: chat
          - action: utter_chat
          - action: order_form
          - active_loop: null
          - action: utter_done
    """)
        == []
    )
