"""A CRM store of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from crm_connector import database
from crm_connector.database import Store


@pytest.fixture
def store(tmp_path: Path, empty_file: bytes) -> Iterator[Store]:
    """Open an empty store in a file."""
    path = tmp_path / "crm.db"
    path.write_bytes(empty_file)
    with database.open(f"sqlite:///{path}") as store:
        yield store
