"""A project's own Python code: actions, policies."""

from __future__ import annotations

import sys
from pathlib import Path


def make_importable(root: Path) -> None:
    """Let the packages beside a project's files be imported; they win over others of the same name."""
    folder = str(root.resolve())
    if folder not in sys.path:
        sys.path.insert(0, folder)
