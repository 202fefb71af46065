"""JSON Web Tokens: who signed them, and what they claim."""

from __future__ import annotations

from collections.abc import Mapping

from bot.dialogue.messages import JSON
from bot.errors import SettingsError

METHODS = ("HS256", "HS384", "HS512", "RS256", "RS384", "RS512")


def check_method(method: str, where: str) -> str:
    """Return the name of a signature method as it is written in tokens.

    Raises:
        SettingsError: It is not one of those that Rasa projects use.
    """
    if method.upper() not in METHODS:
        raise SettingsError(f"{where} is {method!r}, expected one of {', '.join(METHODS)}")
    return method.upper()


def read_claims(token: str, key: str, method: str) -> Mapping[str, JSON] | None:
    """Return what a token claims; None when it is not signed with this key and method, or has expired.

    `key` is the secret of an `HS…` method and the public key (PEM) of an `RS…` method. The audience is
    not looked at: a project names none.
    """
    import jwt  # noqa: PLC0415 - it brings cryptography, for servers that check no token too

    try:
        claims: JSON = jwt.decode(
            token.removeprefix("Bearer "), key, algorithms=[method], options={"verify_aud": False}
        )
    except (jwt.PyJWTError, ValueError):
        # ValueError is what a key that is not PEM raises.
        return None
    return claims if isinstance(claims, Mapping) else None
