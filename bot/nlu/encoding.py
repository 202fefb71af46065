"""The encoder of a training, put into the model's folder, and the vectors of its sentences. Training only."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from bot.errors import FrontdeskError
from bot.nlu.model import ENCODER_FOLDER
from bot.nlu.plan import FineTune, UnderstandingOptions
from bot.training_data.nlu_examples import NluData
from language.backbone import default_cache, exported
from language.encoder import EncodedText, EncoderError, OnnxEncoder
from language.vector_cache import VectorCache

Progress = Callable[[str, float], None]


def encoder_folder(
    data: NluData, options: UnderstandingOptions, folder: Path, cache: Path | None, tell: Progress
) -> Path:
    """Put the encoder of these options into the model folder and return its place."""
    cache, target = cache or default_cache(), folder / ENCODER_FOLDER
    backbone, done = options.backbone, 0.0
    try:
        if options.fine_tune is FineTune.FULL:
            # Imported by name and only here: torch costs seconds, and the default needs none of it.
            fine_tune = import_module("bot.nlu.fine_tune")
            made: Path = fine_tune.fine_tuned(
                data, options, cache, lambda part: tell("Fine-tuning the encoder", 0.4 * part)
            )
            backbone, done = str(made), 0.4
        rest = 0.5 - done
        source = exported(
            backbone, cache, progress=lambda part: tell("Exporting the encoder", done + rest * part)
        )
    except EncoderError as error:
        raise FrontdeskError(str(error)) from error
    if target.exists():
        shutil.rmtree(target)
    shutil.copytree(source, target)
    return target


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
