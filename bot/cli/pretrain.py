"""`frontdesk pretrain`: the backbone goes on learning from the company's own messages."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.screen import Root, explained, load_project, out, progress_bar
from bot.cli.tracking import Track, require_tracking, write_down
from bot.errors import FrontdeskError

if TYPE_CHECKING:
    from bot.runtime.experiments import Experiment
    from bot.training_data.config_file import ComponentConfig
    from language.masked_language_model import Adaptation

COMPONENT, OPTION = "BertUnderstanding", "backbone"
FACTS_FILE, PICTURE_FILE = "pretraining.json", "pretraining.png"


@dataclass(frozen=True, slots=True)
class _Wishes:
    """What is learnt from, how, and where the result goes."""

    corpus: Path
    column: str
    epochs: int
    learning_rate: float
    folder: Path


def pretrain(  # noqa: PLR0913 - each option of the command is an argument
    corpus: Annotated[Path, typer.Option("--corpus", help="Messages: .csv, .tsv, or one a line.")],
    project: Root = Path(),
    column: Annotated[str, typer.Option(help="Column of the table that holds the messages.")] = "text",
    target: Annotated[
        Path | None, typer.Option("--out", help="Folder of the new backbone; backbones/NAME in the project.")
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, help="How often each message teaches.")] = 3,
    learning_rate: Annotated[
        float, typer.Option(min=0.0, help="Of the encoder; with 0 only new characters are learnt.")
    ] = 5e-5,
    use: Annotated[bool, typer.Option("--use", help="Write the new backbone into config.yml.")] = False,
    track: Track = None,
) -> None:
    """Adapt the backbone of config.yml to a company's own messages, by masked language modelling.

    A tenth of the messages is held out: how much they surprise the backbone is told before and after.
    """
    wishes = _Wishes(corpus, column, epochs, learning_rate, target or project / "backbones" / corpus.stem)
    with explained():
        from bot.nlu.registry import plan_pipeline  # noqa: PLC0415 - loading the engine takes a second

        require_tracking(track)
        pipeline = load_project(project).config.pipeline
        learnt = _adapted(wishes, plan_pipeline(pipeline).understanding.backbone)
        _tell(learnt, wishes.folder)
        write_down(track, project, lambda: _experiment(wishes, learnt))
        named = next((line for line in pipeline if line.name == COMPONENT), None)
        _go_on(project, named, wishes.folder, use=use)


def _adapted(wishes: _Wishes, backbone: str) -> Adaptation:
    """Read the corpus, adapt the backbone, and write what was learnt beside it."""
    from language.backbone import locate  # noqa: PLC0415 - loading what trains takes seconds
    from language.corpus import CorpusError, read_corpus  # noqa: PLC0415 - the same
    from language.encoder import EncoderError  # noqa: PLC0415 - the same
    from language.masked_language_model import AdaptationOptions, TooFewTexts, adapt  # noqa: PLC0415 - the same

    if wishes.folder.exists():
        raise FrontdeskError(f"{wishes.folder}: is there already; name another with --out, or delete it")
    try:
        texts = read_corpus(wishes.corpus, wishes.column)
        options = AdaptationOptions(epochs=wishes.epochs, learning_rate=wishes.learning_rate)
        with progress_bar() as progress:
            progress(f"{len(texts):,} messages", 0.0)
            learnt = adapt(
                locate(backbone),
                wishes.folder,
                texts,
                options,
                lambda share, loss: progress(f"Learning (loss {loss:.2f})", share),
            )
    except CorpusError as error:
        raise FrontdeskError(str(error)) from error
    except TooFewTexts as error:
        raise FrontdeskError(f"{wishes.corpus}: {error}") from error
    except EncoderError as error:
        raise FrontdeskError(str(error)) from error
    facts = {"backbone": backbone, "corpus": wishes.corpus.name, **asdict(learnt)}
    text = json.dumps(facts, ensure_ascii=False, indent=1)
    (wishes.folder / FACTS_FILE).write_text(text + "\n", encoding="utf-8")
    from bot.cli.result_files import can_draw  # noqa: PLC0415 - it loads what trains

    if can_draw():
        from bot.cli.pictures import draw_losses  # noqa: PLC0415 - matplotlib is optional

        draw_losses(wishes.folder / PICTURE_FILE, learnt)
    return learnt


def _experiment(wishes: _Wishes, learnt: Adaptation) -> Experiment:
    from bot.runtime.experiments import Experiment  # noqa: PLC0415 - the engine is loaded by now

    files = [path for path in (wishes.folder / FACTS_FILE, wishes.folder / PICTURE_FILE) if path.is_file()]
    return Experiment(
        group="pretraining",
        name=wishes.folder.name,
        options={
            "corpus": wishes.corpus.name,
            "texts": learnt.texts,
            "new_characters": len(learnt.new_characters),
            "epochs": wishes.epochs,
            "learning_rate": wishes.learning_rate,
        },
        scores={
            "held_out/loss_before": learnt.loss_before,
            "held_out/loss_after": learnt.loss_after,
            "training/seconds": learnt.seconds,
        },
        curves={"learning/loss": [(point.step, point.loss) for point in learnt.curve]},
        files=files,
    )


def _tell(learnt: Adaptation, folder: Path) -> None:
    out.print(
        f"{learnt.texts - learnt.held_out:,} messages taught, {learnt.held_out:,} were held out: their mean "
        f"loss fell from {learnt.loss_before:.3f} to {learnt.loss_after:.3f} in {learnt.seconds:.0f} s"
        if learnt.loss_after < learnt.loss_before
        else f"The held-out loss did not fall ({learnt.loss_before:.3f} to {learnt.loss_after:.3f}): these "
        "messages taught nothing that carries over",
        soft_wrap=True,
    )
    if learnt.new_characters:
        shown = "".join(learnt.new_characters[:20])
        out.print(
            f"{len(learnt.new_characters):,} characters are new to it: {shown}", markup=False, soft_wrap=True
        )
    out.print(f"written to {folder}", soft_wrap=True)


def _go_on(project: Path, named: ComponentConfig | None, folder: Path, *, use: bool) -> None:
    """Write the backbone into the configuration, or say what to write."""
    from bot.training_data.config_edit import with_option  # noqa: PLC0415 - the engine is loaded by now

    value = _as_written(folder, project)
    edited = None
    if use and named is not None and named.location is not None:
        config = Path(named.location.file)
        edited = with_option(config.read_text(encoding="utf-8"), named, OPTION, value)
        if edited is not None:
            config.write_text(edited, encoding="utf-8")
            out.print(f"{config} names it now; `frontdesk train` uses it", soft_wrap=True)
    if edited is None:
        out.print("`frontdesk train` uses it with these lines in the pipeline of config.yml:")
        out.print(f"- name: {COMPONENT}\n  {OPTION}: {value}", markup=False, soft_wrap=True)
    out.print("`frontdesk test nlu`, before and after, says whether it helps this bot.")


def _as_written(folder: Path, project: Path) -> str:
    """Return the folder as `config.yml` names it: from where that file stands, if it can be."""
    try:
        return folder.resolve().relative_to(project.resolve()).as_posix()
    except ValueError:
        return str(folder.resolve())
