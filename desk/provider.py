"""Signing in with an identity provider: OpenID Connect, authorization code with PKCE.

What is remembered between going out and coming back (state, nonce, code verifier) stands in a cookie that
only this browser has and that this process has signed. Who comes back is known by the provider's own name
for her; the first time, by an e-mail that the provider has verified and that an account has.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Mapping
from typing import Annotated

import httpx
import structlog
from authlib.integrations.httpx_client import AsyncOAuth2Client
from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response
from itsdangerous import BadSignature, URLSafeTimedSerializer
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from sqlalchemy.orm import Session

from bot.dialogue.messages import JSON
from crm_connector.choices import Role
from crm_connector.desk import accounts, audit
from crm_connector.tables import Account
from desk.access import Desk
from desk.options import DeskOptions
from desk.sign_in import COOKIE, HOME, PROVIDER, PROVIDER_BACK, SIGN_IN, address_of, signed_in_response

_COOKIE = "frontdesk_desk_provider"
_PATIENCE_S = 600  # how long somebody may take at the provider
_TIMEOUT_S = 10.0
_KNOWN_FOR_S = 3600.0
_SCOPE = "openid email profile"

_log = structlog.get_logger(__name__)


class ProviderRefused(Exception):
    """The provider, or what came from it, does not vouch for anybody.

    `problem` is one of those that the sign-in page has words for; the text is for the log.
    """

    def __init__(self, problem: str, text: str) -> None:
        self.problem = problem
        super().__init__(text)


class Provider:
    """The way over the provider, and back."""

    def __init__(self, desk: Desk, options: DeskOptions) -> None:
        self._desk = desk
        self._options = options
        self._serializer = URLSafeTimedSerializer(secrets.token_bytes(32), salt="desk provider")
        self._known: tuple[Mapping[str, JSON], KeySet] | None = None
        self._known_until_s = 0.0

    def router(self) -> APIRouter:
        """Return the two routes."""
        router = APIRouter()
        router.add_api_route(PROVIDER, self._go, methods=["GET"], response_model=None)
        router.add_api_route(PROVIDER_BACK, self._come_back, methods=["GET"], response_model=None)
        return router

    async def _go(self, request: Request) -> Response:
        try:
            known, _ = await self._discover()
        except ProviderRefused as refusal:
            return _refused(request, refusal)
        remembered = {name: secrets.token_urlsafe(48) for name in ("state", "nonce", "verifier")}
        async with self._client(request) as client:
            address, _ = client.create_authorization_url(
                known["authorization_endpoint"],
                state=remembered["state"],
                nonce=remembered["nonce"],
                code_verifier=remembered["verifier"],
            )
        response = RedirectResponse(address, 303)
        response.set_cookie(
            _COOKIE,
            self._serializer.dumps(remembered),
            path=HOME,
            max_age=_PATIENCE_S,
            httponly=True,
            secure=request.url.scheme == "https",
            samesite="lax",
        )
        return response

    async def _come_back(
        self, request: Request, state: Annotated[str, Query()] = "", code: Annotated[str, Query()] = ""
    ) -> Response:
        try:
            claims = await self._claims(request, state, code)
            token = await asyncio.to_thread(self._sign_in, request, claims)
        except ProviderRefused as refusal:
            return _refused(request, refusal)
        response = signed_in_response(request, token, self._desk)
        response.delete_cookie(_COOKIE, path=HOME)
        return response

    async def _claims(self, request: Request, state: str, code: str) -> Mapping[str, JSON]:
        """What the provider says about who comes back, checked."""
        try:
            remembered = self._serializer.loads(request.cookies.get(_COOKIE, ""), max_age=_PATIENCE_S)
        except BadSignature as error:
            raise ProviderRefused("late", "no request of this browser is known") from error
        if not code or not secrets.compare_digest(state.encode(), remembered["state"].encode()):
            raise ProviderRefused("provider", "another state, or no code")
        known, keys = await self._discover()
        try:
            async with self._client(request) as client:
                answer = await client.fetch_token(
                    known["token_endpoint"], code=code, code_verifier=remembered["verifier"]
                )
            token = jwt.decode(str(answer["id_token"]), keys, algorithms=["RS256", "ES256", "PS256"])
            self._check(token.claims, remembered["nonce"])
        except (httpx.HTTPError, JoseError, KeyError, ValueError) as error:
            raise ProviderRefused("provider", f"answer not valid: {error!r}") from error
        return token.claims

    def _check(self, claims: Mapping[str, JSON], nonce: str) -> None:
        registry = jwt.JWTClaimsRegistry(
            leeway=60,
            iss={"essential": True, "value": self._options.openid_issuer},
            aud={"essential": True, "value": self._options.openid_client_id},
            exp={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": nonce},
        )
        registry.validate(dict(claims))

    def _sign_in(self, request: Request, claims: Mapping[str, JSON]) -> str:
        """Find or make the account, and sign it in."""
        subject = f"{claims['iss']} {claims['sub']}"
        email = str(claims.get("email") or "") if claims.get("email_verified") is True else ""
        with self._desk.store.session() as session:
            account = accounts.find_by_subject(session, subject)
            if account is None and email:
                account = accounts.find(session, email)
                if account is not None and account.subject is None:
                    account.subject = subject
                    _note(session, account, "account.provider", subject)
                elif account is None and self._options.openid_roles:
                    name = str(claims.get("name") or email)
                    roles = [Role(role) for role in self._options.openid_roles]
                    account = accounts.create(session, email, name=name, roles=roles, subject=subject)
                    _note(session, account, "account.open", subject)
            if account is None or account.subject != subject or not account.agent.is_active:
                raise ProviderRefused("no_account", f"no account for {subject}")
            token = accounts.start(session, account, address=address_of(request), limits=self._desk.limits)
            accounts.sign_out(session, request.cookies.get(COOKIE, ""))
            return token

    def _client(self, request: Request) -> AsyncOAuth2Client:
        return AsyncOAuth2Client(
            self._options.openid_client_id,
            self._options.openid_client_secret or None,
            scope=_SCOPE,
            redirect_uri=str(request.base_url).rstrip("/") + PROVIDER_BACK,
            code_challenge_method="S256",
            timeout=_TIMEOUT_S,
        )

    async def _discover(self) -> tuple[Mapping[str, JSON], KeySet]:
        """The provider's addresses and keys; asked anew every hour."""
        if self._known is not None and time.monotonic() < self._known_until_s:
            return self._known
        well_known = f"{self._options.openid_issuer.rstrip('/')}/.well-known/openid-configuration"
        try:
            async with httpx.AsyncClient(timeout=_TIMEOUT_S) as client:
                known = (await client.get(well_known)).raise_for_status().json()
                keys = KeySet.import_key_set((await client.get(known["jwks_uri"])).raise_for_status().json())
        except (httpx.HTTPError, json.JSONDecodeError, KeyError, JoseError, ValueError) as error:
            raise ProviderRefused("away", f"{well_known}: {error!r}") from error
        if known.get("issuer") != self._options.openid_issuer:
            raise ProviderRefused("provider", f"issuer is {known.get('issuer')!r}")
        self._known, self._known_until_s = (known, keys), time.monotonic() + _KNOWN_FOR_S
        return self._known


def _note(session: Session, account: Account, action: str, subject: str) -> None:
    detail = {"subject": subject}
    audit.note(session, account.agent.email, action, f"account {account.agent.email}", detail)


def _refused(request: Request, refusal: ProviderRefused) -> Response:
    _log.warning("sign-in by provider refused", reason=str(refusal), address=address_of(request))
    return RedirectResponse(f"{SIGN_IN}?problem={refusal.problem}", 303)
