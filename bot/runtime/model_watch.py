"""A served model follows the newest one that was trained."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from watchfiles import watch

from bot.errors import FrontdeskError
from bot.runtime import model_package
from bot.runtime.live import LiveProcessor, TrainedModel

logger = logging.getLogger(__name__)


@dataclass
class ModelWatch:
    """Swaps in each model that is trained from now on; one that cannot be loaded changes nothing.

    A model that was loaded on purpose (`PUT /model`) stays until the next one is trained.
    """

    models: Path
    live: LiveProcessor
    load: Callable[[Path], TrainedModel]
    _seen: Path | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self._seen = self._newest()

    def check(self) -> bool:
        """Swap if there is a model newer than the last one seen; blocks while it loads."""
        newest = self._newest()
        if newest is None or newest == self._seen:
            return False
        self._seen = newest
        try:
            model = self.load(newest)
        except FrontdeskError:
            logger.exception("the new model %s cannot be loaded, the running one stays", newest.name)
            return False
        self.live.swap(model)
        logger.info("model %s answers from now on", newest.name)
        return True

    def follow(self, changes: Iterable[object]) -> None:
        """Check after each change of the folder."""
        for _ in changes:
            self.check()

    def start(self) -> Callable[[], None]:
        """Follow the folder in a thread of its own; call what is returned to end it."""
        stop = threading.Event()
        self.models.mkdir(parents=True, exist_ok=True)
        changes = watch(self.models, stop_event=stop, recursive=False, raise_interrupt=False)
        thread = threading.Thread(target=self.follow, args=(changes,), name="model watch", daemon=True)
        thread.start()

        def end() -> None:
            stop.set()
            thread.join()

        return end

    def _newest(self) -> Path | None:
        try:
            return model_package.latest(self.models)
        except FrontdeskError:
            return None
