"""Whose conversation a browser may open: the secret that it holds, and the customer whom the site names.

A browser draws a secret for each conversation. What is stored, logged and shown at the desk is a digest of
it, so nobody who reads a log can open a conversation. A site that signs its customers' ids lets one
conversation follow a customer from device to device; such a conversation opens to that signature alone.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

import structlog

from bot.channels.channel import Identities, Proof, ProofKind
from bot.channels.incoming import Refused, read_object
from bot.channels.web_widget.records import Records
from bot.channels.web_widget.settings import WidgetSettings

_log = structlog.get_logger(__name__)

CHANNEL = "web_widget"
_PURPOSE = b"frontdesk-widget"
_SCHEME = "bearer "


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who a browser says it is: the secret of its conversation, and the customer whom the page names.

    `customer` has some of `id`, `name`, `email` and `identifier_hash`: claims, until the hash is checked.
    """

    secret: str
    customer: Mapping[str, str] = field(default_factory=dict)

    @property
    def own_sender_id(self) -> str:
        """The conversation that the secret alone stands for."""
        return hashlib.blake2b(self.secret.encode(), digest_size=16, person=_PURPOSE).hexdigest()


@dataclass(frozen=True, slots=True)
class Admission:
    """A conversation that a visitor may open; `account_id` is the customer's, when it is proven."""

    sender_id: str
    account_id: str | None = None
    is_claim_refused: bool = False


def is_signed(identity_secret: str, account_id: str, identifier_hash: str) -> bool:
    """Whether the hash is HMAC-SHA256 of the id in hexadecimal, compared in constant time."""
    expected = hmac.new(identity_secret.encode(), account_id.encode(), hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), identifier_hash.strip().lower().encode())


class Doorkeeper:
    """Says which conversation a visitor may open."""

    def __init__(self, settings: WidgetSettings, records: Records, identities: Identities) -> None:
        self._settings = settings
        self._records = records
        self._identities = identities

    async def admit(self, visitor: Visitor) -> Admission:
        """Return the visitor's conversation.

        Raises:
            Refused: It belongs to a customer who is signed in elsewhere, and this visitor has not proven to
                be her; or the records are away.
        """
        own = visitor.own_sender_id
        account_id, is_claim_refused = self._account(visitor, own)
        if account_id is None:
            if await self._records.account_of(own) is not None:
                _log.warning("conversation refused", channel=CHANNEL, sender_id=own, reason="not proven")
                text = "This conversation belongs to a customer who is signed in."
                raise Refused(text, code=403, reason="SignedOut")
            return Admission(own, is_claim_refused=is_claim_refused)
        found = await self._records.conversation_of_account(account_id, own)
        for sender_id in {found.sender_id, own} if found.is_own_hers else {found.sender_id}:
            await self._identities.prove(
                CHANNEL, sender_id, self._proofs(account_id), name=visitor.customer.get("name")
            )
        return Admission(found.sender_id, account_id)

    def _account(self, visitor: Visitor, own: str) -> tuple[str | None, bool]:
        """Return the proven account, and whether a hash was given that proves nothing."""
        account_id = visitor.customer.get("id")
        identifier_hash = visitor.customer.get("identifier_hash")
        if not account_id or not identifier_hash or not self._settings.identity_secret:
            return None, False
        if is_signed(self._settings.identity_secret, account_id, identifier_hash):
            return account_id, False
        _log.warning("identity refused", channel=CHANNEL, sender_id=own, reason="wrong identifier_hash")
        return None, True

    def _proofs(self, account_id: str) -> list[Proof]:
        proofs = [Proof(ProofKind.ACCOUNT, account_id)]
        if self._settings.ids_are_verified_emails and "@" in account_id:
            proofs.append(Proof(ProofKind.EMAIL, account_id))
        return proofs


def read_authorization(header: str | None) -> Mapping[str, object]:
    """Return what stands in a request's `Authorization`: the fields of a `hello`, JSON in URL-safe base64.

    Raises:
        Refused: It is missing or no such thing.
    """
    if header is None or not header.lower().startswith(_SCHEME):
        raise Refused("The request names no conversation.", code=401, reason="NotAuthenticated")
    try:
        raw = base64.b64decode(header[len(_SCHEME) :], altchars=b"-_", validate=True)
    except (ValueError, binascii.Error) as error:
        raise Refused("The authorization cannot be read.", code=401, reason="NotAuthenticated") from error
    return read_object(raw)
