"""The widget's scripts as they are served: joined, without comments and blanks, private names shortened.

The sources in `static/widget/` are ES modules that a reader can follow. `main.js` and all that it imports are
served as one script; the modules that are loaded on demand (`forms`, `files`, `locales/…`) as one each. They
import from `main.js` alone, so nothing is loaded twice.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from itertools import count
from pathlib import Path

import rjsmin

_ENTRY = "main"
_ON_DEMAND = ("forms", "files", "locales/*")

_IMPORT = re.compile(r'^import (?:\w+|\{[^}]*\}) from "\./([\w.]+)\.js";\n', re.MULTILINE)
_SHARED = re.compile(r'^export \{([^}]*)\} from "\./(\w+)\.js";\n', re.MULTILINE)
_TOP_LEVEL = re.compile(
    r"^(?:export )?(?:async )?(?:const|let|function|class) (\w+)(?! = [\d_.]+;)", re.MULTILINE
)
_EXPORT = re.compile(r"^export (?=class|const|function|async)", re.MULTILINE)
# A number with a name is put where the name stands.
_NUMBER = re.compile(r"^const ([A-Z][A-Z_]+) = ([\d_.]+);\n", re.MULTILINE)
_STYLE = re.compile(r'^import (\w+) from "\./(\w+\.css)\.js";\n', re.MULTILINE)


def widget_scripts(folder: Path) -> dict[str, str]:
    """Return every script of the widget by its path below `static/`.

    Args:
        folder: `static/`, with `widget.js` and `widget/`.
    """
    sources = folder / "widget"
    on_demand = [path for pattern in _ON_DEMAND for path in sorted(sources.glob(f"{pattern}.js"))]
    scripts = {"widget.js": (folder / "widget.js").read_text(encoding="utf-8")}
    scripts[f"widget/{_ENTRY}.js"] = _join(sources)
    for path in on_demand:
        scripts[path.relative_to(folder).as_posix()] = path.read_text(encoding="utf-8")
    return {name: _minify(script) for name, script in scripts.items()}


def _minify(script: str) -> str:
    numbers = dict(_NUMBER.findall(script))
    script = re.sub(
        r"\b[A-Z][A-Z_]+\b", lambda found: numbers.get(found[0], found[0]), _NUMBER.sub("", script)
    )
    return shorten_private_names(rjsmin.jsmin(script))


def shorten_private_names(script: str) -> str:
    """Give private members names of one or two letters; the language keeps them to their class."""
    used = Counter(re.findall(r"#\w+", script))
    names = sorted(set(re.findall(r"\bthis\.(#\w+)", script)), key=lambda name: (-used[name], name))
    short = (f"#{letter}{number or ''}" for number in count() for letter in "abcdefghijklmnopqrstuvwxyz")
    shorter = dict(zip(names, short, strict=False))
    return re.sub(r"#\w+", lambda found: shorter.get(found[0], found[0]), script)


def squeeze_css(css: str) -> str:
    """Drop what a style sheet does not need: comments, blanks, last semicolons."""
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    css = re.sub(r"\s+", " ", css)
    css = re.sub(r" ?([{};,>]) ?", r"\1", css)
    return css.replace(": ", ":").replace(";}", "}").strip()


def _join(sources: Path) -> str:
    """Put the entry and all that it imports into one script, each module after those that it needs."""
    parts: dict[str, str] = {}
    shared: list[str] = []

    def add(name: str) -> None:
        if name in parts:
            return
        text = (sources / f"{name}.js").read_text(encoding="utf-8")
        text = _STYLE.sub(lambda found: _style(sources / found[2], found[1]), text)
        needed = [*_IMPORT.findall(text), *(module for _, module in _SHARED.findall(text))]
        for module in needed:
            add(module)
        if name == _ENTRY:
            shared.extend(names for names, _ in _SHARED.findall(text))
        else:
            text = _EXPORT.sub("", text)
        parts[name] = _SHARED.sub("", _IMPORT.sub("", text))

    add(_ENTRY)
    _check_names(parts)
    return "\n".join([*parts.values(), f"export {{{','.join(shared)}}};"])


def _check_names(parts: Mapping[str, str]) -> None:
    """Joined modules share one scope: what stands at the top of one must be called so in no other."""
    homes: dict[str, str] = {}
    for module, text in parts.items():
        for name in _TOP_LEVEL.findall(text):
            if name in homes:
                raise ValueError(
                    f"'{name}' stands in {homes[name]}.js and in {module}.js, expected in one of them"
                )
            homes[name] = module


def _style(path: Path, name: str) -> str:
    """A style sheet as a constant of the script."""
    css = squeeze_css(path.read_text(encoding="utf-8"))
    return f"const {name} = {json.dumps(css, ensure_ascii=False)};\n"
