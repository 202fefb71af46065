"""NLU files in, `NluData` out: intents, synonyms, regexes, lookup tables, retrieval responses, sentiment."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from bot.dialogue.messages import JSON, Entity
from bot.errors import Location, nearest
from bot.training_data import entity_markup
from bot.training_data.domain_responses import names_are_text, response_texts
from bot.training_data.findings import Findings
from bot.training_data.nlu_examples import NluData, NluExample, SentimentExample
from bot.training_data.unknown_keys import warn_misspelled_keys
from bot.training_data.yaml_files import version_is_readable
from bot.training_data.yaml_values import YamlList, YamlMap, kind, plain

NLU_KEYS = ("nlu", "responses", "sentiment")
SENTIMENTS = ("positive", "neutral", "negative")
_ITEM_KEYS = ("intent", "synonym", "regex", "lookup")
_BLANK = "\n\r "


@dataclass
class NluReader:
    """Collects NLU data file by file; `responses` keeps the raw variations for the domain."""

    findings: Findings
    examples: dict[tuple[object, ...], NluExample] = field(default_factory=dict)
    sentiment: list[SentimentExample] = field(default_factory=list)
    synonyms: dict[str, str] = field(default_factory=dict)
    regexes: dict[str, list[str]] = field(default_factory=dict)
    lookups: dict[str, list[str]] = field(default_factory=dict)
    responses: dict[str, JSON] = field(default_factory=dict)
    locations: dict[str, Location] = field(default_factory=dict)

    def read(self, document: YamlMap) -> None:
        """Take what is NLU data out of one file; a file of a newer version gives nothing."""
        if not version_is_readable(document, self.findings):
            return
        readers: dict[str, Callable[[YamlMap, Location], None]] = {
            "nlu": self._item,
            "sentiment": self._sentiment,
        }
        for key, reader in readers.items():
            items = document.get(key)
            if items is not None and not isinstance(items, YamlList):
                self.findings.error(
                    "nlu-schema", f"'{key}' must be a list, found {kind(items)}", document.at(key)
                )
                continue
            for item, place in items.with_places() if items else ():
                if isinstance(item, YamlMap):
                    reader(item, place)
                else:
                    message = f"an item of '{key}' must be a mapping, found {kind(item)}"
                    self.findings.error("nlu-schema", message, place)
        self._responses(document)

    def data(self, domain_responses: Mapping[str, JSON]) -> NluData:
        """Return everything read; retrieval responses of the domain join those of the NLU files."""
        named = {**self.responses, **domain_responses}
        retrieval = {name: value for name, value in named.items() if "/" in name}
        return NluData(
            examples=tuple(self.examples.values()),
            sentiment_examples=tuple(self.sentiment),
            synonyms=self.synonyms,
            regexes={name: tuple(patterns) for name, patterns in self.regexes.items()},
            lookups={name: tuple(phrases) for name, phrases in self.lookups.items()},
            responses={n.removeprefix("utter_"): response_texts(v) for n, v in retrieval.items()},
        )

    @property
    def retrieval_intents(self) -> set[str]:
        """Base names of intents that have response keys (`faq` of `faq/opening_hours`)."""
        return {e.intent.partition("/")[0] for e in self.examples.values() if "/" in e.intent}

    def add_example(
        self,
        text: str,
        intent: str,
        entities: tuple[Entity, ...],
        metadata: Mapping[str, JSON],
        place: Location | None,
    ) -> None:
        """Keep an example unless the same one is there already; note synonyms that its entities tell."""
        for entity in entities:
            surface = text[entity.start : entity.end]
            if surface != entity.value:
                self.add_synonym(surface, str(entity.value), place)
        marks = tuple((e.entity, str(e.value), e.start, e.end, e.role, e.group) for e in entities)
        example = NluExample(text, intent.strip(), entities, metadata, place)
        self.examples.setdefault((text, example.intent, marks, repr(metadata)), example)

    def add_synonym(self, surface: str, value: str, place: Location | None) -> None:
        """Map a surface form to its canonical value; a later mapping wins, with a warning."""
        known = self.synonyms.get(surface)
        if known is not None and known != value:
            message = f"'{surface}' is a synonym of '{known}' and of '{value}'; the last one wins"
            self.findings.warn("synonym-conflict", message, place)
        self.synonyms[surface] = value

    def _responses(self, document: YamlMap) -> None:
        responses = document.get("responses")
        if responses is None:
            return
        if not isinstance(responses, YamlMap):
            message = f"'responses' must be a mapping, found {kind(responses)}"
            self.findings.error("response-schema", message, document.at("responses"))
            return
        if not names_are_text("responses", responses, self.findings):
            return
        self.responses.update(responses)
        self.locations.update((f"responses/{name}", responses.at(name)) for name in responses)

    def _item(self, item: YamlMap, place: Location) -> None:
        key = next((key for key in _ITEM_KEYS if key in item), None)
        if key is None:
            found = ", ".join(map(str, item)) or "nothing"
            hint = nearest(str(next(iter(item), "")), _ITEM_KEYS)
            message = f"expected one of {', '.join(_ITEM_KEYS)}, found {found}{hint}"
            self.findings.error("nlu-schema", message, place)
            return
        for other in item:
            if other not in (key, "examples") and not (key == "intent" and other == "metadata"):
                message = (
                    f"unknown key '{other}' beside '{key}'{nearest(str(other), ('examples', 'metadata'))}"
                )
                self.findings.error("nlu-schema", message, item.at(other))
        name = item[key]
        if not isinstance(name, str) or not name.strip():
            hint = "; put quotes around it" if isinstance(name, bool | int | float) else ""
            message = f"the name of an item '{key}' must be text, found {kind(name)}{hint}"
            self.findings.error("nlu-schema", message, item.at(key))
        elif key == "intent" and name.count("/") > 1:
            message = f"intent '{name}' has more than one '/'; it parts an intent from its response key"
            self.findings.error("nlu-schema", message, item.at(key))
        elif key == "intent":
            self._intent(name, item)
        else:
            self._named(key, name, item)

    def _named(self, key: str, name: str, item: YamlMap) -> None:
        for line, place in self._lines(f"{key} '{name}'", item):
            if key == "synonym":
                self.add_synonym(line, name, place)
            elif key == "lookup":
                self.lookups.setdefault(name, []).append(line)
            else:
                self.add_regex(name, line, place)

    def add_regex(self, name: str, pattern: str, place: Location) -> None:
        """Keep a named pattern, unless it is none, which is noted."""
        try:
            re.compile(pattern)
        except re.error as error:
            message = f"regex '{name}' has a pattern that is not one: {error}"
            self.findings.error("regex", message, place)
            return
        self.regexes.setdefault(name, []).append(pattern)

    def _intent(self, intent: str, item: YamlMap) -> None:
        shared = {"intent": plain(item["metadata"])} if item.get("metadata") is not None else {}
        examples = item.get("examples")
        if isinstance(examples, YamlList):
            for example, place in examples.with_places():
                self._long_example(intent, example, place, shared)
            return
        for line, place in self._lines(f"intent '{intent}'", item):
            self._annotated(line, intent, shared, place)

    def _long_example(self, intent: str, example: JSON, place: Location, shared: Mapping[str, JSON]) -> None:
        text = example.get("text") if isinstance(example, dict) else None
        if not isinstance(text, str) or not text.strip(_BLANK):
            message = f"an example of intent '{intent}' needs 'text', found {kind(example)} without it"
            self.findings.error("nlu-schema", message, place)
            return
        warn_misspelled_keys(example, self.findings, known=("text", "metadata"))
        own = {"example": plain(example["metadata"])} if example.get("metadata") is not None else {}
        self._annotated(text.strip(_BLANK), intent, {**shared, **own}, place)

    def _annotated(self, line: str, intent: str, metadata: Mapping[str, JSON], place: Location) -> None:
        try:
            text, entities = entity_markup.parse(line)
        except entity_markup.MarkupError as error:
            self.findings.error("entity-markup", str(error), place)
            return
        self.add_example(text, intent, entities, metadata, place)

    def _sentiment(self, item: YamlMap, place: Location) -> None:
        value = item.get("value")
        if value not in SENTIMENTS:
            message = f"a sentiment's 'value' must be one of {', '.join(SENTIMENTS)}, found {value!r}"
            self.findings.error("nlu-schema", message + nearest(str(value), SENTIMENTS), place)
            return
        for line, line_place in self._lines(f"sentiment '{value}'", item):
            self.sentiment.append(SentimentExample(line, value, line_place))

    def _lines(self, owner: str, item: YamlMap) -> Iterator[tuple[str, Location]]:
        """Walk over the `- text` lines of an item's block; other lines are noted and left out."""
        block = item.get("examples")
        if not isinstance(block, str):
            found = "no 'examples'" if block is None else f"'examples' as {kind(block)}"
            expected = "expected a block: 'examples: |' and lines that start with '- '"
            note = self.findings.warn if block is None else self.findings.error
            note("nlu-schema", f"{owner} has {found}, {expected}", item.at("examples"))
            return
        first = item.value_lines["examples"]
        count = 0
        for number, line in enumerate(block.splitlines()):
            place = Location(item.file, first + number)
            if line.startswith("-") and line[1:].strip(_BLANK):
                count += 1
                yield line[1:].strip(_BLANK), place
            elif line.strip():
                message = f"{owner}: a line must start with '- ' at the block's margin, found {line!r}"
                self.findings.warn("nlu-line", f"{message}; it is passed over", place)
        if not count:
            self.findings.warn("nlu-empty", f"{owner} has no examples", item.at("examples"))


def is_nlu_content(document: JSON) -> bool:
    """Tell whether a file holds NLU data, by its keys."""
    return isinstance(document, dict) and any(key in document for key in NLU_KEYS)
