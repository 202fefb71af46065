"""`frontdesk explain`: which words and which training sentences decided what a message means."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.style import Style
from rich.table import Table
from rich.text import Text

from bot.cli.screen import Models, Root, explained, out, progress_bar
from bot.cli.serve import hide_torch

if TYPE_CHECKING:
    from bot.dialogue.messages import ParseResult
    from bot.nlu.explain import Decision, Explanation
    from bot.nlu.training_sentences import NearSentence

# Background of a word that decides nothing, of one that speaks for the label, of one that speaks against it:
# blue and orange stay apart for eyes that do not tell red from green.
_NOTHING, _FOR, _AGAINST = (38, 38, 38), (31, 111, 180), (190, 84, 20)
_WORDS_SHOWN = 6
_VISIBLE = 0.02  # of the heaviest word
_LONGEST_PART = 40  # characters


def explain(
    text: Annotated[str, typer.Argument(help="The message.")],
    project: Root = Path(),
    models: Models = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say which words and which training sentences decided: intent and sentiment of one message."""
    hide_torch()
    from bot.bootstrap import Model  # noqa: PLC0415 - after torch is hidden
    from bot.nlu.explain import Explainer  # noqa: PLC0415 - the same

    with explained():
        model = Model.load(models or project / "models")
        explainer = Explainer(model.understanding, model.package.nlu_folder)
        with progress_bar() as progress:
            found = explainer.explain(text, lambda share: progress("Asking the model", share))
    if as_json:
        out.print_json(json.dumps(found.as_dict(), ensure_ascii=False), ensure_ascii=False)
    else:
        print_explanation(found, out)


def print_explanation(found: Explanation, console: Console) -> None:
    """Print the message with its words coloured by weight, and under it the sentences it resembles."""
    language = found.result.language or "language unknown"
    if not (found.intent or found.sentiment):
        named = f"{found.result.intent.name} is what the message says" if found.result.intent.name else ""
        console.print(named or "There is nothing to read in this message.")
        return
    console.print(Text(f"message ({language})", style="dim"))
    if found.is_new_language:
        console.print(
            Text(f"almost no training sentence is written in this language ({language})", style="yellow")
        )
    if found.fallback:
        console.print(Text(f"fallback: {found.fallback}", style="yellow"), soft_wrap=True)
    read, unread = _read(found.result)
    if unread:
        console.print(
            Text(f"only the first {len(read):,} of {len(read + unread):,} characters are read", "yellow")
        )
    for title, decision in (("intent", found.intent), ("sentiment", found.sentiment)):
        if decision:
            console.print()
            _print_decision(title, decision, read, console)
    console.print()
    console.print(
        Text.assemble(
            ("for the label ", Style(bgcolor=_colour(1.0), color="white")),
            " ",
            ("against it ", Style(bgcolor=_colour(-1.0), color="white")),
            ("  pull: log odds; without: how sure the model is when the word is left out", "dim"),
        ),
        soft_wrap=True,
    )


def _read(result: ParseResult) -> tuple[str, str]:
    """Cut the text where understanding stops; nothing is left over unless it has letters or digits."""
    end = result.text_tokens[-1][1] if result.text_tokens else len(result.text)
    unread = result.text[end:]
    return (result.text[:end], unread) if any(map(str.isalnum, unread)) else (result.text, "")


def _print_decision(title: str, decision: Decision, text: str, console: Console) -> None:
    others = ", ".join(f"{name} {chance:.2f}" for name, chance in decision.ranking[1:4])
    console.print(
        Text.assemble(
            (f"{title} ", "bold"),
            (f"{decision.label} {decision.confidence:.2f}", "bold cyan"),
            (f"   then {others}" if others else "", "dim"),
        ),
        soft_wrap=True,
    )
    console.print(Text("  ").append_text(_coloured(decision, text)), soft_wrap=True)
    heaviest = sorted(decision.parts, key=lambda part: -abs(part.weight))[:_WORDS_SHOWN]
    words = Table(box=None, pad_edge=False, padding=(0, 2), header_style="dim")
    for heading, justify in (("  word", "left"), ("pull", "right"), ("without", "right")):
        words.add_column(heading, justify=justify)  # type: ignore[arg-type] # rich has no name for these words
    for part in heaviest:
        pull = Text(f"{part.weight:+.2f}", style="blue" if part.weight > 0 else "dark_orange")
        words.add_row(Text(f"  {_short(part.text)}"), pull, f"{part.without:.2f}")
    console.print(words)
    _print_near("most like it", decision.near, console)
    elsewhere = [row for row in decision.near_other if row not in decision.near]
    _print_near("most like it elsewhere", elsewhere, console)


def _short(part: str) -> str:
    """Return one word as it is, of a run of words the first and the last."""
    words = part.split()
    shown = part if len(words) < 2 else f"{words[0]} … {words[-1]}"
    return (
        shown
        if len(shown) <= _LONGEST_PART
        else f"{shown[: _LONGEST_PART // 2]}…{shown[-_LONGEST_PART // 2 :]}"
    )


def _coloured(decision: Decision, text: str) -> Text:
    coloured = Text(text)
    most = max((abs(part.weight) for part in decision.parts), default=0.0) or 1.0
    for part in decision.parts:
        share = part.weight / most
        if abs(share) >= _VISIBLE:
            coloured.stylize(Style(bgcolor=_colour(share), color="white"), part.start, part.end)
    return coloured


def _colour(share: float) -> str:
    """Return the background of a word that has this share, in [-1, 1], of the heaviest word's weight."""
    full = _FOR if share > 0 else _AGAINST
    mixed = (round(none + (some - none) * abs(share)) for none, some in zip(_NOTHING, full, strict=True))
    return "#" + "".join(f"{value:02x}" for value in mixed)


def _print_near(title: str, near: Sequence[NearSentence], console: Console) -> None:
    if not near:
        return
    console.print(Text(f"  {title}", style="dim"))
    for row in near:
        place = f"  {row.sentence.place}" if row.sentence.place else ""
        console.print(
            Text.assemble(
                f"  {row.similarity:5.2f}  {row.sentence.text}",
                (f"  {row.sentence.label}", "cyan"),
                (place, "dim"),
            ),
            soft_wrap=True,
        )
