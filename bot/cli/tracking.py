"""The option `--track`: a training is written down where experiments are compared."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.screen import out

if TYPE_CHECKING:
    from bot.runtime.experiments import Experiment


class Tracked(StrEnum):
    """Where experiments are written down."""

    TENSORBOARD = "tensorboard"
    MLFLOW = "mlflow"


Track = Annotated[
    Tracked | None,
    typer.Option("--track", help="Write options, scores and model card to TensorBoard (`runs/`) or MLflow."),
]


def require_tracking(track: Tracked | None) -> None:
    """See that the library is there before hours of training end without it.

    Raises:
        SettingsError: It is not installed.
    """
    if track is not None:
        from bot.runtime.experiments import require_library  # noqa: PLC0415 - loading the engine takes a second

        require_library(track.value)


def write_down(track: Tracked | None, project: Path, experiment: Callable[[], Experiment]) -> None:
    """Write an experiment down, if that was asked for, and say where.

    Raises:
        FrontdeskError: It cannot be written there.
    """
    if track is None:
        return
    from bot.runtime.experiments import to_mlflow, to_tensorboard  # noqa: PLC0415 - as above

    made = experiment()
    place = to_tensorboard(made, project) if track is Tracked.TENSORBOARD else to_mlflow(made)
    out.print(f"written down: {place}", soft_wrap=True)
