"""Policies of a project's own, named by their Python path in `config.yml`."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from bot.dialogue.messages import JSON
from bot.policies.policy import Policy

_PARTS = ("name", "priority", "train", "predict", "save", "load")


class NoPolicy(Exception):
    """A Python path that leads to no policy; the message says why."""


def make_custom(path: str, options: Mapping[str, JSON]) -> Policy:
    """Make a policy from the class at a path such as `my_package.my_policies.Polite`, with its options.

    The class is what `bot.policies.policy.Policy` asks for; classes written for Rasa import Rasa and cannot
    run here.

    Raises:
        NoPolicy: There is no such class, it does not take the options, or it is no policy.
    """
    module, _, name = path.rpartition(".")
    try:
        made = getattr(import_module(module), name)(**options)
    except ModuleNotFoundError as error:
        reason = "it is written for Rasa" if (error.name or "").split(".")[0] == "rasa" else str(error)
        raise NoPolicy(f"policy '{path}' cannot be imported: {reason}") from error
    except (ImportError, AttributeError, TypeError) as error:
        raise NoPolicy(f"policy '{path}' cannot be made: {error}") from error
    missing = [part for part in _PARTS if not hasattr(made, part)]
    if missing:
        raise NoPolicy(f"'{path}' is no policy: it lacks {', '.join(missing)} (see bot/policies/policy.py)")
    policy: Policy = made
    return policy
