"""A turn's explanation as people read it in a terminal: `frontdesk shell --debug`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from bot.dialogue.events import BotUttered
from bot.dialogue.messages import UserMessage
from bot.policies.ensemble import Ensemble
from bot.runtime.live import LiveProcessor
from bot.runtime.trace import ActionTrace, TurnTrace, Vote, trace

_LISTEN = "action_listen"


@dataclass(frozen=True, slots=True)
class ExplainingProcessor:
    """Takes messages through their turns and prints, after each, why the bot did what it did."""

    live: LiveProcessor
    console: Console

    async def handle(self, message: UserMessage) -> Sequence[BotUttered]:
        """Take one message through its turn."""
        said = await self.live.handle(message)
        processor = self.live.processor
        history = await processor.history(message.sender_id)
        if isinstance(processor.policies, Ensemble):
            explained = trace(
                message.sender_id, history.events, processor.domain, processor.policies, turns=1
            )
            for turn in explained:
                print_turn(turn, self.console)
        return said


def print_turn(turn: TurnTrace, console: Console) -> None:
    """Print what was understood, what the mappings did, and why each action was chosen."""
    if turn.text is not None:
        sure = "" if turn.confidence is None else f" ({turn.confidence:.2f})"
        _print(console, f"understood: {turn.intent}{sure} {' '.join(turn.entities)}".rstrip(), "yellow")
        for mapping in turn.mappings:
            reason = f": {mapping.reason}" if mapping.reason else ""
            if mapping.outcome == "skipped":
                _print(console, f"  slot {mapping.slot}: not {mapping.mapping}{reason}", "dim")
            elif mapping.outcome == "asked" and mapping.slot not in turn.slots:
                _print(console, f"  slot {mapping.slot}: {mapping.mapping}{reason}", "dim")
            else:
                line = f"  slot {mapping.slot} = {mapping.value!r} by {mapping.mapping}{reason}"
                _print(console, line, "green")
        told = {mapping.slot: mapping.value for mapping in turn.mappings if mapping.outcome != "skipped"}
        for name, value in turn.slots.items():
            if name not in told or told[name] != value:
                line = f"  slot {name} = {value!r} by a custom action, as it was stored at the time"
                _print(console, line, "green")
    for action in turn.actions:
        _print_action(action, console)


def _print_action(action: ActionTrace, console: Console) -> None:
    rejected = " (it rejected)" if action.was_rejected else ""
    style = "dim" if action.action == _LISTEN else "magenta"
    _print(console, f"-> {action.action}{rejected}: {action.why}", style)
    for vote in action.votes:
        _print(console, f"     {_vote(vote)}", "dim")
    for name, value in action.slots.items():
        _print(console, f"     slot {name} = {value!r}", "green")


def _vote(vote: Vote) -> str:
    if vote.action is None:
        return f"{vote.policy}: nothing" + (f" ({vote.reason})" if vote.reason else "")
    others = ", ".join(f"{name} {score:.2f}" for name, score in vote.others)
    reason = f"; {vote.reason}" if vote.reason else ""
    return (
        f"{vote.policy}: {vote.action} {vote.confidence:.2f}"
        + (f", then {others}" if others else "")
        + reason
    )


def _print(console: Console, line: str, style: str) -> None:
    console.print(Text(line, style=style), soft_wrap=True)
