"""The file tree of docs/architecture.md, made from the first sentence of each file.

Run `python -m tests.docs.tree` to print it.
"""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("language", "bot", "actions", "crm_connector", "desk", "benchmarks")


def tree() -> str:
    """Return one line per folder and file of ours, in the order of the layers."""
    lines: list[str] = []
    for room in ROOMS:
        folders: set[str] = set()
        for path in _files(room):
            folder = path.parent.as_posix()
            if folder not in folders:
                folders.add(folder)
                lines.append(f"{folder}/")
            lines.append(f"  {path.name:<28} {_subject(ROOT / path)}")
    return "\n".join(lines) + "\n"


def _files(room: str) -> list[Path]:
    """Python files git knows or would take, the ones of a folder before those of its folders."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", f"{room}/*.py"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    paths = [Path(line) for line in listed if (ROOT / line).exists()]
    ours = [path for path in paths if path.name != "__init__.py" and "versions" not in path.parts]
    return sorted(ours, key=lambda path: (path.parent.as_posix(), path.name))


def _subject(path: Path) -> str:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(docstring.split("\n\n")[0].split())


if __name__ == "__main__":
    print(tree(), end="")  # noqa: T201 - a command line
