"""Which of several predictions wins."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.dialogue.events import ActionExecutionRejected, BotUttered, Event, LoopInterrupted
from bot.dialogue.tracker import Tracker
from bot.policies.ensemble import Ensemble, choose
from bot.policies.policy import Prediction, scores_for
from tests.policies.assistants import assistant, did, said

ASSISTANT = assistant()
DOMAIN = ASSISTANT.domain
HEARD = ASSISTANT.conversation([said("greet")])


def says(policy: str, action: str, score: float, priority: int = 1, **marks: object) -> Prediction:
    """One policy's prediction."""
    return Prediction(scores_for(action, score, DOMAIN), policy, priority, **marks)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("predictions", "winner"),
    [
        ([says("a", "utter_hello", 0.9, 4), says("b", "utter_bye", 1.0, 1)], "b"),
        ([says("a", "utter_hello", 1.0, 3), says("b", "utter_bye", 1.0, 4)], "b"),
        ([says("a", "utter_hello", 1.0, 3), says("b", "utter_bye", 1.0, 3)], "a"),
        ([says("a", "utter_hello", 1.0, 4), says("b", "utter_bye", 0.1, is_end_to_end=True)], "b"),
        (
            [
                says("a", "utter_hello", 1.0, 4),
                says("b", "utter_bye", 1.0, 4, is_end_to_end=True),
                says("c", "utter_chat", 0.2, is_no_user=True),
            ],
            "c",
        ),
    ],
    ids=["sure", "priority breaks ties", "order breaks ties", "text", "no need of the customer"],
)
def test_the_winner(predictions: list[Prediction], winner: str) -> None:
    """Kind of prediction, then confidence, then priority, then order."""
    assert choose(predictions, HEARD, DOMAIN).policy == winner


def test_of_equal_scores_the_first_action_wins() -> None:
    """In domain order."""
    scores = tuple(0.5 for _ in DOMAIN.action_names)
    assert Prediction(scores).action(DOMAIN) == "action_listen"


def test_without_policies_the_bot_listens() -> None:
    """Nothing else is known to be right."""
    assert Ensemble([]).predict(HEARD, DOMAIN).action(DOMAIN) == "action_listen"


def test_events_of_all_and_optional_events_of_the_winner() -> None:
    """The turn just said is marked as known by its intent, or by its text."""
    loser = says("a", "utter_hello", 0.1, events=(LoopInterrupted(is_interrupted=True),))
    silent = says("b", "utter_hello", 0.2, optional_events=(BotUttered(text="lost"),))
    winner = says("c", "utter_bye", 1.0, optional_events=(BotUttered(text="won"),))
    won = choose([loser, silent, winner], HEARD, DOMAIN)
    assert [event.event for event in won.events] == ["loop_interrupted", "bot", "user_featurization"]
    later = ASSISTANT.conversation([said("greet"), did("utter_hello")])
    assert [event.event for event in choose([winner], later, DOMAIN).events] == ["bot"]


class Always:
    """A policy that always says the same."""

    name, priority = "Always", 1

    def predict(self, tracker: Tracker, domain: object) -> Prediction:
        """Greet, or else say goodbye."""
        del tracker, domain
        scores = zip(
            scores_for("utter_hello", 1.0, DOMAIN), scores_for("utter_bye", 0.4, DOMAIN), strict=True
        )
        return Prediction(tuple(map(max, scores)), self.name)


@pytest.mark.parametrize(
    ("events", "action"),
    [
        ([ActionExecutionRejected(name="utter_hello")], "utter_bye"),
        ([ActionExecutionRejected(name="utter_hello"), did("action_check")], "utter_hello"),
        ([ActionExecutionRejected(name="no_such_action")], "utter_hello"),
    ],
    ids=["just rejected", "something ran since", "unknown action"],
)
def test_a_rejected_action_has_no_chance(events: list[Event], action: str) -> None:
    """Until another one has run."""
    tracker = ASSISTANT.conversation([said("greet"), *events])
    assert Ensemble([Always()]).predict(tracker, DOMAIN).action(DOMAIN) == action  # type: ignore[list-item]


class Says:
    """A policy with one prediction; `only_scores` as real ones have it."""

    def __init__(self, prediction: Prediction, *, only_scores: bool) -> None:
        self.prediction, self.only_scores = prediction, only_scores
        self.name, self.priority = prediction.policy, prediction.priority
        self.asked = 0

    def predict(self, tracker: Tracker, domain: object) -> Prediction:
        """Say it."""
        del tracker, domain
        self.asked += 1
        return self.prediction


def test_below_certainty_nobody_is_asked_who_only_scores() -> None:
    """A network is not asked where a rule is certain; who may have more to say than a score is."""
    network = Says(says("network", "utter_bye", 1.0), only_scores=True)
    remark = (LoopInterrupted(is_interrupted=True),)
    other = Says(says("other", "utter_bye", 1.0, events=remark), only_scores=False)
    rule = Says(says("rule", "utter_hello", 1.0, 4), only_scores=False)
    won = Ensemble([network, other, rule]).predict(HEARD, DOMAIN)  # type: ignore[list-item]
    assert (won.policy, network.asked, other.asked) == ("rule", 0, 1)
    assert won.events[0] == remark[0]


_POLICIES = st.builds(
    lambda action, score, priority, kind: Says(
        says("p", action, score, priority, **({kind: True} if kind else {})), only_scores=not kind
    ),
    st.sampled_from(["utter_hello", "utter_bye", "utter_chat"]),
    st.sampled_from([0.0, 0.6, 1.0]),
    st.integers(1, 4),
    st.sampled_from([None, None, "is_no_user", "is_end_to_end"]),
)


@given(st.lists(_POLICIES, max_size=5), st.booleans())
def test_who_is_not_asked_changes_nothing(policies: list[Says], was_rejected: bool) -> None:
    """The winner is the one that asking everybody gives."""
    events = [ActionExecutionRejected(name="utter_hello")] if was_rejected else []
    tracker = ASSISTANT.conversation([said("greet"), *events])
    ensemble = Ensemble(policies)  # type: ignore[arg-type]
    assert ensemble.predict(tracker, DOMAIN) == choose(ensemble.predictions(tracker, DOMAIN), tracker, DOMAIN)
