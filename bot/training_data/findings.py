"""What is wrong with the files, collected while they are read."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.errors import Finding, InvalidProject, Location, Severity


@dataclass
class Findings:
    """Collects what is wrong while files are read, so that one run shows all of it."""

    items: list[Finding] = field(default_factory=list)

    def error(self, check: str, message: str, location: Location | None = None) -> None:
        """Note a mistake that stops training."""
        self.items.append(Finding(check, message, location))

    def warn(self, check: str, message: str, location: Location | None = None) -> None:
        """Note a mistake that does not stop training."""
        self.items.append(Finding(check, message, location, Severity.WARNING))

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that stop training."""
        return tuple(item for item in self.items if item.severity is Severity.ERROR)

    def raise_errors(self) -> None:
        """Raise `InvalidProject` with every error, if there is one."""
        if self.errors:
            raise InvalidProject(self.errors)
