"""The encoder of a training, put into the model's folder, and the vectors of its sentences. Training only."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from bot.errors import FrontdeskError
from bot.nlu.few_examples import may_tune, tuning_epochs
from bot.nlu.model import ENCODER_FOLDER
from bot.nlu.plan import FineTune, UnderstandingOptions
from bot.training_data.nlu_examples import NluData, NluExample
from language.backbone import exported, locate
from language.encoder import EncodedText, EncoderError, OnnxEncoder
from language.vector_cache import VectorCache

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class TrainingEncoder:
    """The encoder's folder in the model, and what it was tuned on: all but what calibration keeps back.

    `untuned` is the folder of the encoder before its upper layers were tuned, if they were.
    """

    folder: Path
    knows_examples: bool = False
    knows_moods: bool = False
    untuned: Path | None = None


def training_encoder(
    data: NluData,
    names: Sequence[NluExample],
    options: UnderstandingOptions,
    folder: Path,
    cache: Path,
    tell: Progress,
) -> TrainingEncoder:
    """Put the encoder of these options into the model folder, tuned if it is to be."""
    target = folder / ENCODER_FOLDER
    is_full = options.fine_tune is FineTune.FULL
    try:
        backbone = options.backbone
        if is_full:
            # Imported by name and only here: torch costs seconds, and many trainings need none of it.
            fine_tune = import_module("bot.nlu.fine_tune")
            made: Path = fine_tune.fine_tuned(
                data, options, cache, lambda part: tell("Fine-tuning the encoder", 0.5 * part)
            )
            backbone = str(made)
        start, end = (0.5, 0.6) if is_full else (0.0, 0.2)
        source = exported(
            backbone, cache, progress=lambda part: tell("Exporting the encoder", start + (end - start) * part)
        )
        if target.exists():
            shutil.rmtree(target)
        if may_tune(data.examples, options) and _tuned(source, data, names, options, target, tell):
            return TrainingEncoder(target, knows_examples=True, untuned=source)
    except EncoderError as error:
        raise FrontdeskError(str(error)) from error
    shutil.copytree(source, target)
    return TrainingEncoder(target, is_full, is_full)


def _tuned(
    source: Path,
    data: NluData,
    names: Sequence[NluExample],
    options: UnderstandingOptions,
    target: Path,
    tell: Progress,
) -> bool:
    """Tune the upper layers if it is quick enough and the backbone lets it; tell whether that was done."""
    encoder = OnnxEncoder(source)
    epochs = tuning_epochs(sum(len(encoder.piece_ids(row.text)) for row in (*data.examples, *names)))
    if not epochs:
        return False
    # Imported by name and only here: torch costs seconds, and many trainings need none of it.
    upper_layers = import_module("bot.nlu.upper_layers")
    tuned: bool = upper_layers.tune_upper_layers(
        upper_layers.Source(options.backbone, locate(options.backbone), source),
        upper_layers.Lesson(data.examples, names, epochs, options.random_seed),
        target,
        lambda part: tell("Tuning the upper layers", 0.2 + 0.4 * part),
    )
    return tuned


def encoded(
    encoder: OnnxEncoder,
    parts: tuple[Sequence[str], Sequence[str], Sequence[str]],
    *,
    pieces: bool,
    cache: Path | None,
    tell: Callable[[float], None],
) -> tuple[list[EncodedText], list[EncodedText], list[EncodedText]]:
    """Encode the examples (with the vectors of their pieces if they are needed), intent names and moods."""
    with tempfile.TemporaryDirectory() as scratch:
        vectors = VectorCache(cache or Path(scratch))
        examples, names, moods = parts
        split = len(examples) / max(1, len(examples) + len(moods))
        first = vectors.encode(encoder, examples, pieces=pieces, progress=lambda part: tell(split * part))
        rest = vectors.encode(
            encoder,
            [*names, *moods],
            pieces=False,
            progress=lambda part: tell(split + (1 - split) * part),
        )
        return first, rest[: len(names)], rest[len(names) :]
