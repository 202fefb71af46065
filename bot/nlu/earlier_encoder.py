"""The fine-tuned encoder of an earlier model, for a training that goes on from it (`train --finetune`)."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from bot.nlu.plan import FineTune, UnderstandingOptions
from bot.training_data.warm_start import WarmStart
from language.encoder import ABOUT_FILE

_HEADS = "intent and entity heads are fitted anew: where they end does not depend on where they begin"


def going_on(
    options: UnderstandingOptions, start: WarmStart | None, encoder_folder: str
) -> tuple[UnderstandingOptions, tuple[str, ...]]:
    """Return the options with which the encoder is tuned further, and a remark for the bot developer.

    Only `fine_tune: full` has an encoder of its own to go on from; it lies in the cache of this machine.
    """
    if start is None:
        return options, ()
    if options.fine_tune is not FineTune.FULL:
        return options, (_HEADS,)
    tuned = _tuned(start.folder / encoder_folder)
    if tuned is None:
        return options, (
            f"the earlier encoder is no longer in the cache, '{options.backbone}' is tuned; {_HEADS}",
        )
    further = replace(options, backbone=str(tuned), epochs=start.epochs(options.epochs))
    return further, (f"the encoder goes on from the earlier one for {further.epochs} epochs; {_HEADS}",)


def _tuned(encoder: Path) -> Path | None:
    """Return the folder of weights that an exported encoder was made from; None if it is gone."""
    try:
        backbone = Path(json.loads((encoder / ABOUT_FILE).read_text("utf-8"))["backbone"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return backbone if backbone.is_dir() else None
