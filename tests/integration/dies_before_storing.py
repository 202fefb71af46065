"""`python -m bot`, but the process dies at the moment the first turn would be stored."""

import os
from collections.abc import Sequence

from bot.cli import app
from bot.dialogue.events import Event
from bot.dialogue.messages import UserMessage
from bot.runtime.crm_tracker_store import CrmTrackerStore


def _die(_store: CrmTrackerStore, _message: UserMessage, _events: Sequence[Event]) -> None:
    os._exit(9)


if __name__ == "__main__":
    CrmTrackerStore.append = CrmTrackerStore.append_at_once = _die  # type: ignore[assignment, method-assign]
    app.main()
