"""Text to what it means: a trained model, loaded to serve. Without torch, transformers and scikit-learn."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any, Protocol, cast

from bot.dialogue.domain import Domain
from bot.dialogue.intent_payload import parse_intent_payload
from bot.dialogue.messages import Entity, Intent, ParseResult, Sentiment
from bot.errors import ModelError
from bot.nlu import dates
from bot.nlu.builtin_entities import find_builtin
from bot.nlu.entity_lookup import PatternMatch, Patterns, map_synonyms
from bot.nlu.model import ENCODER_FOLDER, NluModel
from bot.nlu.out_of_scope import with_fallback
from bot.nlu.overlaps import settle_overlaps
from bot.nlu.plan import LookupOptions
from bot.nlu.response_selector import intent_ranking, select_responses
from language.detect import detect_language
from language.encoder import EncodedText, EncoderError, OnnxEncoder, word_vectors
from language.ngrams import ngrams
from language.tokens import Span, words_by

MAX_CHARACTERS = 4_000
# Customers say hello, yes and thanks all day long; what was understood once today need not be again.
REMEMBERED_TEXTS, REMEMBERED_CHARACTERS = 2_048, 100
SHORT_CHARACTERS = 300  # what is done with so many takes a millisecond or two beside the encoder
SENTIMENT, LANGUAGE = "sentiment", "language"

Steps = Generator[Callable[[], Any], Any, ParseResult]


def _today() -> date:
    return datetime.now(UTC).astimezone().date()


def _without_surrogates(text: str) -> str:
    """Replace halves of surrogate pairs, which JSON lets through and no tokenizer accepts; length stays."""
    return text.encode("utf-8", "replace").decode("utf-8")


@dataclass(frozen=True, slots=True)
class Chances:
    """What the heads say before anything is decided: calibrated chances of intent labels, of sentiments."""

    intents: Mapping[str, float]
    sentiments: Mapping[str, float]


class OwnParts(Protocol):
    """Components of the project's own, around our understanding of a text."""

    def parse(self, text: str, understand: Callable[[str], ParseResult]) -> ParseResult:
        """Understand a text with both."""
        ...


def _own_parts(model: NluModel, folder: Path) -> OwnParts | None:
    if not model.plan.own:
        return None
    # What such components are given costs a tenth of a second to import, and most projects have none.
    from bot.nlu.own_components import OwnComponents  # noqa: PLC0415

    return OwnComponents(model, folder)


class Interpreter:
    """A loaded model; `parse` may be called from several threads at once."""

    def __init__(
        self,
        model: NluModel,
        encoder: OnnxEncoder,
        domain: Domain,
        *,
        today: Callable[[], date] = _today,
        own: OwnParts | None = None,
    ) -> None:
        self.model = model
        self.domain = domain
        self._encoder = encoder
        self._today = today
        self._own = own
        options = model.plan.lookup or LookupOptions()
        self._patterns = Patterns(model.regexes, model.lookups, options)
        self._entity_names = {*model.annotated, *domain.entities}
        self._remembered: OrderedDict[tuple[str, date], ParseResult] = OrderedDict()
        if model.plan.builtin:
            dates.warm_up()
        self._read("hello")  # the first run of the encoder and of the tokenizer costs more than the others

    @classmethod
    def load(cls, folder: Path, domain: Domain) -> Interpreter:
        """Load what `bot.nlu.train.train` wrote to `folder`.

        Raises:
            ModelError: A file is missing, broken, or of another format.
            FrontdeskError: A component of the project's own cannot be imported or loaded.
        """
        try:
            encoder = OnnxEncoder(folder / ENCODER_FOLDER)
        except EncoderError as error:
            raise ModelError(f"{error}; train again") from error
        model = NluModel.load(folder)
        own = _own_parts(model, folder)
        try:
            return cls(model, encoder, domain, own=own)
        except (ValueError, IndexError, KeyError, TypeError) as error:
            raise ModelError(f"{folder}: its parts do not fit together ({error}); train again") from error

    def parse(self, text: str) -> ParseResult:
        """Understand one message.

        `/intent{"entity": "value"}` is read as written. Of longer texts only the first 4,000 characters are
        looked at (and of those the encoder sees 256 word pieces); the result holds the whole text. A text
        without any visible character has no intent and confidence 0.
        """
        payload = parse_intent_payload(text, self.domain)
        if payload:
            return payload
        return self._own.parse(text, self._read) if self._own else self._read(text)

    def steps(self, text: str) -> Steps:
        """Understand one message as `parse` does; what takes longer than changing threads is yielded.

        Whoever takes the steps does that work in another thread and sends its result back.
        """
        payload = parse_intent_payload(text, self.domain)
        if payload or self._is_quick(text):
            return payload or (yield from self._steps(text))
        understood: ParseResult = yield partial(self.parse, text)
        return understood

    def _is_quick(self, text: str) -> bool:
        """Tell whether all but the encoder is done sooner than threads are changed."""
        if self._own:
            return False
        is_known = (text, self._today()) in self._remembered
        return is_known or (not self.model.plan.builtin and len(text) <= SHORT_CHARACTERS)

    def _read(self, text: str) -> ParseResult:
        steps = self._steps(text)
        try:
            work = next(steps)
            while True:
                work = steps.send(work())
        except StopIteration as understood:
            return cast(ParseResult, understood.value)

    def _steps(self, text: str) -> Steps:
        seen = _without_surrogates(text[:MAX_CHARACTERS])
        if not seen.strip() or not any(
            character.isprintable() and not character.isspace() for character in seen
        ):
            return ParseResult(text=text)
        today = self._today()
        known = self._remembered.get((seen, today))
        if known is None:
            pieces = self._encoder.pieces(seen)
            vectors = yield partial(self._encoder.run, pieces.ids)
            known = self._understand(seen, pieces.encoded(vectors), today)
            self._remember(seen, today, known)
        return replace(known, text=text)

    def _remember(self, seen: str, today: date, understood: ParseResult) -> None:
        if len(seen) <= REMEMBERED_CHARACTERS:
            self._remembered[seen, today] = understood
            if len(self._remembered) > REMEMBERED_TEXTS:
                self._remembered.popitem(last=False)

    def encode(self, text: str) -> tuple[Mapping[str, int], EncodedText]:
        """Return the n-grams and the vectors of what is looked at of a text: what heads see."""
        seen = _without_surrogates(text[:MAX_CHARACTERS])
        return ngrams(seen), self._encoder.encode(seen)

    def chances(self, text: str) -> Chances:
        """Return the chance of every label of the heads, those of a text without words included."""
        grams, encoded = self.encode(text)
        by_label, _ = self._intents(grams, encoded, None)
        head = self.model.sentiment
        if not head:
            return Chances(by_label, {})
        moods = head.sentence.head.probabilities(head.sentence.space.features(grams, encoded)).tolist()
        return Chances(by_label, dict(zip(head.sentence.head.labels, moods, strict=True)))

    def _understand(self, seen: str, encoded: EncodedText, today: date) -> ParseResult:
        words, grams = words_by(self.model.words, seen), ngrams(seen)
        language = detect_language(seen)
        chances, ranking = self._intents(grams, encoded, language)
        sentiment = self._sentiment(grams, encoded)
        found = self._entities(seen, words, encoded, today)
        return ParseResult(
            text=seen,
            intent=ranking[0] if ranking else Intent(None),
            entities=(*found, *self._about_the_message(sentiment, language)),
            intent_ranking=ranking,
            response_selector=select_responses(chances, self.model.plan.selectors, self.model.responses),
            text_tokens=tuple(words),
            sentiment=sentiment,
            language=language,
        )

    def _intents(
        self, grams: Mapping[str, int], encoded: EncodedText, language: str | None
    ) -> tuple[Mapping[str, float], tuple[Intent, ...]]:
        """Return the chance of every label and the ranking of intents, the fallback in front if it is due."""
        model = self.model
        if not model.intent:
            return {}, ()
        head, features = model.intent.head, model.intent.space.features(grams, encoded)
        labels, scores = head.labels, head.scores(features)
        chances = head.calibrated(scores).tolist()
        # Emoji or signs that neither the backbone nor the examples have ever seen.
        is_unknown = not encoded.known and not features.ngrams.columns
        if is_unknown:
            chances = [1 / len(labels)] * len(labels)
        by_label = dict(zip(labels, chances, strict=True))
        best = intent_ranking(by_label)[: model.plan.understanding.ranking_length]
        ranking = tuple(Intent(name, chance) for name, chance in best)
        options = model.plan.fallback
        if not options:
            return by_label, ranking
        in_scope = not is_unknown
        if in_scope and options.out_of_scope and model.scope and model.landmarks:
            signals = model.landmarks.signals(head, features, scores)
            in_scope = model.scope.contains(signals, language)
        return by_label, with_fallback(ranking, options, in_scope=in_scope)

    def _sentiment(self, grams: Mapping[str, int], encoded: EncodedText) -> Sentiment | None:
        head = self.model.sentiment
        if not head:
            return None
        return head.sentiment(head.sentence.space.features(grams, encoded))

    def _entities(self, text: str, words: Sequence[Span], encoded: EncodedText, today: date) -> list[Entity]:
        """Return the entities of the text, the most exact extractor first where several found something."""
        plan, names = self.model.plan, self.model.plan.extractors
        matches = self._patterns.find(text)
        looked_up = self._looked_up(text, matches) if plan.lookup else []
        builtin = find_builtin(text, plan.builtin, names.get("builtin", ""), today) if plan.builtin else []
        learnt = []
        if self.model.tagger:
            learnt = self.model.tagger.entities(
                text, words, word_vectors(encoded, words), matches, extractor=names.get("learnt", "")
            )
        found = settle_overlaps([looked_up, builtin, learnt])
        processor = names.get("synonyms", "EntitySynonymMapper")
        return map_synonyms(found, self.model.synonyms, processor) if plan.synonyms else found

    def _looked_up(self, text: str, matches: Sequence[PatternMatch]) -> list[Entity]:
        extractor = self.model.plan.extractors.get("lookup", "")
        return [
            Entity(row.name, text[row.start : row.end], row.start, row.end, extractor=extractor)
            for row in matches
            if row.name in self._entity_names
        ]

    def _about_the_message(self, sentiment: Sentiment | None, language: str | None) -> list[Entity]:
        """Return sentiment and language as entities: those that the domain knows and no example teaches."""
        if not self.model.plan.whole_message:
            return []
        extractor = self.model.plan.extractors.get("learnt", "")
        known = {name for name in (SENTIMENT, LANGUAGE) if name in self.domain.entities}
        found = []
        if sentiment and SENTIMENT in known - set(self.model.annotated):
            found.append(
                Entity(
                    SENTIMENT, sentiment.value, confidence_entity=sentiment.confidence, extractor=extractor
                )
            )
        if language and LANGUAGE in known - set(self.model.annotated):
            found.append(Entity(LANGUAGE, language, extractor=extractor))
        return found
