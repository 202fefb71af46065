"""Learning from stories what to do next."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bot.dialogue.events import Event, UserUttered
from bot.dialogue.messages import Intent, ParseResult
from bot.errors import ModelError
from bot.policies.learnt_options import NETWORK_FORMAT, TEDOptions
from bot.policies.registry import DefaultPolicy
from bot.policies.states import Action, State, User
from bot.policies.ted import TEDPolicy
from bot.policies.ted_examples import actions, gather
from bot.policies.ted_features import FeatureSpace
from bot.policies.ted_model import LearntModel
from bot.policies.ted_training import Recipe, fit
from bot.policies.train import load, train
from bot.policies.turns import RuleOnly
from tests.policies.assistants import Assistant, assistant, did, loop, said, slot

STORIES = """
    rules:
    - {rule: chat, steps: [{intent: chat}, {action: utter_chat}]}
    stories:
    - story: order
      steps:
      - intent: greet
      - action: utter_hello
      - intent: order
      - action: action_check
      - intent: affirm
      - action: action_pay
      - action: utter_done
    - story: no order
      steps:
      - intent: order
      - action: action_check
      - intent: deny
      - action: utter_bye
"""
TEXTS = """
    stories:
    - story: greeting
      steps: [{intent: greet}, {action: utter_hello}]
    - story: salt
      steps: [{user: "a grain of salt"}, {bot: "salty"}]
    - story: pepper
      steps: [{user: "pepper please"}, {action: utter_done}]
"""
ORDER: list[Event] = [said("order"), did("action_check"), did("action_listen")]
TINY = Recipe(epochs=1, seed=0, width=8)


def trained(made: Assistant, options: TEDOptions | None = None, hidden: RuleOnly | None = None) -> TEDPolicy:
    """Learn the stories of an assistant."""
    policy = TEDPolicy(options or TEDOptions(max_history=4))
    policy.train(made.trackers, made.domain, hidden or RuleOnly())
    return policy


def remade(policy: TEDPolicy, options: TEDOptions) -> TEDPolicy:
    """The same policy under other options, by way of its files."""
    other = TEDPolicy(options)
    with tempfile.TemporaryDirectory() as folder:
        policy.save(Path(folder))
        other.load(Path(folder))
    return other


@pytest.fixture(scope="module")
def made() -> Assistant:
    """Two stories and a rule."""
    return assistant(STORIES)


@pytest.fixture(scope="module")
def ted(made: Assistant) -> TEDPolicy:
    """A policy that knows them."""
    return trained(made)


@pytest.fixture(scope="module")
def end_to_end() -> tuple[Assistant, TEDPolicy]:
    """Stories with texts for intents and actions, and a policy that knows them."""
    read = assistant(TEXTS)
    names = (*read.domain.action_names, "salty")
    spoken = replace(read, domain=replace(read.domain, action_names=names, action_texts=("salty",)))
    return spoken, trained(spoken)


def best(policy: TEDPolicy, made: Assistant, *events: Event) -> str:
    """What a policy would do after these events."""
    return policy.predict(made.conversation(events), made.domain).action(made.domain)


@pytest.mark.parametrize(
    ("events", "action"),
    [
        ([said("greet")], "utter_hello"),
        ([said("greet"), did("utter_hello")], "action_listen"),
        ([*ORDER, said("affirm")], "action_pay"),
        ([*ORDER, said("affirm"), did("action_pay")], "utter_done"),
        ([*ORDER, said("deny")], "utter_bye"),
        ([said("greet"), did("utter_chat"), did("action_listen"), *ORDER, said("deny")], "utter_bye"),
    ],
    ids=["first turn", "then listen", "yes", "two actions in a row", "no", "after what no story has"],
)
def test_stories_are_learnt_and_go_on_after_other_beginnings(
    made: Assistant, ted: TEDPolicy, events: list[Event], action: str
) -> None:
    """What came long before matters little."""
    assert best(ted, made, *events) == action


def test_confidences_are_chances(made: Assistant, ted: TEDPolicy) -> None:
    """Each in [0, 1], together 1; none for what is no action to choose."""
    prediction = ted.predict(made.conversation([said("greet")]), made.domain)
    assert (prediction.policy, prediction.priority, prediction.is_end_to_end) == ("TEDPolicy", 1, False)
    assert len(prediction.scores) == len(made.domain.action_names)
    assert sum(prediction.scores) == pytest.approx(1.0, abs=1e-5)
    assert min(prediction.scores) >= 0.0
    assert prediction.scores[made.domain.action_names.index("...")] == 0.0
    assert 0.5 < prediction.confidence < 1.0


def test_training_again_makes_the_same_policy(made: Assistant, ted: TEDPolicy) -> None:
    """To the last bit; another seed makes another one."""
    conversation = made.conversation([said("greet")])
    assert trained(made).predict(conversation, made.domain) == ted.predict(conversation, made.domain)
    other = trained(made, TEDOptions(max_history=4, random_seed=7))
    assert other.predict(conversation, made.domain) != ted.predict(conversation, made.domain)


def test_a_saved_policy_predicts_the_same(made: Assistant, ted: TEDPolicy, tmp_path: Path) -> None:
    """To the last bit, from files that hold no code."""
    ted.save(tmp_path)
    read = TEDPolicy(ted.options)
    read.load(tmp_path)
    for events in ([], [said("greet")], [*ORDER, said("affirm")], [said("bye"), did("utter_hello")]):
        conversation = made.conversation(events)
        assert read.predict(conversation, made.domain) == ted.predict(conversation, made.domain)
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".onnx"}


def test_serving_needs_no_torch(made: Assistant, tmp_path: Path) -> None:
    """A process in which torch cannot be imported loads and asks the policies."""
    configs = [DefaultPolicy(name, {"max_history": 4}) for name in ("TEDPolicy", "UnexpecTEDIntentPolicy")]
    train([DefaultPolicy("RulePolicy"), *configs], made.trackers, made.domain, tmp_path)
    expected = load(tmp_path).predict(made.conversation([*ORDER, said("deny")]), made.domain)
    script = f"""
import sys
sys.modules["torch"] = None
from pathlib import Path
from bot.policies.train import load
from tests.policies.assistants import assistant, did, said
made = assistant({STORIES!r})
tracker = made.conversation([said("order"), did("action_check"), did("action_listen"), said("deny")])
prediction = load(Path(sys.argv[1])).predict(tracker, made.domain)
print(prediction.action(made.domain), prediction.confidence)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.stdout.split() == [expected.action(made.domain), str(expected.confidence)]


def test_what_only_rules_know_is_overlooked(made: Assistant) -> None:
    """A slot, a loop and a hidden turn of rules leave the prediction as it was."""
    policy = trained(made, hidden=RuleOnly(frozenset({"vip"}), frozenset({"order_form"})))
    plain = policy.predict(made.conversation([said("greet")]), made.domain)
    ruled = [said("chat"), did("utter_chat", hide=True), did("action_listen", hide=True)]
    for events in (
        [slot("vip", True), said("greet")],
        [loop("order_form"), said("greet")],
        [*ruled, said("greet")],
    ):
        assert policy.predict(made.conversation(events), made.domain) == plain


def test_a_remark_about_an_unlikely_intent_is_overlooked(made: Assistant, ted: TEDPolicy) -> None:
    """The turn goes on as if nothing had been noticed."""
    plain = ted.predict(made.conversation([said("greet")]), made.domain)
    remarked = made.conversation([said("greet"), did("action_unlikely_intent")])
    assert ted.predict(remarked, made.domain).scores == plain.scores


@pytest.mark.parametrize("renormalize", [False, True], ids=["as they are", "renormalised"])
def test_a_ranking_keeps_only_the_best_actions(made: Assistant, ted: TEDPolicy, renormalize: bool) -> None:
    """All others get no chance."""
    conversation = made.conversation([said("greet")])
    whole = ted.predict(conversation, made.domain).scores
    options = TEDOptions(max_history=4, ranking_length=2, renormalize_confidences=renormalize)
    kept = remade(ted, options).predict(conversation, made.domain).scores
    assert sum(score > 0 for score in kept) == 2
    assert sum(kept) == pytest.approx(1.0 if renormalize else sum(sorted(whole)[-2:]), abs=1e-5)


def test_without_stories_nothing_is_predicted(tmp_path: Path) -> None:
    """Also when loaded again."""
    empty = assistant(STORIES[: STORIES.index("    stories:")])
    policy = trained(empty)
    policy.save(tmp_path)
    policy.load(tmp_path)
    assert policy.predict(empty.conversation([said("chat")]), empty.domain).confidence == 0.0


@pytest.mark.parametrize(
    ("message", "action", "by_text"),
    [
        (said(None, text="a grain of salt"), "salty", True),
        (said("greet", text="pepper please", sure=0.6), "utter_done", True),
        (said("greet", text="good morning", sure=0.6), "utter_hello", False),
        (said("greet", text="pepper", sure=0.99), "utter_hello", False),
        (
            UserUttered(text="/greet", parse_data=ParseResult("/greet", Intent("greet", 1.0))),
            "utter_hello",
            False,
        ),
    ],
    ids=[
        "text alone",
        "a story's text",
        "another text",
        "a little like a story's text",
        "an intent written out",
    ],
)
def test_a_message_is_read_by_its_text_where_that_is_surer(
    end_to_end: tuple[Assistant, TEDPolicy], message: UserUttered, action: str, by_text: bool
) -> None:
    """Than the NLU is of the intent."""
    spoken, policy = end_to_end
    prediction = policy.predict(spoken.conversation([message]), spoken.domain)
    assert (prediction.action(spoken.domain), prediction.is_end_to_end) == (action, by_text)


def test_a_text_has_to_exceed_the_threshold(end_to_end: tuple[Assistant, TEDPolicy]) -> None:
    """A threshold of 1 can't be exceeded."""
    spoken, policy = end_to_end
    strict = remade(policy, TEDOptions(e2e_confidence_threshold=1.0))
    conversation = spoken.conversation([said("greet", text="pepper please", sure=0.6)])
    assert not strict.predict(conversation, spoken.domain).is_end_to_end


@pytest.mark.parametrize(
    "content", [None, b"", b"{", b"{}", b"[1]"], ids=["missing", "empty", "half", "{}", "list"]
)
@pytest.mark.parametrize("file", ["ted.json", "ted.onnx"])
def test_a_broken_file_is_refused(ted: TEDPolicy, tmp_path: Path, file: str, content: bytes | None) -> None:
    """By name, never half loaded."""
    ted.save(tmp_path)
    if content is None:
        (tmp_path / file).unlink()
    else:
        (tmp_path / file).write_bytes(content)
    with pytest.raises(ModelError, match=rf"{file}: .*train the model again"):
        TEDPolicy().load(tmp_path)


def test_an_older_format_is_refused(ted: TEDPolicy, tmp_path: Path) -> None:
    """With both formats: the one that did not say which it was had no graph."""
    ted.save(tmp_path)
    facts = json.loads((tmp_path / "ted.json").read_text(encoding="utf-8"))
    del facts["format"]
    (tmp_path / "ted.json").write_text(json.dumps(facts), encoding="utf-8")
    (tmp_path / "ted.onnx").unlink()
    with pytest.raises(ModelError) as caught:
        TEDPolicy().load(tmp_path)
    expected = f"format 1 found, {NETWORK_FORMAT} expected; train the model again"
    assert str(caught.value) == f"{tmp_path / 'ted.json'}: {expected}"


def test_a_graph_for_other_columns_is_refused(ted: TEDPolicy, tmp_path: Path) -> None:
    """When it is loaded, not by the first message."""
    other = assistant(STORIES.replace("action_pay", "action_check"))
    ted.save(tmp_path)
    graph = (tmp_path / "ted.onnx").read_bytes()
    trained(other).save(tmp_path)
    (tmp_path / "ted.onnx").write_bytes(graph)
    with pytest.raises(ModelError, match=r"ted.onnx: found a graph with .*train the model again"):
        TEDPolicy().load(tmp_path)


def test_the_network_serves_windows_of_any_length(made: Assistant) -> None:
    """Rows beyond its memory change nothing."""
    moments = list(actions(made.trackers, made.domain, RuleOnly(), 3))
    labels = sorted({moment.label for moment in moments})
    examples = gather(moments, labels, made.domain)
    network = fit(examples, TINY, exclusive=True)
    rows = np.random.default_rng(0).random((7, examples.space.width)).astype(np.float32)
    assert network.turns == 3
    assert np.array_equal(network.scores(rows), network.scores(rows[-3:]))
    assert network.scores(rows[-1:]).shape == (len(labels),)


class CountingNetwork:
    """Says how often it was asked."""

    asked = 0

    def scores(self, rows: np.ndarray) -> np.ndarray:
        """Add up what is to be seen."""
        self.asked += 1
        return rows.sum(axis=0)


def test_what_was_scored_lately_is_not_scored_again(made: Assistant) -> None:
    """Only states that differ are brought before the network, and no states are those of the start."""
    greeted, listened = (
        State(User("greet"), Action("action_listen")),
        State(prev_action=Action("utter_hello")),
    )
    network = CountingNetwork()
    space = FeatureSpace.fit([State(), greeted, listened], made.domain)
    model = LearntModel(space, ("utter_hello",), network, RuleOnly())  # type: ignore[arg-type]
    scores = [model.scores(states).tolist() for states in ([greeted], [greeted], [greeted, listened])]
    assert scores[0] == scores[1] != scores[2]
    assert model.scores([]).tolist() == model.scores([State()]).tolist()
    assert network.asked == 3
