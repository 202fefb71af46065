"""The engine does what Rasa 3.6 was recorded to do, in every turn of every recorded conversation."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.conformance import Result, check_all, describe

CORPUS = Path(__file__).parents[3] / "shared" / "conformance"


@pytest.mark.shared
@pytest.mark.skipif(not CORPUS.exists(), reason="the conformance corpus is not beside the project")
def test_every_recorded_turn_brings_the_same_events() -> None:
    """A difference is shown side by side."""
    results = list(check_all(CORPUS))
    refused = [result for result in results if not isinstance(result, Result)]
    assert refused == []
    shown = [
        "\n".join([result.project, *describe(difference)])
        for result in results
        if isinstance(result, Result)
        for difference in result.differences
    ]
    assert not shown, "\n\n".join(shown)
    assert sum(result.turns for result in results if isinstance(result, Result)) > 0
