"""Models are complete or absent, and only what changed is trained again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bot.errors import Finding, InvalidProject, ModelError
from bot.policies import train as policy_training
from bot.runtime import model_package
from bot.runtime.train import Progress, TrainingOutcome, Wishes, outdated, train
from bot.runtime.training_lock import LOCK
from bot.training_data.config_file import ComponentConfig
from bot.training_data.nlu_examples import NluData
from bot.training_data.project import Project
from bot.training_data.warm_start import WarmStart

FILES = {
    "config.yml": "recipe: default.v1\nlanguage: en\nassistant_id: shop\npolicies: [{name: RulePolicy}]\n",
    "domain.yml": (
        'version: "3.1"\nintents: [greet]\nslots:\n  s: {type: text, mappings: [{type: from_text}]}\n'
        "responses:\n  utter_hi: [{text: hi}]\n"
    ),
    "data/nlu.yml": 'version: "3.1"\nnlu:\n- intent: greet\n  examples: |\n    - hello\n    - hi\n',
    "data/rules.yml": (
        'version: "3.1"\nrules:\n- rule: greet\n  steps:\n  - intent: greet\n  - action: utter_hi\n'
    ),
}


@dataclass(frozen=True)
class Became:
    """A line of the pipeline and its part."""

    configured: str = "DIETClassifier"
    became: str = "the intent head"
    note: str = "epochs have no effect"


@dataclass(frozen=True)
class Report:
    """What the NLU's training says."""

    components: tuple[Became, ...] = (Became(),)
    notes: tuple[str, ...] = ("one intent has one example",)


@dataclass
class Trainer:
    """Writes a file where the NLU's model would be, and remembers what it was given."""

    runs: list[int] = field(default_factory=list)
    starts: list[WarmStart | None] = field(default_factory=list)
    error: Exception | None = None

    def __call__(
        self,
        data: NluData,
        pipeline: Sequence[ComponentConfig],
        folder: Path,
        *,
        language: str,
        progress: Progress,
        warm_start: WarmStart | None = None,
    ) -> Report:
        """Train."""
        self.starts.append(warm_start)
        if self.error:
            raise self.error
        progress("nlu", 0.5)
        folder.mkdir()
        (folder / "model.json").write_text(json.dumps([len(data.examples), len(pipeline), language]))
        self.runs.append(len(data.examples))
        return Report()


def project(root: Path, **changed: str) -> Project:
    """Write a project, with some files changed, and read it."""
    for name, text in {**FILES, **changed}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Project.load(root)


def run(
    root: Path, trainer: Trainer | None = None, *, force: bool = False, **changed: str
) -> TrainingOutcome:
    """Train a project."""
    wishes = Wishes(force=force)
    return train(project(root, **changed), root / "models", train_nlu=trainer or Trainer(), wishes=wishes)


def test_a_model_holds_what_it_was_made_from(tmp_path: Path) -> None:
    """NLU, policies and domain come back as they were; the metadata name every file."""
    outcome = run(tmp_path)
    package = model_package.open_package(model_package.latest(tmp_path / "models"))
    assert (outcome.trained, package.metadata) == (("nlu", "policies"), outcome.package.metadata)
    assert json.loads((package.nlu_folder / "model.json").read_text()) == [2, 9, "en"]
    assert package.metadata.assistant_id == "shop"
    assert "domain.json" in package.metadata.files
    assert package.load_domain().slots == project(tmp_path).domain.slots
    assert [policy.name for policy in policy_training.load(package.policies_folder).policies] == [
        "RulePolicy"
    ]


def test_nothing_is_trained_when_nothing_changed(tmp_path: Path) -> None:
    """The newest model stays the newest."""
    first = run(tmp_path)
    second = run(tmp_path)
    assert (second.trained, second.is_new, second.package.folder) == ((), False, first.package.folder)


@pytest.mark.parametrize(
    ("name", "old", "new", "trained"),
    [
        ("domain.yml", "text: hi", "text: hello", ()),
        ("data/rules.yml", "rule: greet", "rule: greeting", ("policies",)),
        ("data/nlu.yml", "- hello", "- good day", ("nlu",)),
        ("domain.yml", "type: text", "type: any", ("policies",)),
        ("domain.yml", "[greet]", "[greet, bye]", ("nlu", "policies")),
        ("config.yml", "language: en", "language: zh", ("nlu",)),
    ],
    ids=["wording", "rule", "example", "slot", "intent", "language"],
)
def test_only_what_changed_is_trained(
    tmp_path: Path, name: str, old: str, new: str, trained: tuple[str, ...]
) -> None:
    """A new wording makes a new model at once; a rule leaves the NLU alone, an example the policies."""
    first = run(tmp_path)
    assert old in FILES[name]
    second = run(tmp_path, **{name: FILES[name].replace(old, new)})
    assert (second.trained, second.is_new) == (trained, True)
    assert second.package.folder != first.package.folder
    assert model_package.latest(tmp_path / "models") == second.package.folder
    model_package.open_package(second.package.folder)


def test_training_can_be_forced(tmp_path: Path) -> None:
    """Everything is trained anew."""
    run(tmp_path)
    assert run(tmp_path, force=True).trained == ("nlu", "policies")


def test_a_failed_training_leaves_the_models_as_they_were(tmp_path: Path) -> None:
    """No half model stays behind."""
    first = run(tmp_path)
    with pytest.raises(OSError, match="disk full"):
        run(tmp_path, Trainer(error=OSError("disk full")), force=True)
    left = [path.name for path in (tmp_path / "models").iterdir() if path.name != LOCK]
    assert left == [first.package.folder.name]


def test_a_wrong_project_is_not_trained(tmp_path: Path) -> None:
    """An error of the check stops before anything is trained."""
    trainer = Trainer()
    with pytest.raises(InvalidProject, match="wrong"):
        train(
            project(tmp_path),
            tmp_path / "models",
            train_nlu=trainer,
            check=lambda _: [Finding("check", "wrong")],
        )
    assert trainer.runs == []
    assert not (tmp_path / "models").exists()


def test_a_broken_former_model_is_trained_anew(tmp_path: Path) -> None:
    """It is no source to take parts from."""
    first = run(tmp_path)
    (first.package.folder / "nlu" / "model.json").write_text("changed")
    assert run(tmp_path).trained == ("nlu", "policies")


def test_without_a_model_the_way_out_is_named(tmp_path: Path) -> None:
    """A missing folder and a half-written model both say what to do."""
    with pytest.raises(ModelError, match=r"no trained model in .*; run `frontdesk train`"):
        model_package.latest(tmp_path / "models")
    (tmp_path / "models" / "half").mkdir(parents=True)
    with pytest.raises(ModelError, match="half is incomplete"):
        model_package.latest(tmp_path / "models")
    with pytest.raises(ModelError, match="half-written"):
        model_package.open_package(tmp_path / "models" / "half")


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("nlu/model.json", "other", "not the one that was trained"),
        ("nlu/model.json", None, "is missing"),
        ("metadata.json", "{", "broken"),
        ("metadata.json", '{"nonsense": 1}', "broken"),
        ("metadata.json", '{"model_id": "x", "trained_at": "", "version": "", "format": 99}', "format 99"),
    ],
    ids=["changed", "missing", "no json", "other json", "newer"],
)
def test_a_broken_model_is_refused(tmp_path: Path, file: str, content: str | None, message: str) -> None:
    """Each kind of damage has its message."""
    folder = run(tmp_path).package.folder
    (folder / file).unlink()
    if content is not None:
        (folder / file).write_text(content)
    with pytest.raises(ModelError, match=message):
        model_package.open_package(folder)


def test_a_broken_domain_is_refused(tmp_path: Path) -> None:
    """A model without a readable domain cannot be used."""
    package = run(tmp_path).package
    (package.folder / "domain.json").write_text("[")
    with pytest.raises(ModelError, match=r"domain\.json: broken"):
        package.load_domain()


def test_the_outcome_tells_what_each_pipeline_line_became(tmp_path: Path) -> None:
    """A bot developer reads which part stands for a configured component, and what training noticed."""
    notes = run(tmp_path).notes
    assert "DIETClassifier: the intent head (epochs have no effect)" in notes
    assert "one intent has one example" in notes
    card = next(note for note in notes if note.startswith("model card: ")).removeprefix("model card: ")
    assert "# Model card: shop" in Path(card).read_text("utf-8")


def test_a_change_in_own_code_trains_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The text of the module that a pipeline or a policy line names is part of what a model is made from."""
    monkeypatch.syspath_prepend(tmp_path)
    code = tmp_path / "own_bakery_parts.py"
    code.write_text("class Part:\n    pass\n")
    config = FILES["config.yml"] + "pipeline: [{name: own_bakery_parts.Part}]\n"
    run(tmp_path, **{"config.yml": config})
    assert run(tmp_path, **{"config.yml": config}).trained == ()
    code.write_text("class Part:\n    size = 3\n")
    assert run(tmp_path, **{"config.yml": config}).trained == ("nlu",)


def wished(
    root: Path, trainer: Trainer | None = None, changed: Mapping[str, str] | None = None, **wishes: Any
) -> TrainingOutcome:
    """Train a project with wishes."""
    loaded = project(root, **(changed or {}))
    return train(loaded, root / "models", train_nlu=trainer or Trainer(), wishes=Wishes(**wishes))


def test_one_part_is_trained_alone(tmp_path: Path) -> None:
    """The other one is taken over while it is up to date, and else the model is without it, and says so."""
    run(tmp_path)
    new_rule = {"data/rules.yml": FILES["data/rules.yml"].replace("rule: greet", "rule: other")}
    new_example = {"data/nlu.yml": FILES["data/nlu.yml"].replace("- hello", "- good day")}
    only_nlu = wished(tmp_path, changed=new_example, parts=("nlu",))
    assert (only_nlu.trained, only_nlu.package.policies_folder.is_dir()) == (("nlu",), True)
    without = wished(tmp_path, changed={**new_example, **new_rule}, parts=("nlu",), force=True)
    assert (without.trained, without.package.policies_folder.is_dir()) == (("nlu",), False)
    assert any("without policies" in note for note in without.notes)
    whole = wished(tmp_path, changed={**new_example, **new_rule})
    assert whole.trained == ("policies",)


def test_nothing_is_trained_when_the_part_has_not_changed(tmp_path: Path) -> None:
    """Whatever the other part says."""
    first = run(tmp_path)
    new_rule = {"data/rules.yml": FILES["data/rules.yml"].replace("rule: greet", "rule: other")}
    again = wished(tmp_path, changed=new_rule, parts=("nlu",))
    assert (again.is_new, again.package.folder) == (False, first.package.folder)


def test_what_would_be_trained_is_told_beforehand(tmp_path: Path) -> None:
    """By parts; forcing means all of them."""
    models = tmp_path / "models"
    assert outdated(project(tmp_path), models) == ("nlu", "policies")
    run(tmp_path)
    assert outdated(project(tmp_path), models) == ()
    assert outdated(project(tmp_path), models, Wishes(force=True)) == ("nlu", "policies")
    assert outdated(project(tmp_path), models, Wishes(augmentation=0)) == ("policies",)
    changed = FILES["data/nlu.yml"].replace("- hello", "- good day")
    assert outdated(project(tmp_path, **{"data/nlu.yml": changed}), models) == ("nlu",)


def test_a_model_has_a_second_name(tmp_path: Path) -> None:
    """It leads to the newest model that was given it, and is no model beside the others."""
    first = wished(tmp_path, name="shop")
    named = tmp_path / "models" / "shop"
    assert model_package.latest(named) == first.package.folder.resolve()
    second = wished(tmp_path, name="shop.tar.gz", force=True)
    assert model_package.latest(named) == second.package.folder.resolve()
    assert model_package.latest(tmp_path / "models") == second.package.folder
    unchanged = wished(tmp_path, name="other")
    assert not unchanged.is_new
    assert model_package.latest(tmp_path / "models" / "other") == second.package.folder.resolve()


@pytest.mark.parametrize("name", ["", "a/b", ".hidden", ".."])
def test_what_is_no_name_is_refused(tmp_path: Path, name: str) -> None:
    """Nothing is written outside the folder of models."""
    package = run(tmp_path).package
    with pytest.raises(ModelError, match="no name for a model"):
        model_package.give_name(package.folder, name)


def test_a_name_takes_nobodys_place(tmp_path: Path) -> None:
    """A folder of that name stays."""
    package = run(tmp_path).package
    (tmp_path / "models" / "shop").mkdir()
    with pytest.raises(ModelError, match="is there already"):
        model_package.give_name(package.folder, "shop")


def test_the_nlu_data_can_be_kept_in_the_model(tmp_path: Path) -> None:
    """As a file that can be read again, vouched for by its hash."""
    package = wished(tmp_path, keep_nlu_data=True).package
    assert "- hello" in (package.folder / "training_data.yml").read_text("utf-8")
    assert "training_data.yml" in package.metadata.files


def test_training_goes_on_from_an_earlier_model(tmp_path: Path) -> None:
    """The NLU is told where its part lies and which share of the epochs is left; the rest is kept."""
    first = run(tmp_path)
    trainer = Trainer()
    changed = {"data/nlu.yml": FILES["data/nlu.yml"].replace("- hello", "- good day")}
    second = wished(tmp_path, trainer, changed, finetune=tmp_path / "models", epoch_fraction=0.3)
    assert second.trained == ("nlu",)
    assert trainer.starts == [WarmStart(first.package.nlu_folder, 0.3)]
    assert trainer.starts[0] is not None
    assert [trainer.starts[0].epochs(count) for count in (100, 10, 1)] == [30, 3, 1]


def test_there_has_to_be_a_model_to_go_on_from(tmp_path: Path) -> None:
    """Otherwise nothing is trained."""
    with pytest.raises(ModelError, match="no trained model"):
        wished(tmp_path, finetune=tmp_path / "models")
    assert not list((tmp_path / "models").glob("*/metadata.json"))
