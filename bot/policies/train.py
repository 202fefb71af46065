"""Trains the policies of a project into a folder, and loads them from there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bot.dialogue.domain import Domain
from bot.dialogue.messages import JSON
from bot.errors import Finding, InvalidProject, ModelError, Severity
from bot.policies.ensemble import Ensemble
from bot.policies.policy import GoesOn, Policy
from bot.policies.registry import (
    DEFAULT_POLICIES,
    Chosen,
    DefaultPolicy,
    PolicyConfig,
    choose_policy,
    options_without_effect,
    what_it_became,
)
from bot.policies.rules import RulePolicy
from bot.policies.state_files import read_json, write_json
from bot.policies.turns import RuleOnly
from bot.training_data.story_graph import TrainingTracker
from bot.training_data.warm_start import WarmStart

_INDEX = "policies.json"


@dataclass(frozen=True, slots=True)
class PolicyReport:
    """What each entry of `policies:` became, in words, and warnings that did not stop the training."""

    policies: tuple[str, ...]
    became: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[Finding, ...] = ()


def check(
    configs: Sequence[PolicyConfig], trackers: Sequence[TrainingTracker], domain: Domain
) -> list[Finding]:
    """Find all that training would refuse, and what it would warn of, in the time the rules take."""
    findings: list[Finding] = []
    chosen = _choose(configs, findings)
    findings += _check_choice([choice for _, choice in chosen], trackers, domain)
    for config, choice in chosen:
        policy = choice.make() if choice.name == RulePolicy.name else None
        if isinstance(policy, RulePolicy):
            # What has no place in a story is wrong with the entry itself.
            findings += [
                finding if finding.location else replace(finding, location=config.location)
                for finding in policy.learn(trackers, domain)
            ]
    return findings


def train(
    configs: Sequence[PolicyConfig],
    trackers: Sequence[TrainingTracker],
    domain: Domain,
    folder: Path,
    *,
    progress: Callable[[str, float], None] | None = None,
    warm_start: WarmStart | None = None,
) -> PolicyReport:
    """Train all configured policies and write them below `folder`, which is made.

    Args:
        configs: The entries under `policies:`; Rasa's defaults stand in for none.
        trackers: Stories and rules, augmented ones included.
        domain: The assistant's domain.
        folder: Where the model's policies go.
        progress: Is told the name of the policy and the share done, in [0, 1].
        warm_start: Policies of an earlier model; those with weights go on from there.

    Raises:
        InvalidProject: An entry is wrong, or rules are incomplete or contradict each other or a story.
    """
    findings: list[Finding] = []
    chosen = _choose(configs, findings)
    findings += _check_choice([choice for _, choice in chosen], trackers, domain)
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    if errors:
        raise InvalidProject(errors)
    made = [(config, choice.make()) for config, choice in chosen]
    policies = [policy for _, policy in made]
    started = _start(policies, warm_start) if warm_start else []
    rule_only = RuleOnly()
    # Rules come first: what only they know is hidden from the others.
    for done, policy in enumerate(sorted(policies, key=lambda item: not isinstance(item, RulePolicy))):
        if progress:
            progress(policy.name, done / len(policies))
        policy.train(trackers, domain, rule_only)
        rule_only = policy.rule_only if isinstance(policy, RulePolicy) else rule_only
    _save(made, folder)
    notes = [*started, *_notes(configs)]
    became = tuple(what_it_became(config) for config, _ in chosen)
    return PolicyReport(tuple(policy.name for policy in policies), became, tuple(notes), tuple(findings))


def load(folder: Path) -> Ensemble:
    """Load trained policies, in the order of `config.yml`.

    Raises:
        ModelError: Something is missing or broken.
    """
    policies: list[Policy] = []
    entries = [(DefaultPolicy(row["name"], row["options"]), folder / row["folder"]) for row in _index(folder)]
    for config, place in entries:
        findings: list[Finding] = []
        choice = choose_policy(config, findings)
        if choice is None:
            raise ModelError(f"{folder / _INDEX}: unknown policy '{config.name}'; train the model again")
        policy = choice.make()
        policy.load(place)
        policies.append(policy)
    return Ensemble(policies)


def _index(folder: Path) -> list[dict[str, JSON]]:
    """Return name, options and folder of each policy of a model."""
    rows = read_json(folder / _INDEX)
    keys = {"name", "options", "folder"}
    if not isinstance(rows, list) or not all(isinstance(row, dict) and keys <= set(row) for row in rows):
        raise ModelError(f"{folder / _INDEX}: broken, expected a list of policies; train the model again")
    return rows


def _start(policies: Sequence[Policy], warm_start: WarmStart) -> list[str]:
    """Hand each policy that can go on the weights of the one before it of the same name; say which did."""
    former = {row["name"].rpartition(".")[2]: row["folder"] for row in reversed(_index(warm_start.folder))}
    notes = []
    for policy in policies:
        if isinstance(policy, GoesOn):
            if policy.name in former:
                policy.start_from(warm_start.of(former[policy.name]))
            goes_on = "goes on from the weights before" if policy.name in former else "begins anew"
            notes.append(f"{policy.name}: {goes_on}")
    return notes


def _choose(configs: Sequence[PolicyConfig], findings: list[Finding]) -> list[tuple[PolicyConfig, Chosen]]:
    chosen = [(config, choose_policy(config, findings)) for config in configs or DEFAULT_POLICIES]
    return [(config, choice) for config, choice in chosen if choice is not None]


def _save(made: Sequence[tuple[PolicyConfig, Policy]], folder: Path) -> None:
    rows = []
    for number, (config, policy) in enumerate(made):
        name = f"{number}_{policy.name}"
        (folder / name).mkdir(parents=True, exist_ok=True)
        policy.save(folder / name)
        rows.append({"name": config.name, "options": dict(config.options), "folder": name})
    write_json(folder / _INDEX, rows)


def _notes(configs: Sequence[PolicyConfig]) -> list[str]:
    chosen = [(config, options_without_effect(config)) for config in configs]
    return [f"{config.name}: {', '.join(names)} has no effect here" for config, names in chosen if names]


def _check_choice(
    policies: Sequence[Chosen], trackers: Sequence[TrainingTracker], domain: Domain
) -> list[Finding]:
    """Find what the chosen policies cannot do together with this domain and these stories."""
    findings: list[Finding] = []
    if not any(policy.name == RulePolicy.name for policy in policies):
        if domain.forms:
            form = next(iter(domain.forms))
            place = domain.locations.get(f"forms/{form}")
            message = f"form '{form}' needs the RulePolicy; add `- name: RulePolicy` under `policies:`"
            findings.append(Finding("form-without-rule-policy", message, place))
        rule = next((tracker for tracker in trackers if tracker.is_rule), None)
        if rule is not None:
            message = f"rule '{rule.name}' has no effect without the RulePolicy; add it under `policies:`"
            findings.append(Finding("rules-without-rule-policy", message, rule.location, Severity.WARNING))
    return findings + _check_priorities(policies)


def _check_priorities(policies: Sequence[Chosen]) -> list[Finding]:
    holders: dict[int, str] = {}
    findings = []
    for policy in policies:
        other = holders.setdefault(policy.priority, policy.name)
        if other != policy.name:
            message = (
                f"{policy.name} and {other} have the same priority {policy.priority}; the first one wins ties"
            )
            findings.append(Finding("equal-priorities", message, severity=Severity.WARNING))
    return findings
