"""Choosing a response's variation and filling it."""

from __future__ import annotations

import random

import pytest

from bot.dialogue.domain import Domain, ResponseVariation
from bot.dialogue.messages import JSON
from bot.dialogue.nlg import bot_uttered, choose, interpolate, render

RNG = random.Random(1)
YES = ({"type": "slot", "name": "s", "value": "Yes"},)
ALL = (
    ResponseVariation("chan", channel="c"),
    ResponseVariation("cond", condition=YES),
    ResponseVariation("def"),
    ResponseVariation("both", channel="e", condition=YES),
    ResponseVariation("plain e", channel="e"),
    ResponseVariation("rest", channel="rest"),
    ResponseVariation("collected", channel="collector"),
    ResponseVariation("dead", condition=()),
)


@pytest.mark.parametrize(
    ("channel", "slot", "expected"),
    [
        ("c", "yes", {"chan"}),
        ("d", "yes", {"cond"}),
        ("d", "no", {"def"}),
        ("e", "YES", {"both"}),
        ("e", None, {"plain e"}),
        ("rest", "no", {"rest", "collected"}),
    ],
)
def test_the_channel_comes_before_the_condition(channel: str, slot: JSON, expected: set[str]) -> None:
    """Own channel with and without condition, then the same without a channel; case does not matter."""
    chosen = [choose(ALL, {"s": slot}, channel, RNG) for _ in range(40)]
    assert {variation.text for variation in chosen if variation} == expected


def test_an_empty_list_of_conditions_is_never_chosen() -> None:
    """It counts neither as conditional nor as default."""
    assert choose((ResponseVariation("dead", condition=()),), {}, "c", RNG) is None


def test_values_other_than_text_are_compared_as_they_are() -> None:
    """A boolean condition matches a boolean."""
    variation = ResponseVariation("on", condition=({"type": "slot", "name": "b", "value": True},))
    assert choose((variation,), {"b": True}, "c", RNG)
    assert choose((variation,), {"b": "true"}, "c", RNG) is None


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("hi {name}", "hi Ann"),
        ("{none} and {list}", "None and [1, 2]"),
        ("{{name}}", "{name}"),
        ("{{{name}}}", "{Ann}"),
        ("{{name}} is {name}", "{name} is Ann"),
        ("{name} {nope}", "{name} {nope}"),
        ("{name:.2f}", "{name:.2f}"),
        ("{a.b}", "dotted"),
        ("{} {name", "{} {name"),
        ("50% } {name}", "50% } Ann"),
    ],
)
def test_filling_a_text(text: str, filled: str) -> None:
    """All names are filled or none; doubled braces stand for single ones; a lone brace stays."""
    values = {"name": "Ann", "none": None, "list": [1, 2], "a.b": "dotted"}
    assert interpolate(text, values) == filled


def test_filling_goes_deep() -> None:
    """Texts inside lists and maps are filled, other values stay."""
    value = {"a": [{"b": "{x}"}, 3], "c": None}
    assert interpolate(value, {"x": "y"}) == {"a": [{"b": "y"}, 3], "c": None}


def test_rendering_fills_what_is_said_and_names_the_response() -> None:
    """Text and buttons are filled from slots and given values, given ones first."""
    buttons = [{"title": "{a}", "payload": "/go"}]
    variation = ResponseVariation("{a} {b}", {"buttons": buttons}, metadata={"k": "v"}, id="7")
    domain = Domain(responses={"utter_x": (variation,)})
    message = render(
        "utter_x", domain, {"a": "slot", "b": "slot"}, channel="c", rng=RNG, values={"b": "given"}
    )
    assert message == {
        "text": "slot given",
        "buttons": [{"title": "slot", "payload": "/go"}],
        "metadata": {"k": "v"},
        "id": "7",
        "utter_action": "utter_x",
    }


def test_a_response_without_variation_is_nothing() -> None:
    """An unknown response renders to None."""
    assert render("utter_nope", Domain(), {}, channel="c", rng=RNG) is None


def test_the_event_keeps_parts_and_metadata_apart() -> None:
    """Buttons are data; the response's name and everything unknown is metadata."""
    event = bot_uttered({"text": "hi", "buttons": [1], "utter_action": "utter_x", "extra": 2})
    assert (event.text, event.data["buttons"], event.data["image"]) == ("hi", [1], None)
    assert event.metadata == {"utter_action": "utter_x", "extra": 2}
