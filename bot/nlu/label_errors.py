"""Training sentences that probably carry the wrong label, by confident learning on held-out predictions.

Northcutt, Jiang and Chuang 2021, Confident Learning: Estimating Uncertainty in Dataset Labels.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.dialogue.messages import JSON
from bot.errors import Location


class Sentence(Protocol):
    """A training sentence of whatever kind."""

    @property
    def text(self) -> str: ...  # noqa: D102 (named by the class)
    @property
    def location(self) -> Location | None: ...  # noqa: D102


class HeldOut(Protocol):
    """A sentence with what a model that never saw it says of its label, in [0, 1] each."""

    @property
    def example(self) -> Sentence: ...  # noqa: D102 (named by the class)
    @property
    def expected(self) -> str: ...  # noqa: D102
    @property
    def chances(self) -> Mapping[str, float]: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Suspect:
    """A sentence whose label is doubted: the chances that the model gives its own label and a better one."""

    text: str
    label: str
    better: str
    chance: float
    better_chance: float
    location: Location | None = None

    def as_dict(self) -> dict[str, JSON]:
        """The JSON form."""
        return {
            "text": self.text,
            "label": self.label,
            "label_confidence": self.chance,
            "better_label": self.better,
            "better_label_confidence": self.better_chance,
            "place": str(self.location) if self.location else None,
        }


def suspected_label_errors(judged: Sequence[HeldOut]) -> tuple[Suspect, ...]:
    """Return the sentences that a model takes for another label's, the most certain first.

    A label counts as meant when its chance reaches what the label's own sentences reach on average, so a
    label that models are never sure of doubts nobody.
    """
    own: dict[str, list[float]] = defaultdict(list)
    for row in judged:
        own[row.expected].append(row.chances.get(row.expected, 0.0))
    usual = {label: sum(chances) / len(chances) for label, chances in own.items()}
    suspects = []
    for row in judged:
        meant = {
            label: chance for label, chance in row.chances.items() if chance >= usual.get(label, 1.0) > 0
        }
        best = max(meant, key=lambda label: meant[label], default=row.expected)
        if best != row.expected:
            chance = row.chances.get(row.expected, 0.0)
            suspects.append(
                Suspect(row.example.text, row.expected, best, chance, meant[best], row.example.location)
            )
    return tuple(sorted(suspects, key=lambda suspect: suspect.chance - suspect.better_chance))
