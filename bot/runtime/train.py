"""From a project to a model folder; parts whose input has not changed are taken over from the last model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Protocol

from bot.errors import Finding, InvalidProject, ModelError, Severity
from bot.policies import train as policy_training
from bot.policies.registry import PolicyConfig
from bot.runtime import model_package
from bot.runtime.fingerprints import fingerprints
from bot.runtime.model_package import NLU, POLICIES, ModelPackage
from bot.runtime.training_lock import only_training
from bot.training_data.config_file import DEFAULT_LANGUAGE, ComponentConfig
from bot.training_data.nlu_examples import NluData
from bot.training_data.project import Project
from bot.training_data.story_graph import DEFAULT_AUGMENTATION, generate_trackers

Progress = Callable[[str, float], None]


class BecamePart(Protocol):
    """What became of one line of the pipeline."""

    @property
    def configured(self) -> str: ...  # noqa: D102 (named by the class)
    @property
    def became(self) -> str: ...  # noqa: D102
    @property
    def note(self) -> str: ...  # noqa: D102


class NluReport(Protocol):
    """What the NLU's training says of itself, as far as a bot developer is told."""

    @property
    def components(self) -> Sequence[BecamePart]: ...  # noqa: D102 (named by the class)
    @property
    def notes(self) -> Sequence[str]: ...  # noqa: D102


class NluTrainer(Protocol):
    """Who trains the NLU into a folder that it makes."""

    def __call__(
        self,
        data: NluData,
        pipeline: Sequence[ComponentConfig],
        folder: Path,
        *,
        language: str,
        progress: Progress,
    ) -> NluReport:
        """Train; `progress` is told a stage and the share done, in [0, 1]."""
        ...


@dataclass(frozen=True, slots=True)
class TrainingOutcome:
    """The model that now is the newest, and which of its parts were trained for it.

    `trained` is empty when only the wording changed; `is_new` is false when nothing did. `notes` are remarks
    for the bot developer, `warnings` the findings that did not stop the training.
    """

    package: ModelPackage
    trained: tuple[str, ...] = ()
    is_new: bool = True
    notes: tuple[str, ...] = ()
    warnings: tuple[Finding, ...] = ()


def product_version() -> str:
    """Return the version of this product; a model of another version is trained again."""
    try:
        return installed_version("frontdesk-crm")
    except PackageNotFoundError:
        return "0"


def train(
    project: Project,
    models: Path,
    *,
    train_nlu: NluTrainer,
    check: Callable[[Project], Sequence[Finding]] | None = None,
    progress: Progress = lambda _stage, _share: None,
    force: bool = False,
) -> TrainingOutcome:
    """Train what has changed since the newest model, and write a new model if anything has.

    A second training of the same folder waits for the first one.

    Args:
        project: What to train.
        models: The folder of all models.
        train_nlu: Trains the NLU.
        check: Validates the project first; an error stops everything.
        progress: Is told a stage and the share done, in [0, 1].
        force: Train everything anew.

    Raises:
        InvalidProject: The project is wrong; the models stay as they were.
    """
    findings = list(check(project)) if check else []
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    if errors:
        raise InvalidProject(errors)
    with only_training(models, lambda: progress("wait for another training", 0.0)):
        return _train(project, models, findings, _Work(train_nlu, progress, force=force))


@dataclass(frozen=True, slots=True)
class _Work:
    train_nlu: NluTrainer
    progress: Progress
    force: bool


def _train(project: Project, models: Path, findings: list[Finding], work: _Work) -> TrainingOutcome:
    """Train while no other training writes into the folder."""
    progress = work.progress
    marks = fingerprints(project, product_version())
    former = None if work.force else _former(models)
    known = former.metadata.fingerprints if former else {}
    if former and all(known.get(part) == mark for part, mark in marks.items()):
        return TrainingOutcome(former, is_new=False, warnings=tuple(findings))
    trained: list[str] = []
    notes: list[str] = []
    with model_package.new_package(models) as folder:
        if former and known.get(NLU) == marks[NLU]:
            model_package.reuse(NLU, former.folder, folder)
        else:
            trained.append(NLU)
            language = project.config.language or DEFAULT_LANGUAGE
            learnt = work.train_nlu(
                project.nlu, project.config.pipeline, folder / NLU, language=language, progress=progress
            )
            notes += [*map(_became, learnt.components), *learnt.notes]
        if former and known.get(POLICIES) == marks[POLICIES]:
            model_package.reuse(POLICIES, former.folder, folder)
        else:
            trained.append(POLICIES)
            report = _train_policies(project, folder / POLICIES, progress)
            notes += report.notes
            findings += report.warnings
        progress("write the model", 1.0)
        package = model_package.finish(
            folder,
            project.domain,
            version=product_version(),
            fingerprints=marks,
            assistant_id=project.config.assistant_id,
            language=project.config.language,
        )
    return TrainingOutcome(package, tuple(trained), notes=tuple(notes), warnings=tuple(findings))


def _became(part: BecamePart) -> str:
    return f"{part.configured}: {part.became}" + (f" ({part.note})" if part.note else "")


def _former(models: Path) -> ModelPackage | None:
    """A broken model is no reason not to train, it is one to train everything."""
    try:
        return model_package.open_package(model_package.latest(models))
    except ModelError:
        return None


def _train_policies(project: Project, folder: Path, progress: Progress) -> policy_training.PolicyReport:
    configs: Sequence[PolicyConfig] = project.config.policies
    trackers = generate_trackers(project.steps, project.domain, augmentation_factor=DEFAULT_AUGMENTATION)
    return policy_training.train(configs, trackers, project.domain, folder, progress=progress)
