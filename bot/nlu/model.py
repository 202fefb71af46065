"""A trained understanding as values, and its files: safetensors, ONNX and JSON, nothing executable.

Axes: N training sentences, H hidden size of the encoder, V n-grams, M marks of words, L labels.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from bot.dialogue.messages import JSON, Sentiment
from bot.errors import ModelError
from bot.nlu.features import BlockWeights, Features, FeatureSpace
from bot.nlu.linear import LinearHead
from bot.nlu.out_of_scope import Landmarks, Neighbours, Scope, Signals, Spread
from bot.nlu.plan import (
    NLU_FORMAT,
    Augmentation,
    BuiltinOptions,
    ComponentRow,
    Dimension,
    FallbackOptions,
    FineTune,
    LookupOptions,
    OwnLine,
    PipelinePlan,
    UnderstandingOptions,
)
from bot.nlu.tagger import NEIGHBOURS, MarkVocabulary, Tagger
from bot.nlu.tags import Tag
from language.ngrams import NgramVocabulary
from language.word_rules import WordRules

ENCODER_FOLDER, TENSORS_FILE, VALUES_FILE = "encoder", "nlu.safetensors", "nlu.json"
_TAGGER = ("dense", "marks", "bias", "moves")
_Tensors = dict[str, npt.NDArray[Any]]
NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True)
class SentenceHead:
    """A head over whole sentences with the feature space that it was fitted in."""

    space: FeatureSpace
    head: LinearHead


@dataclass(frozen=True, slots=True)
class SentimentHead:
    """Sentiment of a sentence; below `threshold` of its best value it abstains."""

    sentence: SentenceHead
    threshold: float

    def sentiment(self, features: Features) -> Sentiment:
        """Return the best value, or an abstention: neutral with its own confidence, never above 0.5."""
        chances = self.sentence.head.probabilities(features)
        values = dict(zip(self.sentence.head.labels, chances.tolist(), strict=True))
        best = max(values, key=lambda value: values[value])
        if values[best] < self.threshold:
            return Sentiment(NEUTRAL, min(values.get(NEUTRAL, 0.0), 0.5))
        return Sentiment(best, values[best])


@dataclass(frozen=True, slots=True)
class NluModel:
    """Everything that serving needs beside the encoder; a part that was not trained is None or empty.

    `words` are the rules that cut a text into words. `annotated` are the entity names of the training data,
    `synonyms` has lower-case keys.
    """

    plan: PipelinePlan
    language: str
    words: WordRules = field(default_factory=WordRules)
    intent: SentenceHead | None = None
    landmarks: Landmarks | None = None
    scope: Scope | None = None
    sentiment: SentimentHead | None = None
    tagger: Tagger | None = None
    annotated: tuple[str, ...] = ()
    regexes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lookups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    synonyms: Mapping[str, str] = field(default_factory=dict)
    responses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def save(self, folder: Path) -> None:
        """Write the tensors and the values; the encoder's folder is put beside them by training."""
        tensors: _Tensors = {}
        values: dict[str, JSON] = {
            "format": NLU_FORMAT,
            "language": self.language,
            "words": self.words.as_dict(),
            "plan": asdict(self.plan),
        }
        if self.intent:
            values["intent"] = _put_sentence(tensors, "intent", self.intent)
        if self.sentiment:
            values["sentiment"] = _put_sentence(tensors, "sentiment", self.sentiment.sentence)
            values["sentiment"]["threshold"] = self.sentiment.threshold
        if self.landmarks:
            for part in fields(Landmarks):
                tensors.update(_arrays(part.name, getattr(self.landmarks, part.name)))
        if self.scope:
            values["scope"] = asdict(self.scope)
        if self.tagger:
            values["tagger"] = _put_tagger(tensors, self.tagger)
        for name in ("annotated", "regexes", "lookups", "synonyms", "responses"):
            values[name] = getattr(self, name)
        save_file(
            {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}, folder / TENSORS_FILE
        )
        text = json.dumps(values, ensure_ascii=False, default=dict)
        (folder / VALUES_FILE).write_text(text, encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> NluModel:
        """Read what `save` wrote.

        Raises:
            ModelError: A file is missing, broken, or of another format.
        """
        try:
            values = json.loads((folder / VALUES_FILE).read_text(encoding="utf-8"))
            tensors = load_file(folder / TENSORS_FILE)
            if values["format"] != NLU_FORMAT:
                raise ModelError(
                    f"{folder}: NLU format {values['format']} found, {NLU_FORMAT} expected; train again"
                )
            return _model(values, tensors)
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            raise ModelError(f"{folder}: the NLU model cannot be read ({error!r}); train again") from error


def _arrays(name: str, part: Neighbours | Spread) -> _Tensors:
    return {f"{name}.{row.name}": getattr(part, row.name) for row in fields(part)}


def _landmarks(tensors: _Tensors) -> Landmarks:
    neighbours = {row.name: tensors[f"neighbours.{row.name}"] for row in fields(Neighbours)}
    spread = {row.name: tensors[f"spread.{row.name}"] for row in fields(Spread)}
    return Landmarks(Neighbours(**neighbours), Spread(**spread))


def _put_sentence(tensors: _Tensors, name: str, sentence: SentenceHead) -> dict[str, JSON]:
    space, head = sentence.space, sentence.head
    tensors[f"{name}.mean"] = space.mean
    tensors[f"{name}.idf"] = np.array(space.vocabulary.weights, np.float64)
    tensors[f"{name}.dense"], tensors[f"{name}.ngrams"], tensors[f"{name}.bias"] = (
        head.dense,
        head.ngrams,
        head.bias,
    )
    return {
        "labels": head.labels,
        "temperature": head.temperature,
        "weights": asdict(space.weights),
        "ngrams": list(space.vocabulary.columns),
    }


def _put_tagger(tensors: _Tensors, tagger: Tagger) -> dict[str, JSON]:
    tensors.update({f"tagger.{name}": getattr(tagger, name) for name in _TAGGER})
    return {"tags": [asdict(tag) for tag in tagger.tags], "marks": list(tagger.vocabulary.columns)}


def _model(values: Mapping[str, JSON], tensors: _Tensors) -> NluModel:
    sentiment = values.get("sentiment")
    return NluModel(
        plan=_plan(values["plan"]),
        language=values["language"],
        words=WordRules.from_dict(values["words"]),
        intent=_sentence(values["intent"], tensors, "intent") if "intent" in values else None,
        landmarks=_landmarks(tensors) if "neighbours.dense" in tensors else None,
        scope=_scope(values["scope"]) if "scope" in values else None,
        sentiment=SentimentHead(_sentence(sentiment, tensors, "sentiment"), sentiment["threshold"])
        if sentiment
        else None,
        tagger=_tagger(values["tagger"], tensors) if "tagger" in values else None,
        annotated=tuple(values["annotated"]),
        regexes={name: tuple(rows) for name, rows in values["regexes"].items()},
        lookups={name: tuple(rows) for name, rows in values["lookups"].items()},
        synonyms=values["synonyms"],
        responses={name: tuple(rows) for name, rows in values["responses"].items()},
    )


def _scope(values: JSON) -> Scope:
    means, deviations = Signals(**values["means"]), Signals(**values["deviations"])
    return Scope(means, deviations, values["threshold"], values["thresholds"])


def _sentence(values: JSON, tensors: _Tensors, name: str) -> SentenceHead:
    columns = {gram: column for column, gram in enumerate(values["ngrams"])}
    space = FeatureSpace(
        vocabulary=NgramVocabulary(columns, tuple(tensors[f"{name}.idf"].tolist())),
        mean=tensors[f"{name}.mean"],
        weights=BlockWeights(**values["weights"]),
    )
    head = LinearHead(
        labels=tuple(values["labels"]),
        dense=tensors[f"{name}.dense"],
        ngrams=tensors[f"{name}.ngrams"],
        bias=tensors[f"{name}.bias"],
        temperature=values["temperature"],
    )
    return SentenceHead(space, head)


def _tagger(values: JSON, tensors: _Tensors) -> Tagger:
    tagger = Tagger(
        tags=tuple(Tag(**tag) for tag in values["tags"]),
        vocabulary=MarkVocabulary({mark: column for column, mark in enumerate(values["marks"])}),
        **{name: tensors[f"tagger.{name}"] for name in _TAGGER},
    )
    labels, marks = len(tagger.tags), len(values["marks"])
    shapes = (tagger.dense.shape[::2], tagger.marks.shape, tagger.bias.shape, tagger.moves.shape)
    if shapes != ((len(NEIGHBOURS), labels), (marks, labels), (labels,), (labels, labels)):
        raise ValueError(f"{labels} tags and {marks} marks found, tensors of {shapes}")
    return tagger


def _plan(values: JSON) -> PipelinePlan:
    understanding = {**values["understanding"], "fine_tune": FineTune(values["understanding"]["fine_tune"])}
    understanding["augment"] = tuple(map(Augmentation, understanding["augment"]))
    builtin = values["builtin"]
    names = {Dimension(kind): name for kind, name in builtin["names"].items()} if builtin else {}
    return PipelinePlan(
        understanding=UnderstandingOptions(**understanding),
        lookup=LookupOptions(**values["lookup"]) if values["lookup"] else None,
        builtin=BuiltinOptions(names, tuple(builtin["regions"])) if builtin else None,
        synonyms=values["synonyms"],
        selectors=tuple(values["selectors"]),
        fallback=FallbackOptions(**values["fallback"]) if values["fallback"] else None,
        whole_message=values["whole_message"],
        extractors=values["extractors"],
        rows=tuple(ComponentRow(**row) for row in values["rows"]),
        own=tuple(OwnLine(**{**row, "location": None}) for row in values.get("own", ())),
    )
