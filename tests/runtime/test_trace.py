"""What a trace says of slots that actions filled: it reads what was stored, and runs nothing again."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from bot.cli.explanation import print_turn
from bot.dialogue.events import Event, SlotSet, UserUttered
from bot.dialogue.messages import Intent, ParseResult
from bot.policies.ensemble import Ensemble
from bot.runtime.trace import TurnTrace, trace
from bot.training_data.domain_file import load_domain

DOMAIN = """
intents: [order]
actions: [action_sum, action_find]
slots:
  total: {type: any, mappings: [{type: custom, action: action_sum}]}
  place: {type: any, mappings: [{type: custom, action: action_find}]}
  checked: {type: any, mappings: [{type: custom}]}
"""


def explained(folder: Path, *events: Event) -> tuple[TurnTrace, str]:
    """Return one message's trace, and how it reads."""
    (folder / "domain.yml").write_text(DOMAIN)
    said = UserUttered(text="two", parse_data=ParseResult("two", Intent("order", 1.0)))
    domain = load_domain([folder / "domain.yml"])
    (turn,) = trace("mia", [said, *events], domain, Ensemble(()))
    console = Console(record=True, width=200, force_terminal=False, quiet=False)
    print_turn(turn, console)
    return turn, console.export_text()


def test_what_actions_of_mappings_gave_is_read_from_the_events(tmp_path: Path) -> None:
    """The value of the time, that nothing was stored, and what a validation set beside it."""
    turn, shown = explained(tmp_path, SlotSet(name="total", value=3), SlotSet(name="checked", value=True))
    assert [(row.slot, row.outcome, row.value) for row in turn.mappings] == [
        ("total", "asked", 3),
        ("place", "asked", None),
        ("checked", "skipped", None),
    ]
    again = "the action is not run again"
    assert f"slot total = 3 by custom action_sum: what was stored at the time; {again}" in shown
    assert f"slot place: custom action_find: nothing was stored at the time; {again}" in shown
    assert "slot checked: not custom: only actions fill it" in shown
    assert "slot checked = True by a custom action, as it was stored at the time" in shown
