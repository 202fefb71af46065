"""Policies of a project's own, named by their Python path in `config.yml`."""

from __future__ import annotations

from collections.abc import Mapping

from bot.dialogue.messages import JSON
from bot.policies.policy import Policy
from bot.written_for_rasa.imports import NoOwnClass, own_class

_PARTS = ("name", "priority", "train", "predict", "save", "load")


class NoPolicy(Exception):
    """A Python path that leads to no policy; the message says why."""


def make_custom(path: str, options: Mapping[str, JSON]) -> Policy:
    """Make a policy from the class at a path such as `my_package.my_policies.Polite`, with its options.

    The class is what `bot.policies.policy.Policy` asks for, or inherits from Rasa's own.

    Raises:
        NoPolicy: There is no such class, it does not take the options, or it is no policy.
    """
    try:
        made_of = own_class(path)
        if hasattr(made_of, "predict_action_probabilities"):
            return _rasas(made_of, options)
        made = made_of(**options)
    except NoOwnClass as error:
        raise NoPolicy(f"policy {error}") from error
    except (ImportError, AttributeError, TypeError) as error:
        raise NoPolicy(f"policy '{path}' cannot be made: {error}") from error
    missing = [part for part in _PARTS if not hasattr(made, part)]
    if missing:
        raise NoPolicy(f"'{path}' is no policy: it lacks {', '.join(missing)} (see bot/policies/policy.py)")
    policy: Policy = made
    return policy


def _rasas(made_of: type, options: Mapping[str, JSON]) -> Policy:
    # Only where there is one: it brings a second form of trackers, events and slots along.
    from bot.policies.rasas_policy import RasasPolicy  # noqa: PLC0415

    return RasasPolicy(made_of, options)
