"""`frontdesk rasa-component`: our understanding as one file, for the pipeline of a Rasa assistant."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot.cli.screen import explained, out
from bot.errors import FrontdeskError


def rasa_component(
    target: Annotated[Path, typer.Option("--out", help="Where the file goes.")] = Path("frontdesk_nlu.py"),
) -> None:
    """Write a component for Rasa 3.6 that understands with a model trained here."""
    from bot.rasa_component.bundle import bundle  # noqa: PLC0415 - only here
    from bot.runtime.train import product_version  # noqa: PLC0415 - loading the engine takes a second

    with explained():
        try:
            target.write_text(bundle(product_version()), encoding="utf-8")
        except OSError as error:
            raise FrontdeskError(f"{target}: cannot be written ({error.strerror})") from error
    out.print(f"written: {target}", soft_wrap=True)
    out.print("Put it beside Rasa's config.yml, `pip install onnxruntime tokenizers` there, and write:")
    out.print("pipeline:\n- name: frontdesk_nlu.FrontdeskNLU\n  model: PATH/TO/models", markup=False)
