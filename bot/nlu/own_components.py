"""A project's own NLU components, by their Python path: they learn and run before or after our parts."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot.dialogue.messages import JSON, NLU_FALLBACK, ParseResult
from bot.errors import InvalidProject
from bot.nlu.entity_lookup import map_synonyms
from bot.nlu.model import NluModel
from bot.nlu.out_of_scope import with_fallback
from bot.nlu.own_lines import OwnComponent, check, components
from bot.nlu.own_messages import as_parse_result, as_training_data, from_training_data, mark_words, note
from bot.nlu.plan import OwnLine
from bot.training_data.nlu_examples import NluData
from bot.training_data.warm_start import WarmStart
from bot.written_for_rasa.graph import ModelStorage
from bot.written_for_rasa.messages import Message

FOLDER = "own"


def train(
    lines: Sequence[OwnLine],
    data: NluData,
    folder: Path,
    *,
    language: str,
    warm_start: WarmStart | None = None,
) -> tuple[NluData, tuple[str, ...]]:
    """Train own components in their order and store what they write below `folder`.

    With a `warm_start` trainable components are loaded from there and trained further, as in Rasa.
    Returns the data as they are after the components that prepare it and come before our parts, with
    remarks for the bot developer.

    Raises:
        InvalidProject: A component cannot be used here.
        FrontdeskError: A component failed.
    """
    findings = check(lines, language)
    if findings:
        raise InvalidProject(findings)
    if not lines:
        return data, ()
    storage = ModelStorage(folder / FOLDER)
    if warm_start and (warm_start.folder / FOLDER).is_dir():
        shutil.copytree(warm_start.folder / FOLDER, folder / FOLDER, dirs_exist_ok=True)
    learnt = as_training_data(data)
    mark_words(learnt.training_examples, language)
    changed, provided = False, dict[str, object]()
    for component in (found.with_model(provided) for found in components(lines)):
        registration = component.registration
        if registration.is_trainable:
            is_known = warm_start is not None and storage.has(component.resource)
            made = component.make("load" if is_known else "create", storage, is_finetuning=is_known)
            component.call(made.train, learnt, **component.model)
        # Built again as it will serve, so that an option or a file it cannot live with shows now.
        made = component.make("load", storage)
        if registration.prepares_training_data and hasattr(made, "process_training_data"):
            learnt = component.call(made.process_training_data, learnt, **component.model) or learnt
            mark_words(learnt.training_examples, language)
            changed = changed or not component.line.after_understanding
        if hasattr(made, "provide"):
            provided[component.made_of.__name__] = component.call(made.provide)
    return from_training_data(learnt, data) if changed else (data, ())


class OwnComponents:
    """Loaded own components of a model, around the understanding of one text.

    Each text goes through them alone: classes written for Rasa do not expect several at once.
    """

    def __init__(self, model: NluModel, folder: Path) -> None:
        self._model = model
        self._lock = threading.Lock()
        self._steps: list[tuple[OwnComponent, Any]] = []
        storage, provided = ModelStorage(folder / FOLDER), dict[str, object]()
        for component in (found.with_model(provided) for found in components(model.plan.own)):
            made = component.make("load", storage)
            if hasattr(made, "process"):
                self._steps.append((component, made))
            else:
                provided[component.made_of.__name__] = component.call(made.provide)

    def parse(self, text: str, understand: Callable[[str], ParseResult]) -> ParseResult:
        """Let the components before our parts see the text, then our parts, then the others.

        Raises:
            FrontdeskError: A component failed.
        """
        with self._lock:
            message = Message()
            note(message, ParseResult(text))
            message = self._run(message, lambda line: not line.after_understanding)
            first = as_parse_result(message)
            parsed = understand(first.text)
            parsed = replace(parsed, entities=(*first.entities, *parsed.entities), more=first.more)
            if not parsed.intent.name:
                parsed = replace(parsed, intent=first.intent, intent_ranking=first.intent_ranking)
            message, parsed = self._before_fallback(message, parsed)
            return self._after(message, parsed, lambda line: line.after_fallback)[1]

    def _before_fallback(self, message: Message, parsed: ParseResult) -> tuple[Message, ParseResult]:
        """Run what stands before the fallback, which is decided anew if the intent changed."""
        ranking = parsed.intent_ranking
        is_fallback = bool(ranking) and parsed.intent.name == NLU_FALLBACK
        shown = replace(parsed, intent=ranking[1], intent_ranking=ranking[1:]) if is_fallback else parsed
        message, seen = self._after(message, shown, lambda line: not line.after_fallback)
        if (seen.intent, seen.intent_ranking) == (shown.intent, shown.intent_ranking):
            return message, replace(seen, intent=parsed.intent, intent_ranking=ranking)
        options = self._model.plan.fallback
        others = tuple(row for row in seen.intent_ranking if row.name != seen.intent.name)
        ranked = (seen.intent, *others) if seen.intent.name else others
        if options:
            ranked = with_fallback(ranked, options, in_scope=True)
        return message, replace(seen, intent=ranked[0] if ranked else seen.intent, intent_ranking=ranked)

    def _after(
        self, message: Message, parsed: ParseResult, is_due: Callable[[OwnLine], bool]
    ) -> tuple[Message, ParseResult]:
        due = [line for line in self._model.plan.own if line.after_understanding and is_due(line)]
        if not due:
            return message, parsed
        note(message, parsed)
        message = self._run(message, lambda line: line in due)
        return message, as_parse_result(message, parsed)

    def _run(self, message: Message, is_due: Callable[[OwnLine], bool]) -> Message:
        for component, made in self._steps:
            if not is_due(component.line):
                continue
            mark_words([message], self._model.language)
            before = list(map(id, message.get("entities") or ()))
            answered = component.call(made.process, [message], **component.model)
            message = answered[0] if answered else message
            if self._model.plan.synonyms and not component.line.after_synonyms:
                self._map_new_synonyms(message, before)
        return message

    def _map_new_synonyms(self, message: Message, before: Sequence[int]) -> None:
        """Give the values of entities that a component has just added their canonical form."""
        parsed = as_parse_result(message)
        rows: list[dict[str, JSON]] = message.get("entities") or []
        processor = self._model.plan.extractors.get("synonyms", "EntitySynonymMapper")
        mapped = map_synonyms(parsed.entities, self._model.synonyms, processor)
        for row, entity in zip(rows, mapped, strict=True):
            if id(row) not in before:
                row.update(entity.as_dict())
