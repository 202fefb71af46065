"""The policies that `config.yml` may name, with their options checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, Protocol

from bot.dialogue.messages import JSON
from bot.errors import Finding, Location, Severity, nearest
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


@dataclass(frozen=True, slots=True)
class Entry:
    """How a policy is made from its options; `passed_over` are options of Rasa that have no effect here."""

    make: Callable[[Any], Policy]
    options: type[MemoizationOptions | RuleOptions]
    passed_over: tuple[str, ...] = ()


_MEMOIZATION_ONLY_IN_RASA = ("enable_feature_string_compression", "featurizer")

POLICIES: dict[str, Entry] = {
    "RulePolicy": Entry(RulePolicy, RuleOptions, ("enable_feature_string_compression", "max_history")),
    "MemoizationPolicy": Entry(MemoizationPolicy, MemoizationOptions, _MEMOIZATION_ONLY_IN_RASA),
    "AugmentedMemoizationPolicy": Entry(
        AugmentedMemoizationPolicy, MemoizationOptions, _MEMOIZATION_ONLY_IN_RASA
    ),
}

NOT_TRAINED_YET = ("TEDPolicy", "UnexpecTEDIntentPolicy")
"""Accepted so that their projects load; the other policies decide without them."""


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


def make_policy(config: PolicyConfig, findings: list[Finding]) -> Policy | None:
    """Make a policy, or none where it is not trained yet or its entry is wrong, which is then noted."""
    name = short_name(config.name)
    if name in NOT_TRAINED_YET:
        return None
    entry = POLICIES.get(name)
    if entry is None:
        hint = nearest(name, (*POLICIES, *NOT_TRAINED_YET))
        findings.append(
            Finding("unknown-policy", f"there is no policy '{config.name}'{hint}", config.location)
        )
        return None
    return entry.make(entry.options(**_options(config, entry, findings)))


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
        elif key not in entry.passed_over:
            message = f"{config.name} has no option '{key}'{nearest(key, known)}"
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
    allowed = str(option.type).split(" | ")
    if value is None:
        return "None" in allowed or option.default in (None, MISSING)
    if isinstance(value, bool):
        return "bool" in allowed
    return any(isinstance(value, kinds[name]) for name in allowed if name in kinds)
