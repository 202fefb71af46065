"""A training is written down where experiments are compared, by the real libraries."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.errors import FrontdeskError, SettingsError
from bot.nlu.training_facts import write_facts
from bot.runtime import optional_library
from bot.runtime.experiments import Experiment, of_model, require_library, to_mlflow, to_tensorboard
from bot.runtime.model_card import write_card
from tests.runtime.test_model_card import DATA, MODEL, PROJECT, REPORT

EXPERIMENT = Experiment(
    group="shop",
    name="20260101-abc",
    options={"backbone": "tiny", "epochs": 5, "long": "x" * 2_000},
    scores={"intents/accuracy": 0.9375},
    curves={"learning/loss": [(1, 4.0), (2, 3.5)]},
    page="# Model card: shop",
)


def test_a_models_card_becomes_an_experiment(tmp_path: Path) -> None:
    """Options, counts and every held-out score of the card have names that compare from run to run."""
    (tmp_path / "nlu").mkdir()
    write_facts(tmp_path / "nlu", REPORT, DATA, MODEL)
    write_card(tmp_path, PROJECT, "1.2.3")
    experiment = of_model(tmp_path)
    assert (experiment.group, experiment.name) == ("lumen", tmp_path.name)
    assert experiment.options["policies"] == "RulePolicy"
    assert experiment.options["fine_tune"] == "head"
    assert experiment.options["intents taught"] == 6
    assert experiment.scores["intents/accuracy"] == pytest.approx(5 / 6)
    assert experiment.scores["intents/accuracy_zh"] == 0.5
    assert "intents/accuracy_?" not in experiment.scores
    assert experiment.page.startswith("# Model card: lumen")
    assert [path.name for path in experiment.files] == ["MODEL_CARD.md", "model_card.json"]


def test_a_model_of_policies_alone_is_an_experiment_too(tmp_path: Path) -> None:
    """Without an understanding there are the options of the dialogue, and no scores."""
    write_card(tmp_path, PROJECT, "1")
    experiment = of_model(tmp_path)
    assert experiment.options["policies"] == "RulePolicy"
    assert experiment.scores == {}


def test_tensorboard_shows_scores_curves_and_the_card(tmp_path: Path) -> None:
    """What its own reader finds in the folder is what was given, and one training is one run."""
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import (  # noqa: PLC0415 - only if it is there
        EventAccumulator,
    )

    said = to_tensorboard(EXPERIMENT, tmp_path)
    assert said == f"tensorboard --logdir {tmp_path / 'runs'}"
    (run,) = (tmp_path / "runs").iterdir()
    assert run.name == EXPERIMENT.name
    assert all(path.is_file() for path in run.iterdir())
    found = EventAccumulator(str(run)).Reload()
    assert [(row.step, row.value) for row in found.Scalars("learning/loss")] == [(1, 4.0), (2, 3.5)]
    assert found.Scalars("intents/accuracy")[0].value == 0.9375
    card = found.Tensors("model card/text_summary")[0].tensor_proto.string_val[0]
    assert card.decode() == EXPERIMENT.page
    assert b"backbone" in found.SummaryMetadata("_hparams_/session_start_info").plugin_data.content


@pytest.fixture
def mlflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let MLflow keep its runs in a file of the test."""
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # a database takes seconds to set up
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.chdir(tmp_path)
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri((tmp_path / "runs").as_uri())
    yield mlflow
    mlflow.set_tracking_uri(before)


@pytest.mark.filterwarnings("ignore")  # MLflow's own
def test_mlflow_keeps_options_scores_curves_and_files(mlflow: Any, tmp_path: Path) -> None:
    """Its own client finds the run under the assistant's name; an option that is too long is cut."""
    card = tmp_path / "MODEL_CARD.md"
    card.write_text("# Model card", "utf-8")
    said = to_mlflow(Experiment(**{**_fields(EXPERIMENT), "files": (card,)}))
    client = mlflow.MlflowClient()
    (run,) = client.search_runs([client.get_experiment_by_name("shop").experiment_id])
    assert run.info.run_id in said
    assert (run.info.run_name, run.info.status) == (EXPERIMENT.name, "FINISHED")
    assert run.data.params["backbone"] == "tiny"
    assert len(run.data.params["long"]) == 400
    assert run.data.metrics["intents/accuracy"] == 0.9375
    history = client.get_metric_history(run.info.run_id, "learning/loss")
    assert [(row.step, row.value) for row in history] == [(1, 4.0), (2, 3.5)]
    assert [row.path for row in client.list_artifacts(run.info.run_id)] == ["MODEL_CARD.md"]


@pytest.mark.filterwarnings("ignore")  # MLflow's own
def test_an_mlflow_that_refuses_is_named(mlflow: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The training stands; the error says who refused and why."""

    def refuse(_name: str) -> None:
        raise mlflow.MlflowException("the experiment was deleted")

    monkeypatch.setattr(mlflow, "set_experiment", refuse)
    with pytest.raises(FrontdeskError, match=r"MLflow at file:.* refuses: the experiment was deleted"):
        to_mlflow(EXPERIMENT)


@pytest.mark.parametrize("name", ["tensorboard", "mlflow"])
def test_a_missing_library_is_told_before_training(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says what to install."""

    def absent(module: str) -> None:
        raise ModuleNotFoundError(name=module)

    monkeypatch.setattr(optional_library, "import_module", absent)
    with pytest.raises(SettingsError, match=rf"'{name}': pip install 'frontdesk-crm\[tracking\]'"):
        require_library(name)


def _fields(experiment: Experiment) -> Mapping[str, Any]:
    return {name: getattr(experiment, name) for name in experiment.__slots__}
