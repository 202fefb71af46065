"""Entities in messages without an intent, as end-to-end stories annotate them; serves with numpy.

One label a word, from the word, its neighbours and its shape: softmax regression. Axes: N words, F marks,
L labels, of which the first is "no entity".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from bot.dialogue.events import UserUttered
from bot.dialogue.messages import Entity
from bot.errors import ModelError
from bot.policies.state_files import read_json, write_json
from bot.policies.ted_features import FloatArray
from bot.training_data.story_graph import TrainingTracker
from language.tokens import Span, word_spans

_FACTS, _WEIGHTS = "entities.json", "entities.safetensors"
_STRENGTH = 0.02  # of the pull of all weights towards zero
_MOST_STEPS = 200
_AFFIX = 3
_Label = tuple[str, str | None, str | None]


@dataclass(frozen=True)
class TextEntities:
    """Finds the entities that stories annotate in texts; `labels` are entity, role and group."""

    marks: Mapping[str, int]
    labels: tuple[_Label, ...]
    weights: FloatArray  # (F, 1 + L)

    def find(self, text: str, extractor: str) -> list[Entity]:
        """Return the entities of a text: words in a row with one label are one entity."""
        words = word_spans(text)
        found: list[tuple[int, int, int, float]] = []  # start, end, label, confidence
        for number, (start, end) in enumerate(words):
            chances = self._chances(_marks(text, words, number))
            label = int(chances.argmax())
            if not label:
                continue
            sure = float(chances[label])
            before = found[-1] if found else None
            if before and before[2] == label and number and words[number - 1][1] == before[1]:
                found[-1] = (before[0], end, label, min(before[3], sure))
            else:
                found.append((start, end, label, sure))
        return [self._entity(text, *row, extractor) for row in found]

    def save(self, folder: Path) -> None:
        """Write marks, labels and weights."""
        write_json(folder / _FACTS, {"marks": list(self.marks), "labels": self.labels})
        save_file({"weights": self.weights}, folder / _WEIGHTS)

    @classmethod
    def load(cls, folder: Path) -> TextEntities | None:
        """Read them back; None where stories annotate nothing.

        Raises:
            ModelError: A file is missing or broken.
        """
        if not (folder / _FACTS).exists():
            return None
        facts = read_json(folder / _FACTS)
        try:
            weights = load_file(folder / _WEIGHTS)["weights"]
            labels = tuple((str(name), role, group) for name, role, group in facts["labels"])
            return cls({mark: place for place, mark in enumerate(facts["marks"])}, labels, weights)
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
            raise ModelError(f"{folder / _FACTS}: broken ({error!r}); train the model again") from error

    def _chances(self, marks: Sequence[str]) -> FloatArray:
        rows = [self.marks[mark] for mark in marks if mark in self.marks]
        grown = np.exp(_centred(self.weights[rows].sum(axis=0)))
        chances: FloatArray = grown / grown.sum()
        return chances

    def _entity(self, text: str, start: int, end: int, label: int, sure: float, extractor: str) -> Entity:
        name, role, group = self.labels[label - 1]
        return Entity(name, text[start:end], start, end, role, group, sure, extractor)


def learn(trackers: Sequence[TrainingTracker]) -> TextEntities | None:
    """Learn from the texts of stories that name no intent; None where no entity stands in them."""
    examples = _examples(trackers)
    labels = tuple(sorted({_label(entity) for _, entities in examples for entity in entities}, key=str))
    if not labels:
        return None
    rows, targets = [], []
    for text, entities in examples:
        words = word_spans(text)
        for number, span in enumerate(words):
            rows.append(_marks(text, words, number))
            own = next((entity for entity in entities if _covers(entity, span)), None)
            targets.append(labels.index(_label(own)) + 1 if own else 0)
    marks = {mark: place for place, mark in enumerate(dict.fromkeys(mark for row in rows for mark in row))}
    return TextEntities(marks, labels, _fitted(rows, targets, marks, 1 + len(labels)))


def _examples(trackers: Sequence[TrainingTracker]) -> list[tuple[str, tuple[Entity, ...]]]:
    """Return each text without an intent once."""
    found = {
        (event.text, event.entities): None
        for tracker in trackers
        if not tracker.is_augmented
        for event in tracker.events
        if isinstance(event, UserUttered) and event.text and not event.intent_name
    }
    return list(found)


def _label(entity: Entity) -> _Label:
    return entity.entity, entity.role, entity.group


def _covers(entity: Entity, span: Span) -> bool:
    placed = entity.start is not None and entity.end is not None
    return placed and entity.start < span[1] and entity.end > span[0]  # type: ignore[operator]


def _marks(text: str, words: Sequence[Span], number: int) -> list[str]:
    """Name what is there to see of a word; `^` and `$` stand before the first one and after the last."""
    around = [_word(text, words, place) for place in range(number - 2, number + 3)]
    word = around[2]
    start, end = words[number]
    return ["any", *_named(word, around), f"shape {_shape(text[start:end])}"]


def _named(word: str, around: Sequence[str]) -> Iterator[str]:
    yield f"word {word}"
    yield f"begins {word[:_AFFIX]}"
    yield f"ends {word[-_AFFIX:]}"
    yield from (f"{place} {other}" for place, other in zip((-2, -1, 0, 1, 2), around, strict=True) if place)
    yield f"between {around[1]} {around[3]}"


def _word(text: str, words: Sequence[Span], place: int) -> str:
    if place < 0:
        return "^"
    if place >= len(words):
        return "$"
    start, end = words[place]
    return text[start:end].lower()


def _shape(word: str) -> str:
    """Return `Xx` for `Oslo`, `X9` for `LC104233`."""
    shape = re.sub(r"[^\W\d_]", lambda letter: "X" if letter.group().isupper() else "x", word)
    return re.sub(r"(.)\1+", r"\1", re.sub(r"\d", "9", shape))


def _fitted(
    rows: Sequence[Sequence[str]], targets: Sequence[int], marks: Mapping[str, int], labels: int
) -> FloatArray:
    """Fit the weights (F, L) by quasi-Newton steps."""
    # Only training needs these, and they take a fifth of a second.
    from scipy.optimize import minimize  # noqa: PLC0415
    from scipy.sparse import csr_matrix  # noqa: PLC0415

    columns = [marks[mark] for row in rows for mark in row]
    ends = np.cumsum([0, *map(len, rows)])
    seen = csr_matrix((np.ones(len(columns)), columns, ends), (len(rows), len(marks)))  # (N, F)
    told = np.eye(labels)[np.asarray(targets)]  # (N, L)

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights = flat.reshape(len(marks), labels)
        scores = _centred(seen @ weights)
        chances = np.exp(scores)
        chances /= chances.sum(axis=1, keepdims=True)
        surprise = -np.log(np.maximum((chances * told).sum(axis=1), 1e-12)).sum()
        gradient = seen.T @ (chances - told) + _STRENGTH * weights
        return float(surprise + 0.5 * _STRENGTH * (weights**2).sum()), gradient.ravel()

    start = np.zeros(len(marks) * labels)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _MOST_STEPS})
    weights: FloatArray = found.x.reshape(len(marks), labels).astype(np.float32)
    return weights


def _centred(scores: FloatArray) -> FloatArray:
    centred: FloatArray = scores - scores.max(axis=-1, keepdims=True)
    return centred
