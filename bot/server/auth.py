"""Who may use the HTTP API: everybody, who knows a token, or who carries a signed JSON Web Token."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import Request

from bot.channels.incoming import Refused
from bot.channels.signed_tokens import check_method, read_claims
from bot.dialogue.messages import JSON


@dataclass(frozen=True, slots=True)
class Access:
    """Rasa's two kinds of authentication; where both are set either one suffices, without any all may pass.

    `token` is expected as `?token=`. `jwt_key` is the secret, or for `RS…` the public key, that checks the
    header `Authorization: Bearer`. What a bearer may do stands in its claim `user`: the role `admin` may do
    everything, the role `user` only what belongs to the conversation whose id is her `username`.
    """

    token: str | None = None
    jwt_key: str | None = None
    jwt_method: str = "HS256"

    def __post_init__(self) -> None:
        check_method(self.jwt_method, "--jwt-method")

    async def check(self, request: Request) -> None:
        """Let a request pass.

        Raises:
            Refused: 401 when nobody knows who is asking, 403 when she may not.
        """
        if self.token is None and self.jwt_key is None:
            return
        if self.token is not None and _equal(request.query_params.get("token", ""), self.token):
            return
        claims = self._claims(request.headers.get("authorization", ""))
        if claims is None:
            raise Refused("User is not authenticated.", code=401, reason="NotAuthenticated")
        if not _may(claims, request.path_params.get("conversation_id")):
            raise Refused("User has insufficient permissions.", code=403, reason="NotAuthorized")

    def _claims(self, header: str) -> Mapping[str, JSON] | None:
        kind, _, token = header.partition(" ")
        if self.jwt_key is None or kind.lower() != "bearer":
            return None
        return read_claims(token.strip(), self.jwt_key, self.jwt_method.upper())


def _equal(given: str, expected: str) -> bool:
    """Compare in a time that does not tell how much was right."""
    return hmac.compare_digest(given.encode(), expected.encode())


def _may(claims: Mapping[str, JSON], conversation_id: str | None) -> bool:
    user = claims.get("user")
    if not isinstance(user, Mapping):
        return False
    if user.get("role") == "admin":
        return True
    own = conversation_id is not None and user.get("username") == conversation_id
    return user.get("role") == "user" and own
