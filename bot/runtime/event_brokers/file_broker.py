"""Events into a file, one JSON object per line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.dialogue.messages import JSON
from bot.runtime.event_brokers.publisher import BrokerUnavailable


@dataclass(frozen=True, slots=True)
class FileBrokerOptions:
    """`event_broker: {type: file}`; a `path` without a folder lies beside the project's files."""

    path: str = "rasa_event.log"

    def open_broker(self, root: Path) -> FileBroker:
        """Return the broker."""
        return FileBroker(root / self.path)


class FileBroker:
    """Appends to a file, opened anew for each event, so that it can be moved away at any time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, event: Mapping[str, JSON]) -> None:
        """Write one line; see `EventBroker.send`."""
        line = json.dumps(event) + "\n"
        try:
            # One write of a whole line in append mode: lines of several processes do not mix.
            with self._path.open("ab", buffering=0) as file:
                file.write(line.encode())
        except OSError as error:
            raise BrokerUnavailable(f"events cannot be written to {self._path}: {error.strerror}") from error

    def stay_alive(self) -> None:
        """Do nothing: no connection is open."""

    def close(self) -> None:
        """Do nothing: no file is open."""
