"""The model card: what a model was made from, and how well it understands, in words and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bot.dialogue.messages import JSON
from bot.nlu.training_facts import FACTS_FILE
from bot.runtime.model_package import NLU
from bot.training_data.project import Project

CARD_FILE, CARD_DATA_FILE = "MODEL_CARD.md", "model_card.json"
_FEW = 5  # an intent with fewer examples is named as a weakness
_UNKNOWN = "?"
_ABOUT_UNKNOWN = ("`?`: the language does not show, or is in hardly any sentence.", "")


def write_card(folder: Path, project: Project, version: str) -> dict[str, JSON]:
    """Write `MODEL_CARD.md` and `model_card.json` into a model's folder, whose NLU part is there already.

    Returns:
        The card's JSON form.
    """
    card = model_card(folder, project, version)
    (folder / CARD_DATA_FILE).write_text(json.dumps(card, ensure_ascii=False, indent=1) + "\n", "utf-8")
    (folder / CARD_FILE).write_text(render_card(card), "utf-8")
    return card


def model_card(folder: Path, project: Project, version: str) -> dict[str, JSON]:
    """Return the JSON form; `understanding` is None for an NLU that says nothing of its training."""
    facts = folder / NLU / FACTS_FILE
    return {
        "assistant_id": project.config.assistant_id,
        "trained_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "version": version,
        "understanding": json.loads(facts.read_text("utf-8")) if facts.is_file() else None,
        "dialogue": {
            "policies": [policy.name for policy in project.config.policies],
            "stories": len(project.stories),
            "rules": len(project.rules),
            "actions": len(project.domain.action_names),
            "slots": len(project.domain.slots),
            "forms": len(project.domain.forms),
        },
    }


def summary(card: Mapping[str, JSON]) -> str | None:
    """Say in one line how well held-out sentences are understood; None where nobody knows."""
    facts = card["understanding"] or {}
    said = []
    for task, title in (("intents", "intents"), ("sentiment", "sentiment")):
        scores = facts.get(task, {}).get("held_out")
        if scores:
            languages = {name: row for name, row in scores["by_language"].items() if name != _UNKNOWN}
            parts = ", ".join(f"{name} {row['accuracy']:.3f}" for name, row in languages.items())
            said.append(f"{title} {scores['accuracy']:.3f}" + (f" ({parts})" if len(languages) > 1 else ""))
    return ", ".join(said) or None


def render_card(card: Mapping[str, JSON]) -> str:
    """Return the card as Markdown."""
    facts = card["understanding"]
    lines = [
        f"# Model card: {card['assistant_id'] or 'an assistant without a name'}",
        "",
        f"Trained {card['trained_at']} by Frontdesk {card['version']}.",
        "",
    ]
    if facts:
        lines += [*_understanding(facts), *_augmentation(facts), *_thresholds(facts["thresholds"])]
        lines += [*_data(facts), *_origin(facts)]
    lines += ["## Dialogue", ""]
    lines += _table(("what", "how many"), _dialogue(card["dialogue"]))
    return "\n".join(lines).rstrip() + "\n"


def _understanding(facts: JSON) -> list[str]:
    rows = []
    for task in ("intents", "sentiment"):
        scores = facts[task]["held_out"]
        if scores:
            named = [*scores["by_language"].items(), ("all", scores)]
            rows += [
                (task, language, row["sentences"], f"{row['accuracy']:.3f}", f"{row['macro_f1']:.3f}")
                for language, row in named
            ]
    if not rows:
        return []
    lines = [
        "## How well it understands",
        "",
        "Each sentence of the training data was judged by heads that had not seen it (five-fold "
        "cross-validation). Customers write otherwise than authors: `frontdesk test nlu --nlu FILE` judges "
        "the model by their sentences.",
        "",
        *_table(("task", "language", "sentences", "accuracy", "macro F1"), rows),
        *(_ABOUT_UNKNOWN if any(row[1] == _UNKNOWN for row in rows) else ()),
        "## How honest its confidence is",
        "",
    ]
    for task in ("intents", "sentiment"):
        scores = facts[task]["held_out"]
        if scores:
            error = scores["expected_calibration_error"]
            lines += [
                f"{task.capitalize()}: expected calibration error {error:.3f}, temperature "
                f"{scores['temperature']:.2f}.",
                "",
                *_table(
                    ("confidence", "was right", "sentences"),
                    [
                        (f"{row['confidence']:.2f}", f"{row['accuracy']:.2f}", row["sentences"])
                        for row in scores["reliability"]
                    ],
                ),
            ]
    return lines


def _augmentation(facts: JSON) -> list[str]:
    rows = []
    for task in ("intents", "sentiment"):
        gain = facts[task]["augmentation"]
        if gain:
            rows += [
                (task, kind, *(f"{gain[f'{kind}_{way}']:.3f}" for way in ("without", "with")))
                for kind in ("plain", "altered")
            ]
    if not rows:
        return []
    ways = ", ".join(facts["understanding"]["augment"])
    lines = [
        "## What augmentation bought",
        "",
        f"Copies of the training sentences were altered ({ways}).",
        "",
    ]
    return lines + _table(("task", "held-out sentences", "accuracy without", "with"), rows)


def _thresholds(thresholds: JSON) -> list[str]:
    rows: list[Sequence[object]] = []
    fallback, scope = thresholds["fallback"], thresholds["scope"]
    if fallback:
        rows += [
            ("the intent is `nlu_fallback` below", f"{fallback['threshold']:g}"),
            ("or when the second intent is nearer than", f"{fallback['ambiguity_threshold']:g}"),
        ]
    if fallback and fallback["out_of_scope"] and scope:
        rows.append(("or out of scope, below a score of", f"{scope['threshold']:.2f}"))
        rows += [
            (f"or below, in `{language}`", f"{threshold:.2f}")
            for language, threshold in scope["thresholds"].items()
        ]
    if thresholds["sentiment"] is not None:
        rows.append(("sentiment abstains below", f"{thresholds['sentiment']:.2f}"))
    return ["## Thresholds", "", *_table(("rule", "value"), rows)] if rows else []


def _data(facts: JSON) -> list[str]:
    lines = ["## What it was taught", ""]
    for title, task in (("intent", "intents"), ("sentiment", "sentiment"), ("entity", "entities")):
        examples = facts[task]["examples"]
        if examples:
            lines += _counts(title, examples)
    few = [name for name, counts in facts["intents"]["examples"].items() if sum(counts.values()) < _FEW]
    if few:
        named = ", ".join(f"`{name}`" for name in few)
        lines += [f"Fewer than {_FEW} examples teach {named}: expect little of them.", ""]
    entities = facts["entities"]
    others = [(f"lookup table `{name}`", f"{count} phrases") for name, count in entities["lookups"].items()]
    others += [(f"regex `{name}`", "") for name in entities["regexes"]]
    others += [("synonyms", entities["synonyms"])] if entities["synonyms"] else []
    return lines + (_table(("beside examples", ""), others) if others else [])


def _counts(title: str, examples: Mapping[str, Mapping[str, int]]) -> list[str]:
    languages = sorted({language for counts in examples.values() for language in counts})
    rows: list[list[object]] = [
        [f"`{label}`", *(counts.get(language, 0) for language in languages), sum(counts.values())]
        for label, counts in examples.items()
    ]
    totals = [sum(counts.get(language, 0) for counts in examples.values()) for language in languages]
    return _table((title, *languages, "all"), [*rows, ["all", *totals, sum(totals)]])


def _origin(facts: JSON) -> list[str]:
    understanding = facts["understanding"]
    rows = [
        ("backbone", f"`{facts['backbone']}`, fine_tune `{understanding['fine_tune']}`"),
        ("language of the project", facts["language"]),
        ("training of the understanding", f"{facts['seconds']:.0f} s"),
        *facts["libraries"].items(),
    ]
    lines = ["## What it was made with", "", *_table(("what", "which"), rows)]
    return lines + [f"- {note}" for note in facts["notes"]] + ([""] if facts["notes"] else [])


def _dialogue(dialogue: JSON) -> list[Sequence[object]]:
    rows: list[Sequence[object]] = [("policies", ", ".join(dialogue["policies"]))]
    return rows + [(name, count) for name, count in dialogue.items() if name != "policies"]


def _table(heading: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Return a Markdown table with an empty line behind it; bars in names are escaped."""
    return [
        "| " + " | ".join(heading) + " |",
        "|" + "---|" * len(heading),
        *("| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows),
        "",
    ]
