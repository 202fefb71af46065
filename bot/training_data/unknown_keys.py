"""Keys that nobody reads but that look like one that somebody does: most of them are slips of the hand.

Rasa passes such keys over in silence, so they are warnings.
"""

from __future__ import annotations

from collections.abc import Iterable

from bot.errors import nearest
from bot.training_data.findings import Findings
from bot.training_data.yaml_values import YamlMap

# A file may hold several kinds at once: over HTTP a whole project is one.
FILE_KEYS = (
    "version", "recipe", "language", "assistant_id", "pipeline", "policies", "importers", "imports",
    "nlu", "sentiment", "stories", "rules", "intents", "entities", "slots", "forms", "responses", "actions",
    "e2e_actions", "session_config", "config",
)  # fmt: skip


def warn_misspelled_keys(
    document: YamlMap, findings: Findings, *, known: Iterable[str] = FILE_KEYS, where: str = ""
) -> None:
    """Warn of keys of a mapping that resemble one that could stand there and does not."""
    known = tuple(known)
    missing = [key for key in known if key not in document]
    for key in document:
        hint = nearest(str(key), missing) if key not in known else ""
        if hint:
            message = f"unknown key '{key}'{where}{hint}; it is passed over"
            place = document.at(key)
            if not any(item.location == place and item.message == message for item in findings.items):
                findings.warn("unknown-key", message, place)
