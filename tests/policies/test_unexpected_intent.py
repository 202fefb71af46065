"""Noticing intents that no story has at this point."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np
import pytest

from bot.dialogue.events import Event, UserUttered
from bot.errors import ModelError
from bot.policies.learnt_options import UnexpectedIntentOptions
from bot.policies.turns import RuleOnly
from bot.policies.unexpected_intent import UnexpecTEDIntentPolicy, thresholds
from tests.policies.assistants import Assistant, assistant, did, said

STORIES = """
    stories:
    - story: order
      steps:
      - intent: greet
      - action: utter_hello
      - intent: order
      - action: action_check
      - intent: affirm
      - action: action_pay
      - intent: bye
      - action: utter_bye
"""
SPOKEN = """
    - story: spoken
      steps: [{intent: chat}, {action: utter_chat}, {user: hello you}, {action: utter_hello}]
"""
CHECKED: list[Event] = [
    said("greet"), did("utter_hello"), did("action_listen"),
    said("order"), did("action_check"), did("action_listen"),
]  # fmt: skip


def trained(made: Assistant) -> UnexpecTEDIntentPolicy:
    """Learn the stories of an assistant."""
    policy = UnexpecTEDIntentPolicy(UnexpectedIntentOptions(max_history=4))
    policy.train(made.trackers, made.domain, RuleOnly())
    return policy


@pytest.fixture(scope="module")
def made() -> Assistant:
    """One story."""
    return assistant(STORIES)


@pytest.fixture(scope="module")
def policy(made: Assistant) -> UnexpecTEDIntentPolicy:
    """A policy that knows it."""
    return trained(made)


def with_thresholds(
    policy: UnexpecTEDIntentPolicy, height: float, ignored: list[str] | None = None
) -> UnexpecTEDIntentPolicy:
    """The same policy with every threshold at one height, by way of its files."""
    other = UnexpecTEDIntentPolicy(UnexpectedIntentOptions(ignore_intents_list=ignored or []))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        policy.save(folder)
        known = json.loads((folder / "thresholds.json").read_text("utf-8"))
        (folder / "thresholds.json").write_text(json.dumps(dict.fromkeys(known, height)), "utf-8")
        other.load(folder)
    return other


@pytest.mark.parametrize(
    ("events", "is_unlikely"),
    [
        ([*CHECKED, said("affirm")], False),
        ([*CHECKED, said("greet")], True),
        ([said("affirm")], True),
        ([said("greet")], False),
        ([*CHECKED, said("deny")], False),
        ([*CHECKED, said("unheard of")], False),
        ([*CHECKED, said(None)], False),
        ([*CHECKED, said("greet"), did("action_unlikely_intent")], False),
        ([*CHECKED, said("greet"), did("utter_hello")], False),
        ([], False),
    ],
    ids=[
        "as in the story", "at the wrong time", "too early", "at the start", "in no story",
        "not in the domain", "no intent", "already noticed", "already answered", "nothing said",
    ],
)  # fmt: skip
def test_an_intent_is_unlikely_below_its_threshold_unless_it_is_the_likeliest(
    made: Assistant, policy: UnexpecTEDIntentPolicy, events: list[Event], is_unlikely: bool
) -> None:
    """Once a turn at most, and only if some story has it somewhere."""
    prediction = with_thresholds(policy, 1000.0).predict(made.conversation(events), made.domain)
    assert (prediction.policy, prediction.priority) == ("UnexpecTEDIntentPolicy", 2)
    expected = [
        1.0 if name == "action_unlikely_intent" and is_unlikely else 0.0 for name in made.domain.action_names
    ]
    assert list(prediction.scores) == expected


def test_ignored_intents_are_never_judged(made: Assistant, policy: UnexpecTEDIntentPolicy) -> None:
    """Those of `ignore_intents_list`; others are."""
    judging = with_thresholds(policy, 1000.0, ["greet"])
    for intent, score in (("greet", 0.0), ("bye", 1.0)):
        tracker = made.conversation([*CHECKED, said(intent)])
        assert judging.predict(tracker, made.domain).confidence == score


def test_every_moment_of_the_stories_is_likely(made: Assistant, policy: UnexpecTEDIntentPolicy) -> None:
    """A threshold is never above what its intent scores in a story."""
    told = [said("greet"), did("utter_hello"), said("order"), did("action_check"), said("affirm")]
    events: list[Event] = []
    for event in told:
        events += [event] if isinstance(event, UserUttered) else [event, did("action_listen")]
        assert policy.predict(made.conversation(events), made.domain).confidence == 0.0


def test_stories_with_texts_are_not_learnt() -> None:
    """An intent that only such a story has is not judged."""
    mixed = assistant(STORIES + SPOKEN)
    tracker = mixed.conversation([*CHECKED, said("chat")])
    judging = with_thresholds(trained(mixed), 1000.0)
    assert judging.predict(tracker, mixed.domain).confidence == 0.0


def test_a_saved_policy_judges_the_same(
    made: Assistant, policy: UnexpecTEDIntentPolicy, tmp_path: Path
) -> None:
    """From files that hold no code; a broken one is refused."""
    policy.save(tmp_path)
    read = UnexpecTEDIntentPolicy(policy.options)
    read.load(tmp_path)
    for intent in ("affirm", "greet", "order", "bye"):
        tracker = made.conversation([*CHECKED, said(intent)])
        assert read.predict(tracker, made.domain) == policy.predict(tracker, made.domain)
    (tmp_path / "thresholds.json").write_text("[]", encoding="utf-8")
    with pytest.raises(ModelError, match=r"thresholds\.json"):
        read.load(tmp_path)


def test_without_stories_nothing_is_unlikely(tmp_path: Path) -> None:
    """Also when loaded again."""
    empty = assistant("    rules:\n    - {rule: chat, steps: [{intent: chat}, {action: utter_chat}]}\n")
    policy = trained(empty)
    policy.save(tmp_path)
    policy.load(tmp_path)
    assert policy.predict(empty.conversation([said("chat")]), empty.domain).confidence == 0.0


@pytest.mark.parametrize(
    ("own", "others", "tolerance", "expected"),
    [
        ([3.0, 2.0], [0.0, 1.0], 0.0, 1.0),
        ([3.0, 0.5], [0.0, 1.0], 0.0, 0.5),
        ([3.0], [], 0.0, 3.0),
        ([9.0], list(range(21)), 0.5, 9.0),
        ([99.0], list(range(21)), 0.5, 10.0),
        ([99.0], list(range(21)), 0.54, 10.0),
        ([99.0], list(range(21)), 1.0, 1.0),
    ],
    ids=["best other", "worst own", "no others", "never above its own", "half", "in steps", "all but a step"],
)
def test_a_threshold_is_what_other_moments_reach_but_never_above_the_own_ones(
    own: list[float], others: list[float], tolerance: float, expected: float
) -> None:
    """Quantiles of the scores at other intents' moments, as Rasa takes them."""
    scores = np.array([[score] for score in [*own, *others]], np.float32)
    is_own = np.array([[place < len(own)] for place in range(len(scores))])
    assert thresholds(["a"], scores, is_own, tolerance) == {"a": expected}
