"""Errors that a bot developer or an operator can act on: where, what was found, what was expected."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class FrontdeskError(Exception):
    """Every error this product raises on purpose."""


class Severity(StrEnum):
    """How bad a finding is: an error stops training, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a project file; lines start at 1, None when a whole file is meant."""

    file: str
    line: int | None = None

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One mistake in a project: what is wrong, where, and what would be right.

    `check` is a short kebab-case name of the rule that was broken, stable across releases.
    """

    check: str
    message: str
    location: Location | None = None
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        place = f"{self.location}: " if self.location else ""
        return f"{place}{self.severity}: {self.message} [{self.check}]"


class InvalidProject(FrontdeskError):
    """A project file is wrong; `findings` says all that is wrong with it."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(str(finding) for finding in findings))


class ModelError(FrontdeskError):
    """A trained model is missing, broken or half-written."""


class SettingsError(FrontdeskError):
    """A setting in `endpoints.yml`, `credentials.yml` or the environment is wrong."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ", did you mean 'x'?" for the nearest known name, or an empty string."""
    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f", did you mean '{matches[0]}'?" if matches else ""
