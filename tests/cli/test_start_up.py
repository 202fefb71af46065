"""What the quick commands load: they are typed all day long."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bot.cli.init import write_starter

HEAVY = ("numpy", "scipy", "sqlalchemy", "alembic", "spacy", "onnxruntime", "torch", "fastapi", "asyncio")


@pytest.mark.parametrize("command", [["validate"], ["--help"]], ids=["validate", "help"])
def test_quick_commands_load_nothing_heavy(command: list[str], tmp_path: Path) -> None:
    """`validate` and `--help` load neither numbers nor a database, a web server, or what trains."""
    write_starter(tmp_path)
    code = (
        "import sys\nfrom bot.cli.app import app\n"
        "try: app(sys.argv[1:])\n"
        f"finally: print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *command], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_server_loads_no_more_than_it_serves(tmp_path: Path) -> None:
    """What only some channels, doors and pipelines need is loaded where a project names them."""
    unused = (
        "torch", "transformers", "sklearn", "scipy", "spacy", "onnx",
        "alembic", "aiohttp", "cryptography", "dateparser", "dbos", "holidays", "nicegui", "phonenumbers",
        "redis", "requests", "slack_bolt", "socketio", "telegram",
    )  # fmt: skip
    code = (
        "import sys; from pathlib import Path\nfrom bot.cli.serve import hide_torch\nhide_torch()\n"
        "from bot.bootstrap import Assistant\nfrom bot.errors import ModelError\n"
        "from bot.model_jobs import ServerJobs\nfrom bot.server.app import server\n"
        "from bot.settings import Settings\n"
        "try: Assistant.start(Settings.read(Path()))\n"
        "except ModelError: pass\n"
        f"print([name for name in {unused} if sys.modules.get(name)])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
