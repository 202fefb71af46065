"""Training the configured policies into a folder, and loading them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import InvalidProject, Location, ModelError
from bot.policies.registry import DefaultPolicy
from bot.policies.train import check, load, train
from bot.training_data.warm_start import WarmStart
from tests.policies.assistants import Assistant, assistant, said

DATA = """
    rules:
    - {rule: chat, steps: [{intent: chat}, {action: utter_chat}]}
    stories:
    - {story: hello, steps: [{intent: greet}, {action: utter_hello}, {intent: bye}, {action: utter_bye}]}
"""
RULES, MEMORY = DefaultPolicy("RulePolicy"), DefaultPolicy("MemoizationPolicy", {"max_history": 5})


def problems(*configs: DefaultPolicy, data: str = DATA) -> list[str]:
    """What a check finds, in words."""
    made = assistant(data)
    return [str(finding) for finding in check(configs, made.trackers, made.domain)]


def predicted(made: Assistant, folder: Path, intent: str) -> tuple[str, str | None]:
    """What a loaded model says to a first turn."""
    prediction = load(folder).predict(made.conversation([said(intent)]), made.domain)
    return prediction.action(made.domain), prediction.policy


def test_trained_policies_are_loaded_as_they_were(tmp_path: Path) -> None:
    """In the order of the configuration, options included."""
    made = assistant(DATA)
    told: list[tuple[str, float]] = []
    report = train(
        [MEMORY, RULES], made.trackers, made.domain, tmp_path, progress=lambda *step: told.append(step)
    )
    assert report.policies == ("MemoizationPolicy", "RulePolicy")
    assert told == [("RulePolicy", 0.0), ("MemoizationPolicy", 0.5)]
    assert [policy.name for policy in load(tmp_path).policies] == ["MemoizationPolicy", "RulePolicy"]
    assert predicted(made, tmp_path, "greet") == ("utter_hello", "MemoizationPolicy")
    assert predicted(made, tmp_path, "chat") == ("utter_chat", "RulePolicy")
    assert {path.suffix for path in tmp_path.rglob("*") if path.is_file()} == {".json"}


def test_rasas_defaults_stand_in_for_no_policies(tmp_path: Path) -> None:
    """All four of them."""
    made = assistant(DATA)
    report = train([], made.trackers, made.domain, tmp_path)
    assert report.policies == ("MemoizationPolicy", "RulePolicy", "UnexpecTEDIntentPolicy", "TEDPolicy")
    assert report.notes == ()


def test_options_without_effect_are_named_and_the_others_of_rasa_passed_over(tmp_path: Path) -> None:
    """What tunes Rasa's network does nothing here."""
    made = assistant(DATA)
    options = {"epochs": 1, "batch_size": 8, "constrain_similarities": True, "learning_rate": 0.1}
    report = train([RULES, DefaultPolicy("TEDPolicy", options)], made.trackers, made.domain, tmp_path)
    assert report.warnings == ()
    assert report.notes == ("TEDPolicy: batch_size, learning_rate has no effect here",)
    assert [line.partition(":")[0] for line in report.became] == ["RulePolicy", "TEDPolicy"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("FormPolicy", "RulePolicy"),
        ("FallbackPolicy", "RulePolicy, with a FallbackClassifier in the pipeline,"),
        ("KerasPolicy", "TEDPolicy"),
    ],
    ids=["form", "fallback", "keras"],
)
def test_a_policy_of_rasa_2_names_its_successor(tmp_path: Path, old: str, new: str) -> None:
    """Its name resembles others, which would be no help."""
    made = assistant(DATA)
    with pytest.raises(InvalidProject, match=f"'{old}': it ended with Rasa 2, {new} does its work"):
        train([RULES, DefaultPolicy(old)], made.trackers, made.domain, tmp_path)


def test_nothing_is_written_where_something_is_wrong(tmp_path: Path) -> None:
    """A contradiction refuses the training before any file is made."""
    made = assistant(DATA + "    - {story: other, steps: [{intent: chat}, {action: utter_bye}]}\n")
    with pytest.raises(InvalidProject, match="contradicting-rules"):
        train([MEMORY, RULES], made.trackers, made.domain, tmp_path / "model")
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (DefaultPolicy("RulPolicy"), "there is no policy 'RulPolicy', did you mean 'RulePolicy'?"),
        (DefaultPolicy("RulePolicy", {"priority": "high"}), "RulePolicy: 'priority' is 'high', expected int"),
        (DefaultPolicy("RulePolicy", {"priority": True}), "'priority' is True, expected int"),
        (
            DefaultPolicy("RulePolicy", {"core_fallback_treshold": 0.4}),
            "no option 'core_fallback_treshold', did you mean 'core_fallback_threshold'?",
        ),
    ],
    ids=["policy", "kind", "a truth value is no number", "option"],
)
def test_a_wrong_entry_is_named_with_what_is_expected(config: DefaultPolicy, expected: str) -> None:
    """With the place where it is written, and the nearest name."""
    placed = DefaultPolicy(config.name, config.options, Location("config.yml", 7))
    (finding, *_) = problems(placed)
    assert finding.startswith("config.yml:7: ")
    assert expected in finding


@pytest.mark.parametrize(
    "config",
    [
        DefaultPolicy("rasa.core.policies.rule_policy.RulePolicy"),
        DefaultPolicy("RulePolicy", {"core_fallback_threshold": 1, "core_fallback_action_name": "utter_bye"}),
    ],
    ids=["by its module", "whole numbers are numbers"],
)
def test_what_rasa_accepts_is_accepted(config: DefaultPolicy) -> None:
    """Without a word."""
    assert problems(config) == []


def test_a_featurizer_may_say_how_long_the_history_is(tmp_path: Path) -> None:
    """The old way to write `max_history`."""
    made = assistant(DATA)
    featurizer = [{"name": "MaxHistoryTrackerFeaturizer", "max_history": 1}]
    train(
        [DefaultPolicy("MemoizationPolicy", {"featurizer": featurizer}), RULES],
        made.trackers,
        made.domain,
        tmp_path,
    )
    assert predicted(made, tmp_path, "bye")[0] == "utter_bye"


def test_what_the_policies_cannot_do_is_said() -> None:
    """Forms and rules need the rule policy; equal priorities leave ties to the order."""
    checks = [line.rsplit(" ", 1)[1] for line in problems(MEMORY)]
    assert checks == ["[form-without-rule-policy]", "[rules-without-rule-policy]"]
    same = DefaultPolicy("AugmentedMemoizationPolicy")
    assert [line.rsplit(" ", 1)[1] for line in problems(MEMORY, same, RULES)] == ["[equal-priorities]"]


@pytest.mark.parametrize(
    "content", [None, "", "{", "[1]", "{}", '[{"name": "Gone", "options": {}, "folder": "x"}]']
)
@pytest.mark.parametrize(
    "file", ["policies.json", "0_RulePolicy/rules.json", "1_MemoizationPolicy/memorized_turns.json"]
)
def test_a_broken_model_is_refused(tmp_path: Path, file: str, content: str | None) -> None:
    """A missing or broken file is named, never half loaded."""
    made = assistant(DATA)
    train([RULES, MEMORY], made.trackers, made.domain, tmp_path)
    if content is None:
        (tmp_path / file).unlink()
    else:
        (tmp_path / file).write_text(content, encoding="utf-8")
    with pytest.raises(ModelError, match="train the model again"):
        load(tmp_path)


def test_a_policy_of_the_projects_own_decides(tmp_path: Path) -> None:
    """A class named by its Python path is made with its options, trained, saved and loaded like ours."""
    made = assistant(DATA)
    polite = DefaultPolicy("tests.policies.polite.Polite", {"action": "utter_bye"})
    assert train([RULES, polite], made.trackers, made.domain, tmp_path).policies == ("RulePolicy", "Polite")
    assert predicted(made, tmp_path, "chat") == ("utter_bye", "Polite")


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("no_such_package.Polite", "cannot be imported: No module named 'no_such_package'"),
        ("tests.policies.polite.Rude", "has no attribute 'Rude'"),
        ("tests.policies.polite.Broken", "cannot be made: no rest today"),
        ("tests.policies.polite.Words", "it lacks name, priority, train, predict, save, load"),
    ],
)
def test_a_path_that_leads_to_no_policy_is_refused(path: str, reason: str) -> None:
    """The reason stands in the finding."""
    assert reason in problems(DefaultPolicy(path))[0]


def test_an_unknown_fallback_action_is_found_in_its_entry() -> None:
    """No story has it, so the line of the policy is named."""
    entry = DefaultPolicy("RulePolicy", {"core_fallback_action_name": "utter_by"}, Location("config.yml", 7))
    assert any("config.yml:7: error" in problem and "'utter_by'" in problem for problem in problems(entry))


def test_learnt_policies_go_on_from_an_earlier_model(tmp_path: Path) -> None:
    """Each from the one of its name; one that was not there begins anew, and the report says so."""
    made = assistant(DATA)
    ted = DefaultPolicy("TEDPolicy", {"epochs": 1})
    train([RULES, ted], made.trackers, made.domain, tmp_path / "before")
    unexpected = DefaultPolicy("UnexpecTEDIntentPolicy", {"epochs": 1})
    report = train(
        [RULES, unexpected, ted],
        made.trackers,
        made.domain,
        tmp_path / "after",
        warm_start=WarmStart(tmp_path / "before", 0.5),
    )
    assert report.notes == (
        "UnexpecTEDIntentPolicy: begins anew",
        "TEDPolicy: goes on from the weights before",
    )
    assert len(load(tmp_path / "after").policies) == 3


def test_an_earlier_model_without_policies_is_refused(tmp_path: Path) -> None:
    """Before anything is trained."""
    made = assistant(DATA)
    with pytest.raises(ModelError, match=r"policies\.json"):
        train([RULES], made.trackers, made.domain, tmp_path / "m", warm_start=WarmStart(tmp_path))
