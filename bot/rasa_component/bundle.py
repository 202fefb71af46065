"""The component for Rasa as one file: its own code with the modules that it needs, unchanged.

Nothing is written twice: the file is put together from the modules that serve here. Of their text only the
names in import statements change, so that a project's own packages may be called `bot` or `language`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMPONENT = "bot.rasa_component.component"
ROOMS = ("bot", "language")
PARTS = "frontdesk_parts"
# What Rasa 3.6.21 brings, and the two libraries that have to be installed beside it.
LIBRARIES = frozenset({"numpy", "safetensors", "onnxruntime", "tokenizers"})
OPTIONAL = frozenset({"dateparser", "phonenumbers"})
# Python 3.10 lacks a name of each.
_NEWER = {"enum": frozenset({"StrEnum"}), "datetime": frozenset({"UTC"})}

_HEAD = '''\
"""Frontdesk's understanding as a component of Rasa 3.6: one file, made by `frontdesk rasa-component`.

Put it beside your `config.yml`, install `onnxruntime` and `tokenizers`, and name it in the pipeline:

    pipeline:
    - name: frontdesk_nlu.FrontdeskNLU
      model: ../frontdesk/models     # a folder of trained models, or one of them

Made of Frontdesk {version} (Apache 2.0). Make it again instead of changing it.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import sys

_PARTS = "{parts}"
_SOURCES = {{}}


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Imports the modules below by their names, out of this file."""

    def find_spec(self, fullname, path=None, target=None):
        name = fullname[len(_PARTS) + 1 :]
        if fullname != _PARTS and not fullname.startswith(_PARTS + "."):
            return None
        is_package = not name or any(known.startswith(name + ".") for known in _SOURCES)
        if not is_package and name not in _SOURCES:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=is_package)

    def get_source(self, fullname):
        return _SOURCES.get(fullname[len(_PARTS) + 1 :], "")


_SOURCES["newer_enum"] = """
from enum import Enum, auto


class StrEnum(str, Enum):
    __str__ = str.__str__
    __format__ = str.__format__
"""
_SOURCES["newer_datetime"] = """
from datetime import date, datetime, time, timedelta, timezone

UTC = timezone.utc
"""
_SOURCES["absent"] = """
class Absent:
    def __getattr__(self, name):
        return self
"""
for _library in {optional}:
    if importlib.util.find_spec(_library) is None:
        # The component refuses models that would need it.
        _SOURCES["library_" + _library] = (
            "from {parts}.absent import Absent\\n"
            "def __getattr__(name):\\n    return Absent()\\n"
        )
    else:
        _SOURCES["library_" + _library] = (
            f"import {{_library}} as _library\\n"
            "def __getattr__(name):\\n    return getattr(_library, name)\\n"
        )
'''
_FOOT = """
if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
    sys.meta_path.insert(0, _Finder())

"""


def bundle(version: str) -> str:
    """Return the file's text.

    Raises:
        ValueError: A module that serves imports what Rasa's environment does not have.
    """
    parts = [_HEAD.format(version=version, parts=PARTS, optional=sorted(OPTIONAL))]
    for name in sorted(needed(COMPONENT) - {COMPONENT}):
        source = rewritten(source_of(name))
        parts.append(f"\n# {name.replace('.', '/')}.py\n_SOURCES[{name!r}] = {_quoted(source)}\n")
    parts.append(_FOOT)
    parts.append(_body(rewritten(source_of(COMPONENT))))
    return "".join(parts)


def needed(module: str) -> set[str]:
    """Return a module of ours with all that importing it imports, what functions import left out."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _imported(ast.parse(source_of(name)))
    return found


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in _at_import(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in ROOMS:
            for name in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names)):
                if _path(name).is_file():
                    yield name


def _at_import(tree: ast.Module) -> Iterator[ast.stmt]:
    """Walk over what runs when a module is imported, the branches of `if` and `try` included."""
    waiting: list[ast.stmt] = list(tree.body)
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        yield node
        if isinstance(node, ast.If | ast.Try | ast.With):
            waiting += [child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)]


def libraries(modules: Iterable[str]) -> set[str]:
    """Return the libraries of others that importing these modules imports."""
    found = set()
    for name in modules:
        for node in _at_import(ast.parse(source_of(name))):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.split(".")[0])
    return found - set(ROOMS)


def rewritten(source: str) -> str:
    """Return a module's text with the names in its import statements changed, and nothing else."""
    lines = source.splitlines(keepends=True)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module:
            lines[node.lineno - 1] = _renamed(lines[node.lineno - 1], node)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name in OPTIONAL:
                    lines[node.lineno - 1] = lines[node.lineno - 1].replace(
                        f"import {alias.name}", f"import {PARTS}.library_{alias.name} as {alias.name}"
                    )
    return "".join(lines)


def _renamed(line: str, node: ast.ImportFrom) -> str:
    module = str(node.module)
    names = {alias.name for alias in node.names}
    if module.split(".")[0] in ROOMS:
        target = f"{PARTS}.{module}"
    elif module in OPTIONAL:
        target = f"{PARTS}.library_{module}"
    elif names & _NEWER.get(module, frozenset()):
        target = f"{PARTS}.newer_{module}"
    else:
        return line
    return re.sub(rf"\bfrom {re.escape(module)}\b", f"from {target}", line, count=1)


def _path(module: str) -> Path:
    return ROOT.joinpath(*module.split(".")).with_suffix(".py")


def source_of(module: str) -> str:
    """Return a module's text."""
    return _path(module).read_text(encoding="utf-8")


def _quoted(source: str) -> str:
    """Write a text as a literal that people can read; one that a raw string cannot hold is escaped."""
    literal = f"r'''{source}'''"
    return literal if ast.literal_eval(literal) == source else repr(source)


def _body(source: str) -> str:
    """Return the component's code without its docstring, which the file's own one replaces."""
    tree = ast.parse(source)
    after = [node for node in tree.body if not _opens(node)]
    return "".join(source.splitlines(keepends=True)[after[0].lineno - 1 :])


def _opens(node: ast.stmt) -> bool:
    is_future = isinstance(node, ast.ImportFrom) and node.module == "__future__"
    return is_future or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
