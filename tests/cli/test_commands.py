"""Commands as Rasa's users know them, on a project that is really trained."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
import rasa_sdk.__main__
from sanic import Sanic
from typer.testing import CliRunner, Result

from bot.cli.app import app
from bot.runtime import model_archive, model_package
from tests.cli.tiny_project import write_tiny_project


def run(root: Path, *arguments: str, code: int | None = 0, typed: str = "") -> Result:
    """Run a command on a project; other exit codes than the expected one fail."""
    result = CliRunner().invoke(app, [*arguments, "--project", str(root)], input=typed)
    assert code is None or result.exit_code == code, result.output
    return result


def said(result: Result) -> str:
    """Return what was printed, on one line."""
    return " ".join(result.output.split())


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train the project once."""
    folder = tmp_path_factory.mktemp("commands")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FRONTDESK_CACHE", str(folder / "cache"))
        root = write_tiny_project(folder / "bot", folder / "backbone")
        run(root, "train", "--fixed-model-name", "first", "--persist-nlu-data")
    return root


@pytest.fixture
def project(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copy the trained project, to be changed."""
    monkeypatch.setenv("FRONTDESK_CACHE", str(trained.parent / "cache"))
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(trained, tmp_path / "bot", symlinks=True))


def edit(path: Path, old: str, new: str) -> None:
    """Change a file."""
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


@pytest.mark.parametrize(
    ("file", "old", "new", "arguments", "code", "words"),
    [
        pytest.param("domain.yml", "text: hi", "text: hello", (), 0, "Nothing would be", id="wording"),
        pytest.param("data/rules.yml", "rule: greet", "rule: g", (), 1, "policies would be", id="rule"),
        pytest.param("data/nlu.yml", "- cheers", "- merci", (), 1, "nlu would be trained", id="sentence"),
        pytest.param("data/nlu.yml", "- cheers", "- merci", ("core",), 0, "Nothing would", id="other part"),
        pytest.param("domain.yml", "text: hi", "text: hi", ("--force",), 8, "it is forced", id="forced"),
    ],
)  # fmt: skip
def test_a_dry_run_says_what_would_be_trained(
    project: Path, file: str, old: str, new: str, arguments: tuple[str, ...], code: int, words: str
) -> None:
    """It ends with Rasa's codes, and writes no model."""
    edit(project / file, old, new)
    before = sorted((project / "models").iterdir())
    assert words in said(run(project, "train", *arguments, "--dry-run", code=code))
    assert sorted((project / "models").iterdir()) == before


def test_a_dry_run_names_mistakes_first(project: Path) -> None:
    """As a training would, so that no later step starts one in vain."""
    edit(project / "config.yml", "- name: MemoizationPolicy", "- name: MemorizationPolicy")
    told = said(run(project, "train", "--dry-run", code=1))
    assert "did you mean 'MemoizationPolicy'?" in told
    assert "would be trained" not in told


def test_a_training_says_what_each_name_became(project: Path) -> None:
    """Lines of the pipeline and policies alike."""
    told = said(run(project, "train", "--force"))
    assert "BertUnderstanding: intent, sentiment and entity heads" in told
    assert "RulePolicy: rules, forms and the fallback, looked up" in told
    assert "MemoizationPolicy: stories, looked up" in told


def test_validation_can_be_skipped_or_be_strict(project: Path) -> None:
    """By default only errors end a training."""
    edit(project / "domain.yml", "text: fine}]", "text: fine}]\n  utter_unused: [{text: x}]")
    assert "utter_unused" in said(run(project, "train", "--fail-on-validation-warnings", code=1))
    assert "utter_unused" not in said(run(project, "train", "--skip-validation"))
    edit(project / "domain.yml", "text: x}]", "text: y}]")
    assert "utter_unused" in said(run(project, "train"))


def test_a_model_of_one_part_is_used_for_that_part(project: Path) -> None:
    """Without understanding the stories are believed, and sentences cannot be tested."""
    shutil.rmtree(project / "models")
    assert "without nlu" in said(run(project, "train", "core"))
    assert "what the stories say of texts is believed" in said(run(project, "test", "core", "--no-plot"))
    told = said(run(project, "test", "nlu", "--nlu", str(project / "data/nlu.yml"), code=1))
    assert "only its policies were trained" in told


def test_training_goes_on_from_the_newest_model(project: Path) -> None:
    """Only what changed is trained, and each part says how."""
    edit(project / "data/nlu.yml", "- cheers", "- merci")
    told = said(run(project, "train", "--finetune", "--epoch-fraction", "0.2"))
    assert "Trained nlu in" in told
    assert "heads are fitted anew" in told
    assert "expected a share above 0" in said(
        run(project, "train", "--finetune", "--epoch-fraction", "0", code=1)
    )
    told = said(run(project, "train", "--finetune-from", str(project / "nowhere"), code=1))
    assert "no trained model" in told


def test_the_nlu_data_and_the_name_are_where_they_were_asked_for(project: Path) -> None:
    """A second name leads to the model; the data in it can be read."""
    model = model_package.latest(project / "models" / "first")
    assert "many thanks" in (model / "training_data.yml").read_text("utf-8")


def test_understanding_alone_is_shown_line_by_line(project: Path) -> None:
    """JSON for each line, until the end of the input; a packed model does as well."""
    packed = model_archive.pack(
        model_package.open_package(model_package.latest(project / "models")), project.parent
    )
    for model in (project / "models", packed):
        result = run(project, "shell", "--nlu-only", "--model", str(model), typed="thanks\n\n/stop\n")
        found = json.loads(result.output[result.output.index("{") : result.output.rindex("}") + 1])
        assert found["intent"]["name"] == "thank"


def test_the_shell_goes_on_with_a_conversation(project: Path) -> None:
    """By its id; the answers come from the model."""
    (project / "endpoints.yml").write_text("tracker_store: {type: SQL, dialect: sqlite, db: talks.db}\n")
    for _ in range(2):
        run(project, "shell", "--conversation-id", "anna", typed="/greet\n/stop\n")
    assert "hi" in said(run(project, "shell", "--conversation-id", "anna", typed="/greet\n/stop\n"))
    told = said(run(project, "export", "--out", str(project / "events.jsonl")))
    assert "events of 1 conversations" in told


def test_the_action_server_gets_its_options(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of rasa-sdk, package by either spelling."""
    seen: list[list[str]] = []
    monkeypatch.setattr(Sanic, "serve", Sanic.serve)
    monkeypatch.setattr(rasa_sdk.__main__, "main", lambda: seen.append(sys.argv[1:]))
    monkeypatch.setattr(sys, "argv", [])
    monkeypatch.setattr(sys, "path", list(sys.path))
    for arguments in (["own.actions", "-p", "5056"], ["--actions", "own", "--cors", "*", "--auto-reload"]):
        assert CliRunner().invoke(app, ["run-actions", *arguments]).exit_code == 0
    assert seen == [
        ["--actions", "own.actions", "--port", "5056"],
        ["--actions", "own", "--port", "5055", "--cors", "*", "--auto-reload"],
    ]


def test_models_are_compared(project: Path) -> None:
    """How many test stories each predicts as told, printed and in Rasa's file."""
    without = project / "less"
    edit(project / "data/rules.yml", "action: utter_hi", "action: utter_bye")
    run(project, "train", "core", "--out", str(without))
    told = said(
        run(project, "test", "core", "-m", str(project / "models/first"), "-m", str(without), "--out", "r")
    )
    assert "first" in told
    assert json.loads(Path("r/results.json").read_text("utf-8")) == {"first": [2], "less": [1]}


def test_policies_are_compared_on_less_and_less_stories(project: Path) -> None:
    """A model for each configuration, share and run; then a row of results for each run, and a curve."""
    shutil.copy(project / "config.yml", project / "other.yml")
    edit(project / "other.yml", "- name: MemoizationPolicy\n", "")
    arguments = [
        "-c",
        "config.yml",
        "-c",
        "other.yml",
        "--percentages",
        "0",
        "--percentages",
        "90",
        "--runs",
        "2",
    ]
    told = said(run(project, "train", "core", *arguments, "--out", "cmp"))
    assert "8 models below cmp" in told
    names = {path.name for path in Path("cmp/run_2").iterdir() if path.is_symlink()}
    assert names == {f"{name}__percentage__{share}" for name in ("config", "other") for share in (0, 90)}
    assert json.loads(Path("cmp/num_stories.json").read_text("utf-8")) == [3, 0]
    told = said(run(project, "test", "core", "--evaluate-model-directory", "-m", "cmp", "--out", "r"))
    results = json.loads(Path("r/results.json").read_text("utf-8"))
    assert results == {"config": [[2, 1], [2, 1]], "other": [[1, 1], [1, 1]]}
    assert Path("r/core_model_comparison_graph.pdf").read_bytes().startswith(b"%PDF")


def test_a_folder_that_was_not_trained_to_compare_is_refused(project: Path) -> None:
    """With the command that makes one."""
    told = said(run(project, "test", "core", "--evaluate-model-directory", "-m", "models", code=1))
    assert "frontdesk train core -c a.yml -c b.yml" in told


def test_several_configurations_belong_to_a_comparison(project: Path) -> None:
    """A plain training has one."""
    told = said(run(project, "train", "-c", "config.yml", "-c", "config.yml", code=1))
    assert "are compared by" in told


def test_understanding_is_compared_on_less_and_less_sentences(project: Path) -> None:
    """The weighted F1 of each configuration, for each share in each run, with Rasa's files."""
    shutil.copy(project / "config.yml", project / "other.yml")
    arguments = [
        "-c",
        "config.yml",
        "-c",
        "other.yml",
        "--percentages",
        "0",
        "--percentages",
        "50",
        "--runs",
        "1",
    ]
    run(project, "test", "nlu", *arguments, "--out", "r")
    results = json.loads(Path("r/results.json").read_text("utf-8"))
    assert sorted(results) == ["config", "other"]
    assert results["config"] == results["other"]
    assert all(0 <= score <= 1 for score in results["config"][0])
    assert Path("r/run_1/50%_exclusion/other_report/intent_report.json").exists()
    assert Path("r/nlu_model_comparison_graph.pdf").exists()
    told = said(run(project, "test", "nlu", "--percentages", "100", code=1))
    assert "expected numbers from 0 to 99" in told


def test_stories_are_split_with_their_comments(project: Path) -> None:
    """Each file into what is trained on and what is tested with; nothing is lost."""
    run(project, "data", "split", "stories", "--training-fraction", "0.7", "--out", "parts")
    train, test = (Path(f"parts/{kind}_stories.yml").read_text("utf-8") for kind in ("train", "test"))
    assert (train.count("- story:"), test.count("- story:")) == (2, 1)
    assert not (Path("parts") / "train_rules.yml").exists()
    assert 'version: "3.1"' in train
    assert "between 0 and 1" in said(
        run(project, "data", "split", "stories", "--training-fraction", "1", code=1)
    )


def test_nlu_data_are_converted_both_ways(project: Path) -> None:
    """YAML to Rasa's JSON and back, into a file or a folder."""
    run(project, "data", "convert", "nlu", "-f", "json", "--out", "nlu.json")
    assert len(json.loads(Path("nlu.json").read_text("utf-8"))["rasa_nlu_data"]["common_examples"]) == 15
    run(project, "data", "convert", "nlu", "--data", str(Path("nlu.json").resolve()), "--out", "back")
    assert "- many thanks" in Path("back/nlu.yml").read_text("utf-8")
    assert "is not there" in said(run(project, "data", "convert", "nlu", "--data", "nowhere", code=1))


def test_only_the_stories_are_validated(project: Path) -> None:
    """Their contradictions are found, whatever else is wrong."""
    edit(project / "domain.yml", "text: fine}]", "text: fine}]\n  utter_unused: [{text: x}]")
    assert "0 errors, 0 warnings" in said(run(project, "data", "validate", "--stories-only"))
    more = "- story: other\n  steps:\n  - intent: bye\n  - action: utter_fine\n"
    path = project / "data/stories.yml"
    path.write_text(path.read_text("utf-8") + more, "utf-8")
    told = said(
        run(project, "validate", "--stories-only", "--max-history", "3", "--fail-on-warnings", code=1)
    )
    assert "0 errors, 1 warnings" in told
    assert "contradict each other" in told


@pytest.mark.parametrize(
    ("command", "words"),
    [
        pytest.param(
            "validate --data nope", "nope: error: there is no such file or folder of data", id="data"
        ),
        pytest.param("validate -c nope.yml", "nope.yml: error: there is no such configuration", id="config"),
        pytest.param("train -d nope.yml", "nope.yml: error: there is no such domain file", id="domain"),
        pytest.param("run --endpoints nope.yml", "nope.yml: there is no such file", id="endpoints"),
    ],
)
def test_a_file_that_was_named_must_be_there(project: Path, command: str, words: str) -> None:
    """Only a default may be missing."""
    shown = run(project, *command.split(), code=1).output.replace("\n", "")
    assert words in shown
