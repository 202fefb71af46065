"""Who writes on Slack: names, languages, and the e-mail addresses that Slack has checked."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import structlog

from bot.channels.incoming import clean
from bot.channels.recently import Recently
from bot.channels.slack.api import SlackApi
from bot.delivery.peer import RetryLater
from bot.dialogue.messages import JSON

_log = structlog.get_logger(__name__)

# A turn waits for this at most; it goes on without names.
LOOKUP_TIMEOUT_S = 5.0
_KNOWN_FOR_S = 3600.0
_ASKED_AGAIN_AFTER_S = 60.0
_KNOWN = 10_000


@dataclass(frozen=True, slots=True)
class Person:
    """What Slack says of somebody; `email` only if Slack has checked it."""

    name: str | None = None
    locale: str | None = None
    email: str | None = None


class People:
    """Asks Slack once an hour for whoever is met, and a minute after it could not say."""

    def __init__(self, api: SlackApi) -> None:
        self._api = api
        self._known: OrderedDict[str, Person] = OrderedDict()
        self._fresh = Recently(_KNOWN_FOR_S)
        self._failed = Recently(_ASKED_AGAIN_AFTER_S)

    async def person(self, user: str) -> Person:
        """Return what is known of somebody; nothing where Slack does not say."""
        known = self._known.get(user, Person())
        if self._fresh.knows(user) or self._failed.knows(user):
            return known
        try:
            async with asyncio.timeout(LOOKUP_TIMEOUT_S):
                found = read_person(await self._api.person(user))
        except (RetryLater, TimeoutError) as error:
            _log.info("person not known", channel="slack", error=str(error) or "no answer in time")
            self._failed.is_again(user)
            return known
        self._known[user] = found
        self._fresh.forget(user)
        self._fresh.is_again(user)
        while len(self._known) > _KNOWN:
            self._known.popitem(last=False)
        return found

    async def names(self, users: Iterable[str]) -> dict[str, str]:
        """Return the names of people, as far as they are known."""
        found = {user: (await self.person(user)).name for user in users}
        return {user: name for user, name in found.items() if name}


def read_person(user: Mapping[str, JSON]) -> Person:
    """Read a user object; an address of a guest, a bot or one that nobody has confirmed proves nothing."""
    profile = user.get("profile")
    profile = profile if isinstance(profile, Mapping) else {}
    names = (profile.get("display_name"), profile.get("real_name"), user.get("real_name"), user.get("name"))
    name = next((clean(str(name)).strip() for name in names if name), None)
    is_proven = user.get("is_email_confirmed") is True and not user.get("is_bot")
    email = str(profile.get("email") or "") if is_proven else ""
    return Person(name or None, str(user.get("locale") or "") or None, email or None)
