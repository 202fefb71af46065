"""Own code by its Python path; what it imports of Rasa is found here, under Rasa's names.

Rasa itself is not installed: it ends at Python 3.10. Its names stand for the modules of this folder.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from bot.errors import FrontdeskError

ROOT = "rasa"
MODULES = {
    "rasa.core.brokers.broker": "endpoints",
    "rasa.core.channels.channel": "channels",
    "rasa.core.constants": "core_constants",
    "rasa.core.featurizers.precomputation": "policies",
    "rasa.core.featurizers.tracker_featurizers": "policies",
    "rasa.core.policies.policy": "policies",
    "rasa.engine.graph": "graph",
    "rasa.engine.recipes.default_recipe": "graph",
    "rasa.engine.storage.resource": "graph",
    "rasa.engine.storage.storage": "graph",
    "rasa.nlu.classifiers": "constants",
    "rasa.nlu.classifiers.classifier": "components",
    "rasa.nlu.constants": "constants",
    "rasa.nlu.extractors.extractor": "components",
    "rasa.nlu.featurizers.dense_featurizer.dense_featurizer": "components",
    "rasa.nlu.featurizers.featurizer": "components",
    "rasa.nlu.featurizers.sparse_featurizer.sparse_featurizer": "components",
    "rasa.nlu.tokenizers.tokenizer": "components",
    "rasa.shared.constants": "constants",
    "rasa.shared.core.constants": "core_constants",
    "rasa.shared.core.domain": "trackers",
    "rasa.shared.core.events": "events",
    "rasa.shared.core.generator": "trackers",
    "rasa.shared.core.slots": "slots",
    "rasa.shared.core.trackers": "trackers",
    "rasa.shared.exceptions": "errors",
    "rasa.shared.nlu.constants": "constants",
    "rasa.shared.nlu.training_data.features": "features",
    "rasa.shared.nlu.training_data.message": "messages",
    "rasa.shared.nlu.training_data.training_data": "messages",
    "rasa.shared.utils.io": "files",
    "rasa.utils.endpoints": "endpoints",
    "rasa.utils.tensorflow.constants": "constants",
}
"""Rasa's modules, and the file of this folder that has what components take from them."""

_PACKAGES = {name.rsplit(".", depth)[0] for name in MODULES for depth in range(1, name.count(".") + 1)}


class NoOwnClass(FrontdeskError):
    """A Python path that leads to no class; the message says why."""


class AbsentCode(NoOwnClass):
    """The module of a Python path is not here at all, as when a project comes without its code."""


def own_class(path: str) -> type:
    """Import the class at a path such as `my_package.my_module.MyClass`.

    Raises:
        AbsentCode: Its module is not here.
        NoOwnClass: There is no such class, or its module cannot be imported.
    """
    _offer_names()
    module, _, name = path.rpartition(".")
    try:
        found = getattr(import_module(module), name)
    except ModuleNotFoundError as error:
        is_itself = error.name is not None and f"{module}.".startswith(f"{error.name}.")
        raise (AbsentCode if is_itself else NoOwnClass)(_missing(path, error)) from error
    except (ImportError, AttributeError, SyntaxError) as error:
        raise NoOwnClass(f"'{path}' cannot be imported: {error}") from error
    # A rim: a project's own module may do anything while it is imported.
    except Exception as error:
        raise NoOwnClass(f"'{path}' cannot be imported: {type(error).__name__}: {error}") from error
    if not isinstance(found, type):
        raise NoOwnClass(f"'{path}' is no class")
    return found


def source_of(path: str) -> bytes:
    """Return the text of the module that has an own class, so that a change of it can be noticed."""
    file = sys.modules[own_class(path).__module__].__file__
    return Path(file).read_bytes() if file else b""


def _missing(path: str, error: ModuleNotFoundError) -> str:
    name = error.name or ""
    if name.partition(".")[0] != ROOT:
        return f"'{path}' cannot be imported: {error}"
    return (
        f"'{path}' imports {name}, which is part of Rasa's own machinery and is not here; "
        f"here are {', '.join(MODULES)}"
    )


def _offer_names() -> None:
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
    # A serving process hides torch from libraries that would load it for nothing; own code may need it.
    if sys.modules.get("torch", sys) is None:
        del sys.modules["torch"]


class _Finder(MetaPathFinder):
    """Finds Rasa's modules in this folder."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002 (the protocol's signature)
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """Return where a module is, None for modules that are not Rasa's."""
        if fullname.partition(".")[0] != ROOT:
            return None
        if fullname in MODULES or fullname in _PACKAGES:
            return ModuleSpec(fullname, _NamesLoader(), is_package=fullname in _PACKAGES)
        raise ModuleNotFoundError(f"no module named '{fullname}'", name=fullname)


class _NamesLoader(Loader):
    """Fills a module with the names of ours."""

    def exec_module(self, module: ModuleType) -> None:
        """Copy the names; a package that only holds others stays empty."""
        ours = MODULES.get(module.__name__)
        if ours is not None:
            found = import_module(f"{__package__}.{ours}")
            module.__dict__.update(
                (name, value) for name, value in vars(found).items() if not name.startswith("_")
            )
