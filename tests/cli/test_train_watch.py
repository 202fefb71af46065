"""`frontdesk train --watch` trains after each change, and goes on after a mistake."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.cli.init import write_starter
from bot.cli.screen import load_project
from bot.cli.train import is_source, train_on_changes
from bot.runtime.train import Wishes


def test_a_mistake_does_not_end_the_watch(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Each change is tried: what is wrong is told with its line, and the next change is looked at."""
    write_starter(tmp_path)
    domain = tmp_path / "domain.yml"
    domain.write_text(domain.read_text("utf-8").replace("- greet\n", "- greet: 3\n"), "utf-8")

    def changes() -> Iterator[None]:
        domain.write_text("intents: [", "utf-8")
        yield None
        domain.write_text("slots: 3\n", "utf-8")
        yield None

    train_on_changes(
        tmp_path, tmp_path / "models", lambda: load_project(tmp_path), wishes=Wishes(), changes=changes()
    )
    told = capfd.readouterr()
    assert told.out.count("Waiting for changes") == 3
    assert "domain.yml:1" in told.err
    assert "'slots' must be a mapping" in told.err
    assert not list(tmp_path.glob("models/*"))


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        pytest.param("data/nlu.yml", True, id="data"),
        pytest.param("domain.yaml", True, id="yaml"),
        pytest.param("models/20260101/metadata.json", False, id="model"),
        pytest.param("data/.nlu.yml.swp", False, id="editor"),
        pytest.param(".git/x.json", False, id="hidden"),
        pytest.param("crm.db", False, id="database"),
    ],
)
def test_only_the_developers_files_count(name: str, counts: bool) -> None:
    """A model, a store or an editor's leftovers start no training."""
    root = Path("/home/.hidden/bot")
    assert is_source(root / name, root, root / "models") is counts
