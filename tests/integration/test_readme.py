"""The README's conversations are what the demo assistant really says."""

from __future__ import annotations

import re

import pytest

from tests.integration.demo import ROOT, ServedDemo

README = (ROOT / "README.md").read_text(encoding="utf-8")
CONVERSATIONS = dict(re.findall(r"<!-- conversation (\w+) -->\n```\n(.*?)```", README, flags=re.DOTALL))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_conversation_of_the_readme_goes_as_told(demo: ServedDemo, language: str) -> None:
    """Each line that starts with `>` is sent; the lines after it are the texts of the answer."""
    said = [turn.strip().split("\n") for turn in CONVERSATIONS[language].split("> ") if turn.strip()]
    assert len(said) >= 2
    for message, *answer in said:
        texts = [line for part in demo.send(message) for line in part.get("text", "").split("\n")]
        assert texts == answer
