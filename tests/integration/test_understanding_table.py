"""The table of docs/understanding.md, made from rows that were measured."""

from __future__ import annotations

import gzip
from pathlib import Path

from benchmarks import nlu, understanding


def test_a_row_shows_aim_and_figure_side_by_side() -> None:
    """Rows without a measurement are left out; a peer has its sentence below."""
    measured = {
        "name": "CLINC150, all; out of scope; rejected",
        "accuracy": 0.9612,
        "out_of_scope_recall": 0.7,
        "in_scope_rejected": 0.031,
        "expected_calibration_error": 0.0204,
        "training_s": 41.26,
        "parse_p50_ms": 1.84,
        "peer": {"accuracy": 0.9, "training_s": 800.0, "parse_p50_ms": 11.2, "training_ratio": 19.4},
    }
    written = understanding.table([measured])
    name = measured["name"]
    assert f"| {name} | 97.0 / 87.0 / 4.0 | 96.1 / 70.0 / 3.1 | 0.020 | 41 | 1.8 |" in written
    assert "accuracy 90.0, 800 s of training (19.4 times ours), parse p50 11.2 ms" in written
    assert "SNIPS" not in written


def test_packed_files_are_read_and_folds_share_no_sentence(tmp_path: Path) -> None:
    """Tweets come packed; what is asked in a fold was not learnt in it."""
    lines = "".join(f"sentence {number},{'positive' if number % 2 else 'negative'}\n" for number in range(40))
    with gzip.open(tmp_path / "tweets.csv.gz", "wt", encoding="utf-8") as file:
        file.write(f"text,sentiment\n{lines}")
    assert len(nlu.read(tmp_path / "tweets.csv.gz").sentiment_examples) == 40
    row = next(row for row in understanding.ROWS if row.data == "airline_tweets")
    draws = list(understanding.draws(row, tmp_path, seeds=5))
    assert len(draws) == 5
    asked = [example.text for _, held_out in draws for example in held_out.sentiment_examples]
    assert len(asked) == len(set(asked)) == 40
    for taught, held_out in draws:
        learnt = {example.text for example in taught.sentiment_examples}
        assert not learnt & {example.text for example in held_out.sentiment_examples}
