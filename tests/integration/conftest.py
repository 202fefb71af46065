"""The demo assistant, trained once, on a store of its own for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.demo import ROOT, ServedDemo, frontdesk


@pytest.fixture(scope="session")
def models() -> Path:
    """Train the demo assistant; what has not changed since the last run of the tests is not trained again."""
    folder = ROOT / ".frontdesk" / "test-models"
    trained = frontdesk("train", "--models", str(folder))
    assert trained.returncode == 0, trained.stderr
    for older in sorted(path for path in folder.iterdir() if path.is_dir())[:-1]:
        shutil.rmtree(older)
    return folder


@pytest.fixture(scope="session")
def filled_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fill the demo company into a file that tests copy."""
    path = tmp_path_factory.mktemp("crm") / "filled.db"
    filled = frontdesk("crm", "fill", crm_url=f"sqlite:///{path}")
    assert filled.returncode == 0, filled.stderr
    return path


@pytest.fixture
def crm_url(filled_store: Path, tmp_path: Path) -> str:
    """Give a filled store that nobody else writes to."""
    path = tmp_path / "crm.db"
    shutil.copy(filled_store, path)
    return f"sqlite:///{path}"


@pytest.fixture(scope="module")
def lasting_demo(
    models: Path, filled_store: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServedDemo]:
    """Serve the demo assistant for all tests of a file: for those that only want to be answered."""
    path = tmp_path_factory.mktemp("lasting") / "crm.db"
    shutil.copy(filled_store, path)
    with ServedDemo(models, f"sqlite:///{path}") as served:
        yield served


@pytest.fixture
def demo(models: Path, crm_url: str) -> Iterator[ServedDemo]:
    """Serve the demo assistant."""
    with ServedDemo(models, crm_url) as served:
        yield served
