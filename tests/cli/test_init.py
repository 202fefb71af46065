"""`frontdesk init` writes a project that is valid and can be trained as it is."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from bot.cli.app import app
from bot.cli.init import STARTER, write_starter
from bot.runtime.check import check_project
from bot.training_data.project import Project


def test_the_starter_project_is_without_fault(tmp_path: Path) -> None:
    """Not even a warning is left, and its test stories can be read."""
    write_starter(tmp_path)
    project = Project.load(tmp_path)
    assert check_project(project) == []
    assert [step for file in project.load_tests() for step in file.steps]


def test_init_writes_every_file_where_it_is_told(tmp_path: Path) -> None:
    """The answers to the questions are followed: this folder, no training."""
    result = CliRunner().invoke(app, ["init"], input=f"{tmp_path}/bot\nn\n")
    assert result.exit_code == 0, result.output
    written = {path.relative_to(tmp_path / "bot") for path in (tmp_path / "bot").rglob("*.*")}
    assert written == {path.relative_to(STARTER) for path in STARTER.rglob("*.*")}


def test_init_overwrites_nothing(tmp_path: Path) -> None:
    """A folder with a project in it is refused before anything is written."""
    (tmp_path / "domain.yml").write_text("mine", encoding="utf-8")
    result = CliRunner().invoke(app, ["init", "--no-prompt", "--init-dir", str(tmp_path)])
    assert result.exit_code == 1
    assert "domain.yml is there already" in " ".join(result.output.split())
    assert [path.name for path in tmp_path.iterdir()] == ["domain.yml"]
    assert (tmp_path / "domain.yml").read_text(encoding="utf-8") == "mine"
