"""Many widgets at once on the served demo; the long version is `python -m benchmarks.widget_load`."""

from __future__ import annotations

import random

from benchmarks.open_widget import Door
from benchmarks.widget_load import Plan, Watched, many, milliseconds
from tests.integration.demo import ServedDemo

TEXTS = (
    "Where is my order LC104233?",
    "能推荐一款适合睡前阅读的台灯吗？",
    "How long does shipping take?",
    "thanks!",
)


async def test_every_message_of_many_open_widgets_is_answered(lasting_demo: ServedDemo) -> None:
    """Twelve customers at once get an answer in words to everything they write, in either language."""
    plan = Plan(Door.of(lasting_demo.port), pause_s=0.3, messages=4, texts=TEXTS)
    tally = await many(plan, sessions=12, seconds=4.0, rng=random.Random(7))
    assert (tally.failed, tally.without_words) == (0, 0)
    assert len(tally.whole_answer_s) >= 12
    figures = milliseconds(tally.first_words_s)
    assert list(figures) == ["p50", "p95", "p99", "max"]


def test_memory_is_told_minute_by_minute() -> None:
    """The growth is that of the second half, so that what is filled in the first one does not count."""
    watched = Watched(pid=1)
    watched.samples = [(5.0 * number, 300 + min(number, 20)) for number in range(49)]
    figures = watched.figures()
    assert figures["mib"] == [300, 312, 320, 320, 320]
    assert figures["peak_mib"] == 320
    assert figures["growth_in_second_half_mib_per_minute"] == 0.0
