"""Structured logs: one JSON object per line, or coloured lines for people at a terminal."""

from __future__ import annotations

import logging
import logging.config
import sys
from pathlib import Path

import structlog
from structlog.types import Processor

from bot.errors import InvalidProject, SettingsError
from bot.training_data.yaml_files import read_yaml
from bot.training_data.yaml_values import plain

_OURS = ("actions", "bot", "crm_connector", "language")

_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def configure_logs(
    *,
    as_json: bool,
    level: int = logging.INFO,
    library_level: int = logging.WARNING,
    also_to: Path | None = None,
) -> None:
    """Send all logs to standard error in one form: ours from `level` on, the libraries' from theirs on.

    `also_to` is a file that gets the same lines at its end.
    """
    rendering: list[Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
        if as_json
        else [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(),
                # A drawn traceback takes seconds, in which no customer is answered.
                exception_formatter=structlog.dev.plain_traceback,
            )
        ]
    )
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if also_to:
        handlers.append(logging.FileHandler(also_to, encoding="utf-8"))
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
    )
    for handler in handlers:
        handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = handlers
    root.setLevel(library_level)
    for name in _OURS:
        logging.getLogger(name).setLevel(level)
    _configure_ours(structlog.stdlib.ProcessorFormatter.wrap_for_formatter)


def configure_logs_from(file: Path) -> None:
    """Let a file say where logs go: YAML in the form of `logging.config.dictConfig`, as in Rasa.

    The values that a line of ours carries are attributes of its record.

    Raises:
        SettingsError: The file cannot be read, or does not say it.
    """
    try:
        content = plain(read_yaml(file))
        logging.config.dictConfig({"version": 1, "disable_existing_loggers": False, **content})
    except (InvalidProject, ValueError, TypeError, AttributeError, ImportError) as error:
        reason = f": {error.__cause__}" if error.__cause__ else ""
        raise SettingsError(f"{file} cannot configure the logs: {error}{reason}") from error
    _configure_ours(structlog.stdlib.render_to_log_kwargs)


def _configure_ours(last: Processor) -> None:
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *_SHARED, last],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
