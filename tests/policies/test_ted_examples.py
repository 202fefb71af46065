"""Training trackers as examples."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bot.policies.ted_examples import actions, balance, gather, intents, longest
from bot.policies.turns import RuleOnly
from tests.policies.assistants import assistant

FORM = """
    stories:
    - story: order
      steps:
      - intent: order
      - action: order_form
      - active_loop: order_form
      - intent: chat
      - action: utter_chat
      - action: order_form
      - active_loop: null
      - action: utter_done
"""


def test_states_are_those_of_a_conversation_that_has_come_so_far() -> None:
    """What a form's later runs fold away was still there before."""
    made = assistant(FORM)
    moments = list(actions(made.trackers, made.domain, RuleOnly(), None))
    assert [moment.label for moment in moments] == [
        "action_listen", "order_form", "action_listen", "utter_chat", "order_form", "utter_done",
        "action_listen",
    ]  # fmt: skip
    before_return = moments[4].states[-1]
    assert before_return.prev_action is not None
    assert (before_return.prev_action.name, before_return.loop) == ("utter_chat", "order_form")
    assert [len(moment.states) for moment in moments][:5] == [1, 2, 3, 4, 5]


def test_the_history_is_cut() -> None:
    """At the given number of states, the latest ones stay."""
    made = assistant(FORM)
    whole = list(actions(made.trackers, made.domain, RuleOnly(), None))
    cut = list(actions(made.trackers, made.domain, RuleOnly(), 2))
    assert [moment.states for moment in cut] == [moment.states[-2:] for moment in whole]


def test_rules_and_remarks_about_unlikely_intents_are_not_learnt() -> None:
    """A rule says nothing about other moments; the remark is passed over as in a conversation."""
    chat = "      - action: utter_chat"
    remarked = FORM.replace(chat, "      - action: action_unlikely_intent\n" + chat)
    rules = "\n    rules:\n    - {rule: bye, steps: [{intent: bye}, {action: utter_bye}]}\n"
    plain, other = assistant(FORM), assistant(remarked + rules)
    learnt = [list(actions(made.trackers, made.domain, RuleOnly(), 5)) for made in (plain, other)]
    assert learnt[0] == learnt[1]


def test_what_only_rules_know_is_hidden() -> None:
    """Slots and loops that no story has do not tell states apart."""
    made = assistant(FORM)
    hidden = RuleOnly(frozenset({"level"}), frozenset({"order_form"}))
    for moment in actions(made.trackers, made.domain, hidden, 5):
        assert all(not state.slots and state.loop is None for state in moment.states)


def test_an_intent_is_asked_for_before_the_customer_speaks() -> None:
    """The state that holds the turn itself is left out."""
    made = assistant(FORM)
    moments = list(intents(made.trackers, made.domain, RuleOnly(), 2))
    assert [moment.label for moment in moments] == ["order", "chat"]
    assert [len(moment.states) for moment in moments] == [1, 2]
    assert all(moment.states[-1].is_after_listen is False for moment in moments)


def test_equal_moments_are_one_example_and_stories_count_most() -> None:
    """Twice in stories is more than once, which is more than only when glued."""
    made = assistant(FORM)
    (first, second, *_) = actions(made.trackers, made.domain, RuleOnly(), 5)
    glued = replace(first, label="utter_bye", is_augmented=True)
    examples = gather(
        [first, second, second, glued], ["action_listen", "order_form", "utter_bye"], made.domain
    )
    assert examples.windows.tolist() == [[-1, 0], [0, 1]]
    assert examples.targets[0].tolist() == [1.0, 0.0, 0.5]
    assert examples.targets[1, 1] > 1.0
    assert len(examples.rows) == 2


def test_rare_labels_weigh_more_and_unseen_ones_nothing() -> None:
    """By the fourth root of how rare they are; how often a story says so is not counted again."""
    targets = np.array([[1, 0, 0]] * 15 + [[1, 2, 0]], np.float32)
    weights = balance(targets)
    assert weights[1] == 2 * weights[0]
    assert weights[2] == 0.0


def test_the_longest_story_bounds_the_history() -> None:
    """Glued stories do not count, and 30 turns are enough for anybody."""
    (story,) = assistant(FORM).trackers
    glued = replace(story, events=story.events * 3, is_augmented=True)
    assert longest([story, glued]) == 8
    assert longest([replace(glued, events=story.events * 9, is_augmented=False)]) == 30
    assert longest([]) == 2
