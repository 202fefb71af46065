"""How many threads the libraries that train may use; they read it while they are loaded."""

from __future__ import annotations

import os

_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def limit_threads(count: int | None) -> None:
    """Bound the threads of this process and of those that it starts; None leaves them unbounded."""
    if count is not None:
        os.environ.update(dict.fromkeys(_VARIABLES, str(count)))
