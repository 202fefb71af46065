"""Words stay words at the desk: no way in which they become markup, code or a formula."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import desk
from desk.views.reports import Table

ROOT = Path(desk.__file__).parent


def test_nothing_in_the_desk_writes_markup() -> None:
    """No component and no page has a way in which words become markup or code."""
    for path in sorted(ROOT.rglob("*.js")):
        for way in ("v-html", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert way not in path.read_text(encoding="utf-8"), f"{path.name}: {way}"
    ways = ("html", "markdown", "run_javascript", "add_body_html", "add_css", "mermaid", "interactive_image")
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                where = f"{path.name}:{node.lineno}"
                owner = node.func.value
                is_nicegui = isinstance(owner, ast.Name) and owner.id in ("ui", "app")
                assert not (is_nicegui and node.func.attr in ways), where
                if node.func.attr in ("props", "add_head_html"):
                    assert all(_is_ours(argument) for argument in node.args), f"{where}: set it by its name"


def _is_ours(argument: ast.expr) -> bool:
    """Whether a text is written in the source: what is put into one could bring properties of its own."""
    if isinstance(argument, ast.IfExp):
        return _is_ours(argument.body) and _is_ours(argument.orelse)
    if isinstance(argument, ast.BinOp):
        return _is_ours(argument.left) and _is_ours(argument.right)
    if isinstance(argument, ast.JoinedStr):
        return all(_is_ours(part) for part in argument.values)
    if isinstance(argument, ast.FormattedValue):
        return _is_ours(argument.value)
    return isinstance(argument, ast.Constant)


def test_every_download_passes_the_guard_against_formulas() -> None:
    """Nothing is offered to be saved but tables as CSV, and those escape what a spreadsheet would compute."""
    downloads = []
    for path in sorted(ROOT.rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        downloads += re.findall(r"ui\.download\.?\w*\(([^,]*),", source)
    assert downloads == ["table.csv().encode()"]
    cells = ("=cmd|' /C calc'!A0", "+1", "-1", "@SUM(1)", "\t=1")
    table = Table("agents", "By agent", ("Agent",), tuple((cell,) for cell in cells))
    for line, cell in zip(table.csv().splitlines()[1:], cells, strict=True):
        assert line.strip('"').startswith(f"'{cell[:3]}")
