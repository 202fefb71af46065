"""One training at a time for each folder of models, whatever processes they run in."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from bot.runtime.model_package import TRAINING_PREFIX

LOCK = ".training.lock"


@contextmanager
def only_training(models: Path, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Wait until no other training writes into `models`, then clear away what a killed one left behind.

    The system lets go of the lock when its process ends, in whatever way, so a crash blocks nobody. `waiting`
    is called once if another training is under way.
    """
    models.mkdir(parents=True, exist_ok=True)
    lock = FileLock(models / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        waiting()
        lock.acquire()
    try:
        for left in models.glob(f"{TRAINING_PREFIX}*/"):
            shutil.rmtree(left, ignore_errors=True)
        yield
    finally:
        lock.release()
