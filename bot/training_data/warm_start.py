"""An earlier model that a training goes on from, instead of beginning anew (`train --finetune`)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path


@dataclass(frozen=True, slots=True)
class WarmStart:
    """Where the earlier weights lie, and which share of the epochs is gone through again, in (0, 1]."""

    folder: Path
    epoch_fraction: float = 1.0

    def of(self, part: str) -> WarmStart:
        """Return the same for a part of the model."""
        return replace(self, folder=self.folder / part)

    def epochs(self, configured: int) -> int:
        """Return how many epochs are left of those in `config.yml`."""
        return math.ceil(configured * self.epoch_fraction)
