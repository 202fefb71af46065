"""How bad a complaint is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.severity import Complaint, is_serious, severity_of
from crm_connector.choices import Severity

_ORDER = list(Severity)


@pytest.mark.parametrize(
    ("text", "sentiment", "severity"),
    [
        ("the colour is slightly different", "neutral", Severity.LOW),
        ("颜色和图片有一点不一样", "neutral", Severity.LOW),
        ("I'm not happy with it", "negative", Severity.MEDIUM),
        ("不太满意", "negative", Severity.MEDIUM),
        ("I've been waiting for three weeks", "negative", Severity.HIGH),
        ("等了三周还是没人回复", "negative", Severity.HIGH),
        ("ridiculous, the worst service, nobody answers me!!", "negative", Severity.CRITICAL),
        ("太过分了，垃圾服务，没人管！！", "negative", Severity.CRITICAL),
        ("it gave me an electric shock", "neutral", Severity.CRITICAL),
        ("充电的时候冒烟了", None, Severity.CRITICAL),
        ("I will call my lawyer", "neutral", Severity.CRITICAL),
        ("我要打12315", "neutral", Severity.CRITICAL),
    ],
)
def test_complaints_are_judged_from_mild_to_critical(
    text: str, sentiment: str | None, severity: Severity
) -> None:
    """Tone, words, waiting and danger count, in both languages."""
    assert severity_of(Complaint(text, sentiment)) is severity


@given(st.text(max_size=200), st.sampled_from(["neutral", "positive", None]))
def test_an_angrier_tone_or_a_history_never_makes_it_milder(text: str, sentiment: str | None) -> None:
    """Severity grows with sentiment and with earlier complaints."""
    calm = _ORDER.index(severity_of(Complaint(text, sentiment)))
    assert _ORDER.index(severity_of(Complaint(text, "negative"))) >= calm
    assert _ORDER.index(severity_of(Complaint(text, sentiment, 3))) >= calm


@given(st.text(max_size=100))
def test_whoever_sounds_negative_is_taken_seriously(text: str) -> None:
    """A negative tone is enough for a person to see the complaint."""
    assert is_serious(Complaint(text, "negative"))
