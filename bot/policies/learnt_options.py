"""Options of the policies that learn a network, apart from them, so that reading them loads no numpy."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.policies.policy import LEARNT_PRIORITY, UNEXPECTED_INTENT_PRIORITY

DEFAULT_EPOCHS = 100
DEFAULT_SEED = 42
NETWORK_FORMAT = 2  # raise when older networks cannot be read any more: they are trained again


@dataclass(frozen=True, slots=True)
class TEDOptions:
    """`max_history` counts states; None looks back as far as the longest story.

    `epochs` bounds the passes over the examples; training stops earlier when they are learnt, and few
    examples are passed over more often. Of two readings of a message, by intent and by text, the text has to
    exceed `e2e_confidence_threshold`. Beyond the best `ranking_length` actions (0: all) confidences become 0.
    `entity_recognition` finds entities in texts that decide, as the stories annotate them.
    """

    max_history: int | None = None
    epochs: int = DEFAULT_EPOCHS
    random_seed: int | None = None
    e2e_confidence_threshold: float = 0.5
    ranking_length: int = 0
    renormalize_confidences: bool = False
    entity_recognition: bool = True
    priority: int = LEARNT_PRIORITY


@dataclass(frozen=True, slots=True)
class UnexpectedIntentOptions:
    """`tolerance` is the share in [0, 1] of other intents' moments at which an intent may pass as well."""

    max_history: int | None = None
    epochs: int = DEFAULT_EPOCHS
    random_seed: int | None = None
    tolerance: float = 0.0
    ignore_intents_list: list[str] = field(default_factory=list)
    priority: int = UNEXPECTED_INTENT_PRIORITY
