"""What a pipeline asks for, after its names have become parts: plain values that a model carries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bot.dialogue.messages import JSON
from bot.errors import Location
from language.names import DEFAULT_BACKBONE

NLU_FORMAT = 4  # raise when older models cannot be read any more: they are trained again


class FineTune(StrEnum):
    """What training changes: the heads and, for few examples, upper layers; or the whole encoder."""

    HEAD = "head"
    FULL = "full"


class Augmentation(StrEnum):
    """How copies of training sentences are altered."""

    TYPOS = "typos"
    CASE = "case"
    SYNONYMS = "synonyms"
    WORD_DROP = "word_drop"


class Dimension(StrEnum):
    """The kinds of entity that need no training data."""

    EMAIL = "email"
    PHONE = "phone"
    DATE = "date"
    AMOUNT = "amount"
    NUMBER = "number"


_USUAL = (Dimension.EMAIL, Dimension.PHONE, Dimension.DATE, Dimension.AMOUNT)


@dataclass(frozen=True, slots=True)
class UnderstandingOptions:
    """Options of `BertUnderstanding`; `epochs`, `batch_size`, `learning_rate` count for `full` alone.

    `augment` names the ways in which `augment_copies` copies of each training sentence are altered.
    """

    backbone: str = DEFAULT_BACKBONE
    fine_tune: FineTune = FineTune.HEAD
    epochs: int = 5
    batch_size: int = 16
    learning_rate: float = 5e-5
    intent_classification: bool = True
    entity_recognition: bool = True
    ranking_length: int = 10
    augment: tuple[Augmentation, ...] = ()
    augment_copies: int = 1
    random_seed: int = 1


@dataclass(frozen=True, slots=True)
class LookupOptions:
    """Options of `EntityLookup`, named as in Rasa's RegexEntityExtractor."""

    case_sensitive: bool = False
    use_lookup_tables: bool = True
    use_regexes: bool = True
    use_word_boundaries: bool = True


@dataclass(frozen=True, slots=True)
class BuiltinOptions:
    """Options of `BuiltinEntities`: the entity name of each dimension, and where local numbers are from.

    Plain numbers are found only when they are asked for. `regions` are ISO 3166 codes for phone numbers
    without a country code, tried in order.
    """

    names: Mapping[Dimension, str] = field(default_factory=lambda: {kind: kind.value for kind in _USUAL})
    regions: tuple[str, ...] = ("US", "GB", "DE", "CN")


@dataclass(frozen=True, slots=True)
class FallbackOptions:
    """Options of `FallbackClassifier`; `out_of_scope` lets the distance to the training data decide too."""

    threshold: float = 0.3
    ambiguity_threshold: float = 0.1
    out_of_scope: bool = True


@dataclass(frozen=True, slots=True)
class ComponentRow:
    """What became of one line of the pipeline."""

    configured: str
    became: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class OwnLine:
    """A line of the pipeline with a Python path: its options, and which of our parts come before it."""

    path: str
    options: Mapping[str, JSON] = field(default_factory=dict)
    after_understanding: bool = True
    after_synonyms: bool = True
    after_fallback: bool = True
    location: Location | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class PipelinePlan:
    """A pipeline as parts; None or empty means that the part is not there.

    `extractors` maps a part (`learnt`, `lookup`, `builtin`, `synonyms`) to the configured name that results
    carry. `selectors` are the keys of the response selectors: a retrieval intent or `default`.
    `whole_message` lets sentiment and language reach the dialogue as entities. `own` are the project's own
    components in their order.
    """

    understanding: UnderstandingOptions = UnderstandingOptions()
    lookup: LookupOptions | None = None
    builtin: BuiltinOptions | None = None
    synonyms: bool = False
    selectors: tuple[str, ...] = ()
    fallback: FallbackOptions | None = None
    whole_message: bool = False
    extractors: Mapping[str, str] = field(default_factory=dict)
    rows: tuple[ComponentRow, ...] = ()
    own: tuple[OwnLine, ...] = ()
