"""A store with the demo company for each test, filled once and copied."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from actions import meaning, turn
from crm_connector import database, sample_data
from tests.actions.chat import Chat


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the rows of the demo company."""
    path = tmp_path_factory.mktemp("crm") / "demo.db"
    with database.open(f"sqlite:///{path}") as store, store.session() as session:
        sample_data.fill(session)
    return path


@pytest.fixture
def store(filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[database.Store]:
    """The store that the actions of this test work on."""
    path = tmp_path / "crm.db"
    shutil.copy(filled, path)
    monkeypatch.setenv(turn.URL_VARIABLE, f"sqlite:///{path}")
    monkeypatch.setenv(meaning.CACHE_VARIABLE, str(tmp_path / "no encoder"))
    yield turn.store()
    turn.close_stores()


@pytest.fixture
def chat(store: database.Store) -> Chat:
    """A conversation of somebody whom nobody knows yet."""
    del store  # the environment names it to the actions
    return Chat()
