"""The policies that `config.yml` may name, with their options checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from functools import partial
from typing import Any, Protocol

from bot.dialogue.messages import JSON
from bot.errors import Finding, Location, Severity, nearest
from bot.policies.custom import NoPolicy, make_custom
from bot.policies.learnt_options import TEDOptions, UnexpectedIntentOptions
from bot.policies.memoization import AugmentedMemoizationPolicy, MemoizationOptions, MemoizationPolicy
from bot.policies.policy import Policy
from bot.policies.rules import RuleOptions, RulePolicy


class PolicyConfig(Protocol):
    """One entry under `policies:`."""

    @property
    def name(self) -> str:
        """Name of the policy."""
        ...

    @property
    def options(self) -> Mapping[str, JSON]:
        """Its options, without the name."""
        ...

    @property
    def location(self) -> Location | None:
        """Where it is written."""
        ...


_Options = MemoizationOptions | RuleOptions | TEDOptions | UnexpectedIntentOptions


@dataclass(frozen=True, slots=True)
class Entry:
    """What Rasa's name becomes here, and how it is made from its options.

    `passed_over` are options of Rasa that change nothing anybody would see; `without_effect` are those that
    tune Rasa's own network: whoever sets one is told that it does nothing here.
    """

    became: str
    make: Callable[[Any], Policy]
    options: type[_Options]
    passed_over: tuple[str, ...] = ()
    without_effect: tuple[str, ...] = ()


_MEMOIZATION_ONLY_IN_RASA = ("enable_feature_string_compression", "featurizer")
_NETWORK_ONLY_IN_RASA = (
    "checkpoint_model", "constrain_similarities", "evaluate_every_number_of_epochs",
    "evaluate_on_number_of_examples", "featurizer", "model_confidence", "run_eagerly",
    "tensorboard_log_directory", "tensorboard_log_level", "use_gpu",
)  # fmt: skip
_NETWORK_OF_RASA = (
    "BILOU_flag", "batch_size", "batch_strategy", "concat_dimension", "connection_density", "dense_dimension",
    "drop_rate", "drop_rate_attention", "drop_rate_dialogue", "drop_rate_label", "embedding_dimension",
    "encoding_dimension", "featurizers", "hidden_layers_sizes", "learning_rate",
    "loss_type", "max_relative_position", "maximum_negative_similarity", "maximum_positive_similarity",
    "negative_margin_scale", "number_of_attention_heads", "number_of_negative_examples",
    "number_of_transformer_layers", "regularization_constant", "scale_loss", "similarity_type",
    "split_entities_by_comma", "transformer_size", "unidirectional_encoder", "use_dense_input_dropout",
    "use_key_relative_attention", "use_masked_language_model", "use_maximum_negative_similarity",
    "use_sparse_input_dropout", "use_value_relative_attention",
)  # fmt: skip


def _ted(options: TEDOptions) -> Policy:
    # numpy takes longer to load than all checks of a small project.
    from bot.policies.ted import TEDPolicy  # noqa: PLC0415

    return TEDPolicy(options)


def _unexpected_intent(options: UnexpectedIntentOptions) -> Policy:
    from bot.policies.unexpected_intent import UnexpecTEDIntentPolicy  # noqa: PLC0415 - as above

    return UnexpecTEDIntentPolicy(options)


POLICIES: dict[str, Entry] = {
    "RulePolicy": Entry(
        "rules, forms and the fallback, looked up",
        RulePolicy,
        RuleOptions,
        ("enable_feature_string_compression", "max_history"),
    ),
    "MemoizationPolicy": Entry(
        "stories, looked up", MemoizationPolicy, MemoizationOptions, _MEMOIZATION_ONLY_IN_RASA
    ),
    "AugmentedMemoizationPolicy": Entry(
        "stories, looked up from any place in them",
        AugmentedMemoizationPolicy,
        MemoizationOptions,
        _MEMOIZATION_ONLY_IN_RASA,
    ),
    "TEDPolicy": Entry(
        "a transformer over the conversation, trained by torch, served by ONNX Runtime",
        _ted,
        TEDOptions,
        _NETWORK_ONLY_IN_RASA,
        _NETWORK_OF_RASA,
    ),
    "UnexpecTEDIntentPolicy": Entry(
        "the same transformer, asked whether the intent was to be expected",
        _unexpected_intent,
        UnexpectedIntentOptions,
        _NETWORK_ONLY_IN_RASA,
        (*_NETWORK_OF_RASA, "entity_recognition", "ranking_length"),
    ),
}

_FALLBACK_OF_RASA_3 = "RulePolicy, with a FallbackClassifier in the pipeline,"
_OF_RASA_2 = {
    **dict.fromkeys(("FormPolicy", "MappingPolicy"), "RulePolicy"),
    **dict.fromkeys(("FallbackPolicy", "TwoStageFallbackPolicy"), _FALLBACK_OF_RASA_3),
    **dict.fromkeys(("EmbeddingPolicy", "KerasPolicy", "SklearnPolicy"), "TEDPolicy"),
}


@dataclass(frozen=True, slots=True)
class DefaultPolicy:
    """An entry that stands for itself where `config.yml` names no policies."""

    name: str
    options: Mapping[str, JSON] = field(default_factory=dict)
    location: Location | None = None


DEFAULT_POLICIES = tuple(
    DefaultPolicy(name) for name in ("MemoizationPolicy", "RulePolicy", "UnexpecTEDIntentPolicy", "TEDPolicy")
)
"""What Rasa takes for an empty `policies:`."""


def short_name(name: str) -> str:
    """Return the class name of a policy that is named by its module in Rasa."""
    return name.rsplit(".", 1)[-1] if name.startswith("rasa.") else name


@dataclass(frozen=True, slots=True)
class Chosen:
    """A policy that an entry asks for, its options checked; `make` makes it."""

    name: str
    priority: int
    make: Callable[[], Policy]


def choose_policy(config: PolicyConfig, findings: list[Finding]) -> Chosen | None:
    """Read an entry; what is wrong with it is noted, and none returned where there is no such policy."""
    name = short_name(config.name)
    entry = POLICIES.get(name)
    if entry is not None:
        options = entry.options(**_options(config, entry, findings))
        return Chosen(name, options.priority, partial(entry.make, options))
    try:
        if "." in name:
            own = make_custom(name, config.options)
            return Chosen(own.name, own.priority, lambda: own)
        message = f"there is no policy '{config.name}'{_instead(name)}"
    except NoPolicy as error:
        message = str(error)
    findings.append(Finding("unknown-policy", message, config.location))
    return None


def _instead(name: str) -> str:
    if name in _OF_RASA_2:
        return f": it ended with Rasa 2, {_OF_RASA_2[name]} does its work"
    return nearest(name, POLICIES)


def what_it_became(config: PolicyConfig) -> str:
    """Say what an entry became, in words."""
    entry = POLICIES.get(short_name(config.name))
    return f"{config.name}: {entry.became if entry else 'itself'}"


def options_without_effect(config: PolicyConfig) -> list[str]:
    """Return the options of an entry that do nothing here, in the order in which they are written."""
    entry = POLICIES.get(short_name(config.name))
    return [key for key in config.options if entry is not None and key in entry.without_effect]


def _options(config: PolicyConfig, entry: Entry, findings: list[Finding]) -> dict[str, JSON]:
    known = {item.name: item for item in fields(entry.options)}
    chosen: dict[str, JSON] = {}
    for key, value in _with_featurizer(config.options).items():
        if key in known:
            if _fits(known[key], value):
                chosen[key] = value
            else:
                message = f"{config.name}: '{key}' is {value!r}, expected {known[key].type}"
                findings.append(Finding("policy-option", message, config.location))
        elif key not in (*entry.passed_over, *entry.without_effect):
            hint = nearest(key, (*known, *entry.passed_over, *entry.without_effect))
            message = f"{config.name} has no option '{key}'{hint}"
            findings.append(Finding("policy-option", message, config.location, Severity.WARNING))
    return chosen


def _with_featurizer(options: Mapping[str, JSON]) -> dict[str, JSON]:
    """Take `max_history` out of the old way to write it, a featurizer below the policy."""
    written = options.get("featurizer")
    first = written[0] if isinstance(written, list) and written else {}
    old = {"max_history": first["max_history"]} if isinstance(first, dict) and "max_history" in first else {}
    return {**options, **old}


def _fits(option: Field[Any], value: JSON) -> bool:
    kinds: dict[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "str": (str,)}
    kinds["list[str]"] = (list,)
    allowed = str(option.type).split(" | ")
    if value is None:
        return "None" in allowed or option.default in (None, MISSING)
    if isinstance(value, bool):
        return "bool" in allowed
    return any(isinstance(value, kinds[name]) for name in allowed if name in kinds)
