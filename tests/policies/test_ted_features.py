"""States as rows of numbers."""

from __future__ import annotations

import numpy as np
import pytest

from bot.policies.states import Action, State, User
from bot.policies.ted_features import KINDS, FeatureSpace, marks, name_words
from bot.training_data.story_branch import SHOULD_NOT_BE_SET
from tests.policies.assistants import assistant

LISTEN = Action("action_listen")
ORDERS = State(User("order", entities=("city",)), LISTEN, (("city", (1.0,)), ("level", (0.0, 1.0))))
IN_FORM = State(User("order"), Action("order_form"), active_loop="order_form")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("utter_ask_city", ["utter", "ask", "city"]),
        ("action_checkStatus", ["action", "check", "status"]),
        ("faq/returns2024", ["faq", "returns", "2024"]),
        ("ask_ask", ["ask"]),
        ("询问_城市", ["询问", "城市"]),
        ("...", []),
    ],
    ids=["underscores", "camel case", "digits", "twice", "chinese", "none"],
)
def test_a_name_is_split_into_its_words(name: str, words: list[str]) -> None:
    """Each once, lower-cased."""
    assert list(name_words(name)) == words


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (State(), {"flag begins", "flag free"}),
        (
            ORDERS,
            {"flag said", "intent order", "word order", "entity city", "flag listened", "flag free",
             "action action_listen", "action action_listen free", "slot city 0", "slot level 1"},
        ),
        (
            IN_FORM,
            {"flag said", "intent order", "word order", "flag acted", "action order_form", "loop order_form",
             "action order_form in loop",
             "flag in loop"},
        ),
        (
            State(None, Action("order_form")),
            {"flag acted", "action order_form", "action order_form after loop", "flag after loop"},
        ),
        (
            State(None, Action(text="Hi!"), active_loop="order_form"),
            {"flag acted", "action Hi!", "action Hi! beside loop", "loop order_form", "flag beside loop"},
        ),
        (
            State(None, LISTEN, (("city", SHOULD_NOT_BE_SET),), SHOULD_NOT_BE_SET),
            {"flag listened", "action action_listen", "action action_listen free", "flag free"},
        ),
    ],
    ids=[
        "nothing yet", "a customer's turn", "a form has run", "a form is over", "beside a form, said as text",
        "of a rule",
    ],
)  # fmt: skip
def test_a_state_sets_the_columns_of_what_is_there(state: State, expected: set[str]) -> None:
    """Each kind of thing under its own name; whether there is something at all is a flag."""
    assert {name for name, _ in marks(state, {"order_form"})} == expected
    assert {name.split(" ")[0] for name in expected} <= set(KINDS)


def test_what_is_new_leaves_only_flags_and_known_words() -> None:
    """An unknown intent is still a turn of the customer's, and shares words with known ones."""
    space = FeatureSpace.fit([ORDERS], assistant().domain)
    (row,) = space.rows([State(User("order_again"), Action("action_new"))])
    shown = {name for name, column in space.columns.items() if row[column]}
    assert shown == {"flag said", "word order", "flag free"}


def test_wordings_have_columns_of_their_own_beyond_the_named_ones() -> None:
    """Only end-to-end turns set them, and only projects with such stories have them."""
    texts = [State(User(text="pepper please"), LISTEN), State(User(text="no salt"), LISTEN)]
    space = FeatureSpace.fit([ORDERS, *texts], assistant().domain)
    named = len(space.columns)
    rows = space.rows([ORDERS, *texts])
    assert space.width > named == FeatureSpace.fit([ORDERS], assistant().domain).width
    assert rows[0, named:].sum() == 0
    assert (rows[1:, named:].sum(axis=1) > 0).all()
    assert space.spans[KINDS.index("text")] == slice(named, space.width)


def test_columns_of_a_kind_stand_together() -> None:
    """So that a kind can be hidden while the network learns."""
    space = FeatureSpace.fit([ORDERS, IN_FORM, State(User(text="no salt"), LISTEN)], assistant().domain)
    names = list(space.columns)
    for kind, span in zip(KINDS[:-1], space.spans, strict=False):
        assert {name.split(" ")[0] for name in names[span]} <= {kind}
    assert [span.start for span in space.spans] == [0, *(span.stop for span in space.spans[:-1])]
    assert space.spans[-1].stop == space.width


def test_closeness_is_one_for_a_wording_of_the_stories_and_zero_for_another() -> None:
    """In between it falls with what is not shared."""
    space = FeatureSpace({}, ("pepper please", "no salt"))
    near = [space.closeness(text) for text in ("pepper please", "pepper if you please", "quux", "")]
    assert near[0] == pytest.approx(1.0)
    assert 0.3 < near[1] < 0.9
    assert near[2:] == [0.0, 0.0]


def test_labels_are_kin_to_what_shares_their_words_and_to_their_own_loop() -> None:
    """`utter_` and `action_` say nothing; a rare word says more than a common one."""
    space = FeatureSpace({"word check": 0, "word bye": 1, "loop order_form": 2, "word utter": 3})
    kin = space.kinship(["utter_bye", "action_check", "action_check_in", "order_form"])
    assert kin[0, 1, 0] == pytest.approx(1.0)
    assert kin[0, 0, 1] == pytest.approx(1.0)
    assert 0 < kin[0, 0, 2] < kin[0, 0, 1]
    assert not kin[0, 3].any()
    assert np.flatnonzero(kin[1]).tolist() == [2 * 4 + 3]


def test_columns_and_wordings_survive_being_written() -> None:
    """In the same order, so that the weights fit."""
    states = [ORDERS, IN_FORM, State(User(text="no salt"), LISTEN)]
    space = FeatureSpace.fit(states, assistant().domain)
    read = FeatureSpace.from_json(space.as_json())
    assert read.columns == space.columns
    assert np.array_equal(read.rows(states), space.rows(states))
