"""From a project to a model folder; parts whose input has not changed are taken over from the last model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
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
from bot.runtime.model_card import CARD_FILE, summary, write_card
from bot.runtime.model_package import NLU, POLICIES, ModelPackage
from bot.runtime.training_lock import only_training
from bot.training_data.config_file import DEFAULT_LANGUAGE, ComponentConfig
from bot.training_data.nlu_examples import NluData
from bot.training_data.nlu_writer import write_nlu
from bot.training_data.project import Project
from bot.training_data.story_graph import DEFAULT_AUGMENTATION, generate_trackers
from bot.training_data.warm_start import WarmStart
from bot.written_for_rasa.slots import with_own_slots

Progress = Callable[[str, float], None]
NLU_DATA = "training_data.yml"
DOMAIN_PART = "domain"


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
        warm_start: WarmStart | None = None,
    ) -> NluReport:
        """Train; `progress` is told a stage and the share done, in [0, 1]."""
        ...


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a training is to go.

    Only `parts` are trained; another part is taken over while it is up to date, else the model lacks it.
    `force` trains what has not changed. `augmentation` bounds the glued stories, in tens. `finetune` is a
    model, or a folder of them, whose weights training goes on from for `epoch_fraction` of the epochs.
    `name` is a second name for the model. `keep_nlu_data` puts the NLU data into it.
    """

    parts: tuple[str, ...] = (NLU, POLICIES)
    force: bool = False
    augmentation: int = DEFAULT_AUGMENTATION
    finetune: Path | None = None
    epoch_fraction: float = 1.0
    name: str | None = None
    keep_nlu_data: bool = False


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
    wishes: Wishes = Wishes(),
) -> TrainingOutcome:
    """Train what has changed since the newest model, and write a new model if anything has.

    A second training of the same folder waits for the first one.

    Args:
        project: What to train.
        models: The folder of all models.
        train_nlu: Trains the NLU.
        check: Validates the project first; an error stops everything.
        progress: Is told a stage and the share done, in [0, 1].
        wishes: What else is asked for.

    Raises:
        InvalidProject: The project is wrong; the models stay as they were.
        ModelError: There is no model to go on from.
    """
    findings = refuse_errors(check(project)) if check else []
    with only_training(models, lambda: progress("wait for another training", 0.0)):
        return _train(project, models, findings, _Work(train_nlu, progress, wishes))


def refuse_errors(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings that are no more than warnings.

    Raises:
        InvalidProject: One of them is an error.
    """
    known = list(findings)
    errors = [finding for finding in known if finding.severity is Severity.ERROR]
    if errors:
        raise InvalidProject(errors)
    return known


def outdated(project: Project, models: Path, wishes: Wishes = Wishes()) -> tuple[str, ...]:
    """Return the parts that a training with these wishes would train now."""
    marks = fingerprints(project, product_version(), augmentation=wishes.augmentation)
    former = None if wishes.force else _former(models)
    known = former.metadata.fingerprints if former else {}
    return tuple(part for part in wishes.parts if known.get(part) != marks[part])


@dataclass(frozen=True, slots=True)
class _Work:
    train_nlu: NluTrainer
    progress: Progress
    wishes: Wishes


def _train(project: Project, models: Path, findings: list[Finding], work: _Work) -> TrainingOutcome:
    """Train while no other training writes into the folder."""
    wishes = work.wishes
    start = _warm_start(wishes)
    marks = fingerprints(project, product_version(), augmentation=wishes.augmentation)
    former = _former(models)
    due = outdated(project, models, wishes)
    known = former.metadata.fingerprints if former else {}
    if former and not due and known.get(DOMAIN_PART) == marks[DOMAIN_PART]:
        if wishes.name:
            model_package.give_name(former.folder, wishes.name)
        return TrainingOutcome(former, is_new=False, warnings=tuple(findings))
    notes: list[str] = []
    with model_package.new_package(models) as folder:
        for part in (NLU, POLICIES):
            if part in due and part == NLU:
                notes += _train_nlu(project, folder / NLU, work, start)
            elif part in due:
                report = _train_policies(project, folder / POLICIES, work, start)
                notes += [*report.became, *report.notes]
                findings += [warning for warning in report.warnings if warning not in findings]
            elif former and known.get(part) == marks[part]:
                model_package.reuse(part, former.folder, folder)
            else:
                del marks[part]
                notes.append(f"the model is without {part}: they have changed, and were not to be trained")
        if wishes.keep_nlu_data:
            (folder / NLU_DATA).write_text(write_nlu(project.nlu), "utf-8")
        work.progress("write the model", 1.0)
        card = write_card(folder, project, product_version())
        package = model_package.finish(
            folder,
            project.domain,
            version=product_version(),
            fingerprints=marks,
            assistant_id=project.config.assistant_id,
            language=project.config.language,
        )
    if wishes.name:
        model_package.give_name(package.folder, wishes.name)
    told = summary(card) if NLU in due else None
    notes += [f"of held-out sentences were right: {told}"] if told else []
    notes.append(f"model card: {package.folder / CARD_FILE}")
    return TrainingOutcome(package, due, notes=tuple(notes), warnings=tuple(findings))


def _warm_start(wishes: Wishes) -> WarmStart | None:
    """Open the model that training goes on from.

    Raises:
        ModelError: There is none.
    """
    if wishes.finetune is None:
        return None
    package = model_package.open_package(model_package.latest(wishes.finetune))
    return WarmStart(package.folder, wishes.epoch_fraction)


def _train_nlu(project: Project, folder: Path, work: _Work, start: WarmStart | None) -> list[str]:
    learnt = work.train_nlu(
        project.nlu,
        project.config.pipeline,
        folder,
        language=project.config.language or DEFAULT_LANGUAGE,
        progress=work.progress,
        warm_start=start.of(NLU) if start else None,
    )
    return [*map(_became, learnt.components), *learnt.notes]


def _became(part: BecamePart) -> str:
    return f"{part.configured}: {part.became}" + (f" ({part.note})" if part.note else "")


def _former(models: Path) -> ModelPackage | None:
    """A broken model is no reason not to train, it is one to train everything."""
    try:
        return model_package.open_package(model_package.latest(models))
    except ModelError:
        return None


def _train_policies(
    project: Project, folder: Path, work: _Work, start: WarmStart | None
) -> policy_training.PolicyReport:
    configs: Sequence[PolicyConfig] = project.config.policies
    augmentation = work.wishes.augmentation
    domain = with_own_slots(project.domain)
    trackers = generate_trackers(project.steps, domain, augmentation_factor=augmentation)
    return policy_training.train(
        configs,
        trackers,
        domain,
        folder,
        progress=work.progress,
        warm_start=start.of(POLICIES) if start else None,
    )
