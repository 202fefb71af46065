"""The documents say what the code does."""

from __future__ import annotations

import inspect
import re
import subprocess
import tomllib

import pytest

from bot.runtime.processor import Processor
from tests.docs.tree import ROOT, tree

README = (ROOT / "README.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def _block(name: str) -> str:
    """Return what stands between the two marks of a block."""
    return ARCHITECTURE.split(f"<!-- {name} -->\n")[1].split("<!-- end -->")[0]


def test_the_architecture_shows_every_file() -> None:
    """The tree names each file of ours with the first sentence it says of itself."""
    assert _block("tree") == f"```\n{tree()}```\n"


def test_the_architecture_tells_the_steps_of_a_turn() -> None:
    """The steps are those of the docstring of `Processor.handle`, word for word."""
    docstring = inspect.getdoc(Processor.handle) or ""
    steps = "\n".join(line for line in docstring.splitlines() if re.match(r"\d\. ", line))
    assert _block("steps of Processor.handle") == f"```\n{steps}\n```\n"


def test_the_architecture_shows_the_layers() -> None:
    """The layers are those that the import contracts hold."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    layers = [" > ".join(contract["layers"]) for contract in contracts if contract["type"] == "layers"]
    assert _block("layers") == "```\n" + "\n".join(layers) + "\n```\n"


def test_the_readme_shows_the_top_of_the_tree() -> None:
    """Each file and folder that git knows at the top has its line in the README, and no other has one."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    top = {line.split("/")[0] + ("/" if "/" in line else "") for line in listed}
    shown = set(re.findall(r"^([\w.-]+/?) {2,}\S", README, flags=re.MULTILINE))
    assert shown == {name for name in top if not name.startswith(".")}


@pytest.mark.parametrize("page", sorted(path.name for path in (ROOT / "docs").glob("*.md")))
def test_links_lead_somewhere(page: str) -> None:
    """Every relative link of a page leads to a file."""
    for name, text, folder in (("README.md", README, ROOT), (page, None, ROOT / "docs")):
        content = text if text is not None else (folder / name).read_text(encoding="utf-8")
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", content):
            assert (folder / target).exists(), f"{name}: {target}"


def test_the_readme_names_existing_make_targets() -> None:
    """Every `make` command of the README is a target."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make ([a-z-]+)", README, flags=re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
