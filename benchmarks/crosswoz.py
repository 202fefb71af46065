"""Chinese training and test data from CrossWOZ: `python -m benchmarks.crosswoz FOLDER OUT`.

FOLDER holds `val.jsonl.gz` and `test.jsonl.gz` of the corpus. What travellers write becomes an example: its
acts without their slots are the intent (`Inform-餐馆+Request-餐馆`; greetings count only where they stand
alone), the values it states are the entities, named by their slots. Written are `train.yml` (from `val`,
because the corpus' own training part is large) and `test.yml`, in Rasa's format.

Left out: messages without acts, intents with fewer than ten different messages to learn from, and messages
of the test part that are in the training part word for word.
"""

from __future__ import annotations

import gzip
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from bot.dialogue.messages import Entity
from bot.training_data.nlu_examples import NluData, NluExample
from bot.training_data.nlu_writer import write_nlu

_Act = Sequence[str]  # kind, domain, slot, value
_STATES, _SMALL_TALK = "Inform", "General"
_FEWEST = 10
# Signs that Rasa's markup gives a meaning to.
_MARKUP = str.maketrans("[]{}", "()()")


def examples(path: Path) -> Iterator[NluExample]:
    """Yield the travellers' messages of a file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            for turn in json.loads(line)["turns"]:
                text = " ".join(turn["text"].split()).translate(_MARKUP)
                if turn["role"] == "usr" and turn["acts"] and text:
                    yield NluExample(text, intent_of(turn["acts"]), tuple(entities_of(text, turn["acts"])))


def intent_of(acts: Sequence[_Act]) -> str:
    """Return the kinds and domains of the acts, small talk left out where there is anything else."""
    kinds = {(kind, domain) for kind, domain, _, _ in acts}
    business = {pair for pair in kinds if pair[0] != _SMALL_TALK}
    return "+".join(f"{kind}-{domain}" for kind, domain in sorted(business or kinds))


def entities_of(text: str, acts: Sequence[_Act]) -> list[Entity]:
    """Find the stated values in the text, longest first, each place once; widths and spaces do not count."""
    stated = [(slot, value) for kind, _, slot, value in acts if kind == _STATES and value]
    found: list[Entity] = []
    for slot, value in sorted(stated, key=lambda pair: -len(pair[1])):
        for match in _spelled(value).finditer(_plain(text)):
            start, end = match.span()
            if all(other.end <= start or end <= other.start for other in found):  # type: ignore[operator]
                found.append(Entity(slot, text[start:end], start, end))
                break
    return sorted(found, key=lambda entity: entity.start or 0)


def _plain(text: str) -> str:
    """Return the text with full-width signs as narrow ones, character for character."""
    return "".join(
        narrow if len(narrow := unicodedata.normalize("NFKC", character)) == 1 else character
        for character in text.lower()
    )


def _spelled(value: str) -> re.Pattern[str]:
    return re.compile(r"\s*".join(re.escape(character) for character in _plain(value) if character.strip()))


def split(train: Sequence[NluExample], test: Sequence[NluExample]) -> tuple[NluData, NluData]:
    """Keep what can be learnt and asked; see the head of this file."""
    distinct = list({example.text: example for example in train}.values())
    counts = Counter(example.intent for example in distinct)
    learnt = [example for example in distinct if counts[example.intent] >= _FEWEST]
    known = {example.text for example in distinct}
    asked = {example.text: example for example in test if example.text not in known}
    kept = [example for example in asked.values() if counts[example.intent] >= _FEWEST]
    return NluData(tuple(learnt)), NluData(tuple(kept))


def main(folder: Path, out: Annotated[Path, typer.Argument(help="Where train.yml and test.yml go.")]) -> None:
    """Write both files and say what is in them."""
    train, test = split(list(examples(folder / "val.jsonl.gz")), list(examples(folder / "test.jsonl.gz")))
    out.mkdir(parents=True, exist_ok=True)
    for name, data in (("train.yml", train), ("test.yml", test)):
        (out / name).write_text(write_nlu(data), encoding="utf-8")
        entities = sum(len(example.entities) for example in data.examples)
        intents = len({example.intent for example in data.examples})
        typer.echo(f"{name}: {len(data.examples)} messages, {intents} intents, {entities} entities")


if __name__ == "__main__":
    typer.run(main)
