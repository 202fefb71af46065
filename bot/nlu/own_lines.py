"""Own components as lines of the pipeline: how they are made, and what keeps them from running here."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from typing import Any

from bot.errors import Finding, FrontdeskError
from bot.nlu.plan import OwnLine
from bot.written_for_rasa.graph import ExecutionContext, ModelStorage, Registration, Resource
from bot.written_for_rasa.imports import own_class

_HANDED_OVER = {"train": ("training_data", "model"), "process": ("messages", "model")}


@dataclass(frozen=True, slots=True)
class OwnComponent:
    """One line of the pipeline with its class; `model` is what another component provides for it."""

    line: OwnLine
    number: int
    made_of: Any
    model: Mapping[str, object] = field(default_factory=dict)

    @property
    def registration(self) -> Registration:
        """What the class said of itself."""
        return Registration.of(self.made_of)

    @property
    def resource(self) -> Resource:
        """The name of its files in the model."""
        return Resource(f"{self.number}_{self.made_of.__name__}")

    def make(self, how: str, storage: ModelStorage, *, is_finetuning: bool = False) -> Any:
        """Build the component with its `create` or `load`."""
        resource = self.resource
        defaults = self.made_of.get_default_config() if hasattr(self.made_of, "get_default_config") else {}
        build = getattr(self.made_of, how, None) or self.made_of.create
        context = ExecutionContext(node_name=resource.name, is_finetuning=is_finetuning)
        return self.call(build, {**defaults, **self.line.options}, storage, resource, context)

    def call(self, what: Callable[..., Any], *arguments: object, **named: object) -> Any:
        """Let own code do something.

        Raises:
            FrontdeskError: It failed; the message names the component.
        """
        try:
            return what(*arguments, **named)
        # A rim: own code fails in every way there is.
        except Exception as error:
            raise FrontdeskError(
                f"component '{self.line.path}' failed in {getattr(what, '__name__', 'its code')}: "
                f"{type(error).__name__}: {error}"
            ) from error

    def with_model(self, provided: Mapping[str, object]) -> OwnComponent:
        """Return it with what the component that it names has provided."""
        wanted = self.registration.model_from
        return replace(self, model={"model": provided[wanted]} if wanted and wanted in provided else {})


def components(lines: Sequence[OwnLine]) -> Iterator[OwnComponent]:
    """Import the class of each line.

    Raises:
        NoOwnClass: A path leads to none.
    """
    for number, line in enumerate(lines):
        yield OwnComponent(line, number, own_class(line.path))


def check(lines: Sequence[OwnLine], language: str) -> list[Finding]:
    """Find what keeps own components from being trained and run here."""
    findings = []
    loaders: set[str] = set()
    for component in components(lines):
        reason = _obstacle(component, language, loaders)
        if reason:
            message = f"component '{component.line.path}' {reason}"
            findings.append(Finding("own-component", message, component.line.location))
        loaders.add(component.made_of.__name__)
    return findings


def _obstacle(component: OwnComponent, language: str, loaders: set[str]) -> str | None:
    """Say why a component cannot be used, None if it can."""
    made_of = component.made_of
    if not hasattr(made_of, "create"):
        return "has no method 'create'; a component of Rasa 3 has one, those of Rasa 2 must be ported"
    if not hasattr(made_of, "process") and not hasattr(made_of, "provide"):
        return "has no method 'process'"
    needed = component.registration.model_from
    if needed and needed not in loaders:
        return f"needs the model of '{needed}', which must be a component of your own and stand before it"
    return _wrong_language(made_of, language) or _missing_package(made_of) or _unknown_argument(made_of)


def _wrong_language(made_of: Any, language: str) -> str | None:
    only = made_of.supported_languages() if hasattr(made_of, "supported_languages") else None
    none = made_of.not_supported_languages() if hasattr(made_of, "not_supported_languages") else None
    if (only is not None and language not in only) or (none is not None and language in none):
        return f"does not work for the language '{language}'"
    return None


def _missing_package(made_of: Any) -> str | None:
    packages = made_of.required_packages() if hasattr(made_of, "required_packages") else []
    missing = [name for name in packages if find_spec(name.partition(".")[0]) is None]
    return f"needs the Python package '{missing[0]}', which is not installed" if missing else None


def _unknown_argument(made_of: Any) -> str | None:
    for method, known in _HANDED_OVER.items():
        written = list(inspect.signature(getattr(made_of, method, _nothing)).parameters.values())[1:]
        asked = [one for one in written if one.kind is one.POSITIONAL_OR_KEYWORD and one.default is one.empty]
        unknown = [one.name for one in asked if one.name not in known]
        if unknown:
            return f"asks for '{unknown[0]}' in {method}(), expected {' and '.join(known)}"
    return None


def _nothing() -> None:
    """Stand where a method is not."""
