"""The names of `config.yml`'s pipeline, ours and Rasa's, and the parts they become."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TypeVar

from bot.dialogue.messages import JSON
from bot.errors import Finding, InvalidProject, nearest
from bot.nlu.plan import (
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
from bot.training_data.config_file import ComponentConfig, beside
from bot.written_for_rasa.imports import AbsentCode, NoOwnClass, own_class
from language.backbone_files import what_is_wrong

_Options = TypeVar("_Options", UnderstandingOptions, LookupOptions, FallbackOptions)
_Settle = Callable[[PipelinePlan, ComponentConfig], PipelinePlan]


class BadOption(ValueError):
    """An option is unknown or has an impossible value."""


@dataclass(frozen=True, slots=True)
class Part:
    """What a name becomes: the words of the report and the change to the plan."""

    became: str
    settle: _Settle
    note: str = ""


def _unchanged(plan: PipelinePlan, _: ComponentConfig) -> PipelinePlan:
    return plan


def _extractor(plan: PipelinePlan, part: str, component: ComponentConfig) -> Mapping[str, str]:
    return {**plan.extractors, part: component.name.rpartition(".")[2]}


def _understanding(plan: PipelinePlan, component: ComponentConfig) -> PipelinePlan:
    options = _read(UnderstandingOptions, component)
    options = replace(options, backbone=_backbone(options.backbone, component))
    return replace(
        plan,
        understanding=options,
        whole_message=True,
        synonyms=True,
        selectors=plan.selectors or ("default",),
        extractors=_extractor(plan, "learnt", component) if options.entity_recognition else plan.extractors,
    )


def _backbone(name: str, component: ComponentConfig) -> str:
    """Return a backbone's name; a folder is looked for beside the configuration, and must be whole."""
    folder = beside(name, component)
    if not folder.is_dir():
        if _must_be_path(name, component):
            raise BadOption(f"backbone: {name}: no such folder; a backbone is one as transformers saves it")
        return name
    wrong = what_is_wrong(folder)
    if wrong:
        raise BadOption(f"backbone: {wrong}")
    return str(folder)


def _must_be_path(name: str, component: ComponentConfig) -> bool:
    """Tell paths from names: `owner/name` is one of Hugging Face, unless there is a folder `owner` here."""
    is_below = "/" in name and beside(str(Path(name).parent), component).is_dir()
    return beside(name, component).exists() or name.startswith(".") or name.count("/") > 1 or is_below


def _diet(plan: PipelinePlan, component: ComponentConfig) -> PipelinePlan:
    if component.options.get("entity_recognition", True) is False:
        return plan
    return replace(plan, extractors=_extractor(plan, "learnt", component))


def _intents(plan: PipelinePlan, _: ComponentConfig) -> PipelinePlan:
    return plan


def _language_model(plan: PipelinePlan, component: ComponentConfig) -> PipelinePlan:
    weights = component.options.get("model_weights")
    if not isinstance(weights, str) or not weights:
        return plan
    backbone = _backbone(weights, component)
    if not Path(backbone).is_dir():
        return plan
    return replace(plan, understanding=replace(plan.understanding, backbone=backbone))


def _learnt_entities(plan: PipelinePlan, component: ComponentConfig) -> PipelinePlan:
    return replace(plan, extractors={"learnt": component.name.rpartition(".")[2], **plan.extractors})


def _lookup(plan: PipelinePlan, component: ComponentConfig) -> PipelinePlan:
    options = _read(LookupOptions, component)
    return replace(plan, lookup=options, extractors=_extractor(plan, "lookup", component))


def _synonyms(plan: PipelinePlan, component: ComponentConfig) -> PipelinePlan:
    return replace(plan, synonyms=True, extractors=_extractor(plan, "synonyms", component))


def _builtin(plan: PipelinePlan, component: ComponentConfig) -> PipelinePlan:
    _check_names(component, ("dimensions", "regions"))
    names = {Dimension(kind): str(kind) for kind in _dimensions(component)}
    listed = _names(component, "regions") or BuiltinOptions().regions
    regions = tuple(region.upper() for region in listed)
    return replace(
        plan, builtin=BuiltinOptions(names, regions), extractors=_extractor(plan, "builtin", component)
    )


def _dimensions(component: ComponentConfig) -> list[str]:
    kinds = _names(component, "dimensions")
    if "dimensions" not in component.options:
        kinds = list(map(str, BuiltinOptions().names))
    unknown = [kind for kind in kinds if kind not in list(Dimension)]
    if unknown:
        known = ", ".join(Dimension)
        raise BadOption(
            f"dimension '{unknown[0]}' is unknown{nearest(unknown[0], Dimension)} (known: {known})"
        )
    return kinds


def _names(component: ComponentConfig, option: str) -> list[str]:
    """Return an option that is a list of names; without it there are none."""
    names = component.options.get(option)
    if names is None:
        return []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BadOption(f"{option}: found {names!r}, expected a list of names")
    return names


DUCKLING = {
    "email": Dimension.EMAIL,
    "phone-number": Dimension.PHONE,
    "time": Dimension.DATE,
    "amount-of-money": Dimension.AMOUNT,
    "number": Dimension.NUMBER,
}


def _duckling(plan: PipelinePlan, component: ComponentConfig) -> PipelinePlan:
    wanted = _names(component, "dimensions") or list(DUCKLING)
    names = {DUCKLING[name]: name for name in wanted if name in DUCKLING}
    return replace(
        plan,
        builtin=replace(BuiltinOptions(), names=names),
        extractors=_extractor(plan, "builtin", component),
    )


def _selector(plan: PipelinePlan, component: ComponentConfig) -> PipelinePlan:
    key = str(component.options.get("retrieval_intent") or "default")
    return replace(plan, selectors=tuple(dict.fromkeys((*plan.selectors, key))))


def _fallback(plan: PipelinePlan, component: ComponentConfig) -> PipelinePlan:
    return replace(plan, fallback=_read(FallbackOptions, component))


_TOKENS = Part("word tokens of spaCy", _unchanged, "Chinese, Japanese and Thai by character")
_NGRAMS = Part("n-grams of BertUnderstanding", _unchanged, "word and character n-grams are always used")
_DENSE = Part("encoder of BertUnderstanding", _unchanged, "the sentence encoder takes its place")
_INTENTS = Part("intent head of BertUnderstanding", _intents)
_ENTITIES = Part("entity head of BertUnderstanding", _learnt_entities)

COMPONENTS: dict[str, Part] = {
    "BertUnderstanding": Part("intent, sentiment and entity heads on one encoder", _understanding),
    "EntityLookup": Part("lookup tables and regexes", _lookup),
    "BuiltinEntities": Part("e-mail, phone, dates and amounts", _builtin),
    "ResponseSelector": Part("response selector on the intent head", _selector),
    "FallbackClassifier": Part("fallback by confidence and by distance to the training data", _fallback),
    "EntitySynonymMapper": Part("synonyms", _synonyms),
    "RegexEntityExtractor": Part("lookup tables and regexes", _lookup),
    "DucklingEntityExtractor": Part(
        "BuiltinEntities",
        _duckling,
        "asks no server; finds time, amount-of-money, email, phone-number, number",
    ),
    "DIETClassifier": Part(
        "intent and entity heads of BertUnderstanding", _diet, "its training options do not apply"
    ),
    "KeywordIntentClassifier": _INTENTS,
    "LogisticRegressionClassifier": _INTENTS,
    "MitieIntentClassifier": _INTENTS,
    "SklearnIntentClassifier": _INTENTS,
    "CRFEntityExtractor": _ENTITIES,
    "MitieEntityExtractor": _ENTITIES,
    "SpacyEntityExtractor": Part(
        "entity head of BertUnderstanding",
        _learnt_entities,
        "entities of a spaCy model are found only if annotated",
    ),
    "LanguageModelFeaturizer": Part(
        "encoder of BertUnderstanding",
        _language_model,
        "a local folder in model_weights is used; for other weights set `backbone` on BertUnderstanding",
    ),
    "ConveRTFeaturizer": _DENSE,
    "MitieFeaturizer": _DENSE,
    "SpacyFeaturizer": _DENSE,
    "CountVectorsFeaturizer": _NGRAMS,
    "LexicalSyntacticFeaturizer": Part("word features of the entity head", _unchanged),
    "RegexFeaturizer": Part("pattern features of the entity head", _unchanged),
    "WhitespaceTokenizer": _TOKENS,
    "JiebaTokenizer": _TOKENS,
    "MitieTokenizer": _TOKENS,
    "SpacyTokenizer": _TOKENS,
    "SpacyNLP": Part("nothing", _unchanged, "no spaCy model is needed"),
    "MitieNLP": Part("nothing", _unchanged, "no MITIE model is needed"),
}


def plan_pipeline(pipeline: Sequence[ComponentConfig]) -> PipelinePlan:
    """Turn a pipeline into parts, with one row for each of its lines.

    A Python path that is not Rasa's own names a component of the project; one whose code is not here is left
    out, and its row says so. Without any line that learns, BertUnderstanding still learns the intents, before
    all of them.

    Raises:
        InvalidProject: A name or an option of ours is unknown; all mistakes at once.
    """
    plan, findings = PipelinePlan(), []
    last = max((place for place, line in enumerate(pipeline) if _learns_intents(line)), default=-1)
    for place, component in enumerate(pipeline):
        part = COMPONENTS.get(_short_name(component.name))
        if part is None and "." in component.name:
            part = _OWN_AFTER if place > last else _OWN_BEFORE
        if part is None:
            message = f"unknown pipeline component '{component.name}'{nearest(component.name, COMPONENTS)}"
            findings.append(Finding("unknown-component", message, component.location))
            continue
        try:
            plan = part.settle(plan, component)
        except AbsentCode as error:
            part = Part(LEFT_OUT, _unchanged, str(error))
        except NoOwnClass as error:
            findings.append(Finding("own-component", str(error), component.location))
        except BadOption as error:
            findings.append(Finding("invalid-option", f"{component.name}: {error}", component.location))
        plan = replace(plan, rows=(*plan.rows, ComponentRow(component.name, part.became, part.note)))
    if findings:
        raise InvalidProject(findings)
    unasked = any(component.options.get("intent_classification") is False for component in pipeline)
    heads = replace(
        plan.understanding,
        intent_classification=last >= 0 or not unasked,
        entity_recognition="learnt" in plan.extractors,
    )
    return replace(plan, understanding=heads)


def _own(plan: PipelinePlan, component: ComponentConfig, *, after_understanding: bool) -> PipelinePlan:
    own_class(component.name)
    line = OwnLine(
        component.name,
        component.options,
        after_understanding=after_understanding,
        after_synonyms=plan.synonyms,
        after_fallback=plan.fallback is not None,
        location=component.location,
    )
    return replace(plan, own=(*plan.own, line))


LEFT_OUT = "left out"
_OWN_BEFORE = Part("itself", partial(_own, after_understanding=False), "runs before the intents are found")
_OWN_AFTER = Part("itself", partial(_own, after_understanding=True), "runs on what was understood")


def _learns_intents(component: ComponentConfig) -> bool:
    part = COMPONENTS.get(_short_name(component.name))
    asked = component.options.get("intent_classification", True) is not False
    return asked and part is not None and part.settle in (_understanding, _diet, _intents)


def is_rasas(component: ComponentConfig) -> bool:
    """Tell whether a line names a component of Rasa's, whose options are taken as they are."""
    part = COMPONENTS.get(_short_name(component.name))
    return part is not None and part.settle not in (_understanding, _lookup, _builtin, _fallback)


def _short_name(name: str) -> str:
    return name.rpartition(".")[2] if name.startswith("rasa.") else name


def _check_names(component: ComponentConfig, known: Sequence[str]) -> None:
    unknown = [name for name in component.options if name not in known]
    if unknown:
        raise BadOption(
            f"unknown option '{unknown[0]}'{nearest(unknown[0], known)} (known: {', '.join(known)})"
        )


def _read(kind: type[_Options], component: ComponentConfig) -> _Options:
    """Build an options dataclass, each value checked against the type of its default."""
    defaults = {field.name: field.default for field in dataclasses.fields(kind)}
    _check_names(component, tuple(defaults))
    values = {name: _value(name, value, defaults[name]) for name, value in component.options.items()}
    return kind(**values)


def _ways(name: str, value: JSON) -> tuple[Augmentation, ...]:
    known = list(Augmentation)
    if not isinstance(value, list):
        raise BadOption(f"{name}: found {value!r}, expected a list of {', '.join(known)}")
    for way in value:
        if way not in known:
            raise BadOption(f"{name}: found {way!r}, expected {', '.join(known)}{nearest(str(way), known)}")
    return tuple(Augmentation(way) for way in dict.fromkeys(value))


def _value(name: str, value: JSON, default: JSON) -> JSON:
    if isinstance(default, tuple):
        return _ways(name, value)
    if isinstance(default, StrEnum):
        if value not in list(type(default)):
            raise BadOption(f"{name}: found '{value}', expected {' or '.join(FineTune)}")
        return type(default)(value)
    if isinstance(default, float) and not isinstance(value, bool):
        try:
            return float(value)
        except (TypeError, ValueError, OverflowError):
            raise BadOption(f"{name}: found '{value}', expected a number") from None
    if type(value) is not type(default):
        raise BadOption(f"{name}: found '{value}', expected {type(default).__name__}")
    return value
