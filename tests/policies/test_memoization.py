"""Recalling stories."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bot.dialogue.events import Event
from bot.policies.memoization import AugmentedMemoizationPolicy, MemoizationOptions, MemoizationPolicy
from bot.policies.turns import RuleOnly
from tests.policies.assistants import Assistant, assistant, did, said, slot

STORIES = """
    stories:
    - story: order after a greeting
      steps:
      - intent: greet
      - action: utter_hello
      - intent: order
      - action: action_check
      - intent: affirm
      - action: action_pay
"""
ORDERED: list[Event] = [said("order"), did("action_check"), did("action_listen"), said("affirm")]
GREETED: list[Event] = [said("greet"), did("utter_hello"), did("action_listen")]
CHATTED: list[Event] = [said("chat"), did("utter_chat"), did("action_listen")]


def trained(
    made: Assistant, max_history: int | None = None, kind: type[MemoizationPolicy] = MemoizationPolicy
) -> MemoizationPolicy:
    """Learn the stories of an assistant."""
    policy = kind(MemoizationOptions(max_history=max_history))
    policy.train(made.trackers, made.domain, RuleOnly())
    return policy


@pytest.mark.parametrize(
    ("before", "max_history", "recalled"),
    [
        (GREETED, None, True),
        ([], None, False),
        (CHATTED, None, False),
        (CHATTED, 3, True),
        (CHATTED, 20, False),
        ([*CHATTED, slot("vip", True)], 3, False),
    ],
    ids=["as in the story", "middle", "other start", "short memory", "long memory", "another slot is set"],
)
def test_a_story_is_recalled_by_its_last_states(
    before: list[Event], max_history: int | None, recalled: bool
) -> None:
    """All of them, back to the start of the session, unless `max_history` says how many."""
    made = assistant(STORIES)
    prediction = trained(made, max_history).predict(made.conversation([*before, *ORDERED]), made.domain)
    assert made.best(prediction) == (("action_pay", 1.0) if recalled else ("action_listen", 0.0))


@pytest.mark.parametrize("max_history", [None, 4])
@pytest.mark.parametrize(
    "before",
    [[], CHATTED, [slot("vip", True), *CHATTED], [*CHATTED] * 9],
    ids=["start", "other start", "another slot was set", "long"],
)
def test_the_augmented_kind_forgets_until_it_recalls(before: list[Event], max_history: int | None) -> None:
    """Old turns go, and the slots that were set in them."""
    made = assistant(STORIES)
    tracker = made.conversation([*before, *GREETED, *ORDERED])
    policy = trained(made, max_history, AugmentedMemoizationPolicy)
    assert made.best(policy.predict(tracker, made.domain)) == ("action_pay", 1.0)


def test_the_augmented_kind_does_not_invent() -> None:
    """An unknown ending stays unknown however much is forgotten."""
    made = assistant(STORIES)
    policy = trained(made, None, AugmentedMemoizationPolicy)
    tracker = made.conversation([*GREETED, said("deny")])
    assert policy.predict(tracker, made.domain).confidence == 0.0


def test_stories_that_contradict_each_other_are_forgotten() -> None:
    """Where they part neither counts; up to there both do."""
    other = (
        STORIES.partition("stories:\n")[2].replace("after", "again after").replace("action_pay", "utter_bye")
    )
    made = assistant(STORIES.rstrip() + "\n" + other)
    policy = trained(made)
    assert policy.predict(made.conversation([*GREETED, *ORDERED]), made.domain).confidence == 0.0
    assert made.best(policy.predict(made.conversation([*GREETED, said("order")]), made.domain)) == (
        "action_check",
        1.0,
    )


def test_turns_of_rules_do_not_disturb() -> None:
    """A turn that only rules know stays hidden."""
    made = assistant(STORIES)
    aside = [said("chat"), did("utter_chat", hide=True), did("action_listen", hide=True)]
    tracker = made.conversation([*GREETED, *aside, *ORDERED])
    assert made.best(trained(made).predict(tracker, made.domain)) == ("action_pay", 1.0)


def test_a_remark_about_an_unlikely_intent_does_not_disturb() -> None:
    """Stories know nothing of it."""
    made = assistant(STORIES)
    tracker = made.conversation([*GREETED, said("order"), did("action_unlikely_intent")])
    assert made.best(trained(made).predict(tracker, made.domain)) == ("action_check", 1.0)


def test_rules_and_glued_stories_are_not_learnt() -> None:
    """They are for other policies."""
    made = assistant("""
        rules:
        - {rule: hello, steps: [{intent: greet}, {action: utter_hello}]}
        stories:
        - {story: bye, steps: [{intent: bye}, {action: utter_bye}]}
    """)
    glued = [replace(tracker, is_augmented=True) for tracker in made.trackers if not tracker.is_rule]
    policy = trained(
        Assistant(made.domain, [tracker for tracker in made.trackers if tracker.is_rule] + glued)
    )
    for intent in ("greet", "bye"):
        assert policy.predict(made.conversation([said(intent)]), made.domain).confidence == 0.0


def test_the_score_may_be_that_of_the_nlu() -> None:
    """With `use_nlu_confidence_as_score`."""
    made = assistant(STORIES)
    policy = MemoizationPolicy(MemoizationOptions(use_nlu_confidence_as_score=True))
    policy.train(made.trackers, made.domain, RuleOnly())
    tracker = made.conversation([said("greet", sure=0.7)])
    assert made.best(policy.predict(tracker, made.domain)) == ("utter_hello", 0.7)


def test_what_was_learnt_survives_the_way_to_disk(tmp_path: Path) -> None:
    """A loaded policy predicts what the trained one did."""
    made = assistant(STORIES)
    trained(made, 3).save(tmp_path)
    loaded = MemoizationPolicy(MemoizationOptions(max_history=3))
    loaded.load(tmp_path)
    tracker = made.conversation([*CHATTED, *ORDERED])
    assert made.best(loaded.predict(tracker, made.domain)) == ("action_pay", 1.0)
