"""The demo assistant's own test stories, and its scores on sentences it has not seen."""

from __future__ import annotations

from pathlib import Path

from tests.integration.demo import ROOT, frontdesk


def test_all_conversations_pass(models: Path, tmp_path: Path) -> None:
    """Every test story is understood and answered as told, by `frontdesk test`."""
    run = frontdesk("test", "--models", str(models), "--out", str(tmp_path))
    assert run.returncode == 0, run.stdout


def test_there_are_forty_conversations_in_both_languages() -> None:
    """At least forty test stories stand in tests/conversations/, a third of them or more in Chinese."""
    stories = [
        story
        for path in (ROOT / "tests" / "conversations").glob("test_*.yml")
        for story in path.read_text(encoding="utf-8").split("- story:")[1:]
    ]
    chinese = [story for story in stories if any("\u4e00" <= character <= "\u9fff" for character in story)]
    assert len(stories) >= 40
    assert len(chinese) >= len(stories) / 3


def test_the_demo_has_no_mistakes() -> None:
    """`frontdesk validate` finds neither errors nor warnings in the demo."""
    run = frontdesk("validate", "--fail-on-warnings")
    assert run.returncode == 0, run.stderr
