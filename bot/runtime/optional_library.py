"""Libraries that come only with an extra of the package."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from bot.errors import SettingsError


def require(module: str, *, extra: str, purpose: str) -> ModuleType:
    """Import a library that is needed only where it is configured.

    Raises:
        SettingsError: It is not installed; the message says how to install it.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != module.partition(".")[0]:
            raise
        raise SettingsError(
            f"{purpose} needs the library '{module}': pip install 'frontdesk-crm[{extra}]'"
        ) from error
