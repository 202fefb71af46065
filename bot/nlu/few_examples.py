"""What is done for intents with few examples: their names teach too, and the encoder is tuned in part."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.nlu.plan import FineTune, UnderstandingOptions
from bot.training_data.nlu_examples import NluExample

_FEW_SHOTS = 20  # examples of an intent, on average
_FEWEST = 200  # of fewer sentences the tenth that tuning keeps back is too small to calibrate on
_EPOCHS, _FEWEST_EPOCHS = 5, 3
_PIECES = 90_000  # word pieces gone through in all: about a minute
_NOT_WORDS = re.compile(r"[\W_]+")
_CAMEL_CASE = re.compile(r"(?<=[a-z])(?=[A-Z])")


def has_few(examples: Sequence[NluExample]) -> bool:
    """Tell whether the intents have few examples each."""
    return len(examples) <= _FEW_SHOTS * len({row.intent for row in examples})


def may_tune(examples: Sequence[NluExample], options: UnderstandingOptions) -> bool:
    """Tell whether `head` tunes the upper layers on these examples, if that is quick enough."""
    is_asked = options.fine_tune is FineTune.HEAD and options.intent_classification
    has_several = len({row.intent for row in examples}) > 1
    return is_asked and has_several and len(examples) >= _FEWEST and has_few(examples)


def tuning_epochs(pieces: int) -> int:
    """Return how often tuning goes through so many word pieces; 0 where three times would take too long."""
    epochs = min(_EPOCHS, _PIECES // max(1, pieces))
    return epochs if epochs >= _FEWEST_EPOCHS else 0


def intent_names(examples: Sequence[NluExample]) -> list[NluExample]:
    """Return the name of each intent as one more sentence of it: `track_parcel` says "track parcel".

    With 5 examples of each intent this is worth 2 to 4 points of accuracy, with 10 about one, with 50 none.
    """
    words = {label: _NOT_WORDS.sub(" ", label.rpartition("/")[2]) for label in {e.intent for e in examples}}
    spaced = {label: _CAMEL_CASE.sub(" ", text).strip().lower() for label, text in words.items()}
    return [NluExample(spaced[label], label) for label in sorted(spaced) if spaced[label]]
