"""What channels have proven of their senders, kept in the CRM."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from sqlalchemy.exc import IntegrityError, InvalidRequestError

from bot.channels.channel import Proof
from crm_connector import customers, identities
from crm_connector.choices import ProofKind
from crm_connector.database import Store, StoreUnavailable
from crm_connector.identities import Proven, Sender

logger = logging.getLogger(__name__)

_ATTEMPTS = 5


class CrmIdentities:
    """The channels' `Identities` over an open CRM store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def prove(
        self, channel: str, sender_id: str, proofs: Sequence[Proof], *, name: str | None = None
    ) -> None:
        """Note what is proven; see `Identities`. While the store is away it is forgotten, and said again."""
        proven = [Proven(ProofKind(proof.kind.value), proof.value) for proof in proofs]
        try:
            await asyncio.to_thread(self._prove, Sender(channel, sender_id), proven, name)
        except StoreUnavailable as error:
            logger.warning("what is proven of %r on channel %r is not noted: %s", sender_id, channel, error)

    async def invitation(self, channel: str, sender_id: str) -> str:
        """Return a word that proves elsewhere, once and soon, that somebody is this sender.

        Raises:
            crm_connector.database.StoreUnavailable: It cannot be noted.
        """
        return await asyncio.to_thread(self._invite, channel, sender_id)

    def _prove(self, sender: Sender, proofs: Sequence[Proven], name: str | None) -> None:
        with self._store.reading() as session:
            if identities.is_known(session, sender, proofs, name=name):
                return
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                with self._store.session() as session:
                    identities.prove(session, sender, proofs, name=name)
                    return
            # Somebody else has just joined one of these customers with another one: who is who is new.
            except (IntegrityError, InvalidRequestError):
                if attempt == _ATTEMPTS:
                    raise

    def _invite(self, channel: str, sender_id: str) -> str:
        with self._store.session() as session:
            return identities.invite(session, customers.find_or_create(session, channel, sender_id))
