"""Signing in with an identity provider: a real exchange with one that runs beside the test."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi import FastAPI, Form
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from bot.errors import SettingsError
from crm_connector.choices import Role
from crm_connector.desk import accounts
from desk.access import Desk
from desk.guard import OnlySignedIn
from desk.options import DeskOptions
from desk.provider import Provider
from desk.sign_in import COOKIE, SignInPages
from tests.desk.served_desk import events
from tests.server.factories import RunningServer

CLIENT = "frontdesk"


class Peer:
    """An identity provider: whatever `claims` says is what it vouches for."""

    def __init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "k1"})
        self.signs_with = self.key
        self.claims: dict[str, Any] = {}
        self.challenges: dict[str, str] = {}
        self.nonces: dict[str, str] = {}
        self.issuer = ""
        self.app = FastAPI()
        self.app.add_api_route("/.well-known/openid-configuration", self._configuration)
        self.app.add_api_route("/keys", lambda: KeySet([self.key]).as_dict(private=False))
        self.app.add_api_route("/token", self._token, methods=["POST"])

    def approve(self, address: str) -> dict[str, str]:
        """What somebody brings back who approved at this address."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert asked["code_challenge_method"] == "S256"
        assert asked["client_id"] == CLIENT
        self.challenges["code"], self.nonces["code"] = asked["code_challenge"], asked["nonce"]
        return {"state": asked["state"], "code": "code"}

    def _configuration(self) -> dict[str, str]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        }

    def _token(self, code: str = Form(), code_verifier: str = Form()) -> dict[str, str]:
        digest = hashlib.sha256(code_verifier.encode()).digest()
        assert self.challenges[code] == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        now = int(time.time())
        claims = {
            "iss": self.issuer, "aud": CLIENT, "sub": "42", "exp": now + 60, "iat": now,
            "nonce": self.nonces[code],
            "email": "anna@example.com", "email_verified": True, "name": "Anna", **self.claims,
        }  # fmt: skip
        token = jwt.encode({"alg": "RS256", "kid": "k1"}, claims, self.signs_with)
        return {"id_token": token, "access_token": "a", "token_type": "bearer"}


@pytest.fixture
def peer() -> Iterator[Peer]:
    """A provider that is being served."""
    peer = Peer()
    with RunningServer(peer.app) as server:
        peer.issuer = server.url
        yield peer


@pytest.fixture
def browser(desk: Desk, peer: Peer) -> Callable[..., TestClient]:
    """A browser before a desk that trusts the provider."""

    def make(**options: Any) -> TestClient:
        settings = DeskOptions(openid_issuer=peer.issuer, openid_client_id=CLIENT, **options)
        app = FastAPI()
        app.include_router(SignInPages(desk, provider="us").router())
        app.include_router(Provider(desk, settings).router())
        app.add_api_route("/desk/", lambda: "the desk")
        app.add_middleware(OnlySignedIn, desk=desk)
        return TestClient(app, follow_redirects=False)

    return make


def _come_back(client: TestClient, peer: Peer, **changed: str) -> str:
    """Go to the provider and back; returns where the desk leads then."""
    away = client.get("/desk/provider").headers["location"]
    if not away.startswith(peer.issuer):
        return away
    back = client.get("/desk/provider/back", params={**peer.approve(away), **changed})
    return back.headers["location"]


def _account(desk: Desk, email: str = "anna@example.com") -> None:
    with desk.store.session() as session:
        accounts.create(session, email, name="Anna", roles=[Role.AGENT])


def test_a_verified_e_mail_opens_the_account_that_has_it(
    desk: Desk, peer: Peer, browser: Callable[..., TestClient]
) -> None:
    """From then on the provider's own name counts, whatever her e-mail becomes."""
    _account(desk)
    client = browser()
    assert _come_back(client, peer) == "/desk/"
    assert client.get("/desk/").status_code == 200
    peer.claims = {"email": "anna.new@example.com"}
    other = browser()
    assert _come_back(other, peer) == "/desk/"
    with desk.store.reading() as session:
        assert [one.agent.email for one in accounts.all_accounts(session)] == ["anna@example.com"]


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"email_verified": False}, id="an e-mail nobody has verified"),
        pytest.param({"email_verified": "true"}, id="a verification that is only text"),
        pytest.param({"email": "stranger@example.com"}, id="somebody without an account"),
    ],
)
def test_who_has_no_account_is_refused(
    desk: Desk, peer: Peer, browser: Callable[..., TestClient], claims: dict[str, Any]
) -> None:
    """A claim of the provider that proves nothing opens nothing."""
    _account(desk)
    peer.claims = claims
    client = browser()
    assert _come_back(client, peer) == "/desk/sign-in?problem=no_account"
    assert client.get("/desk/").status_code == 401


def test_another_subject_does_not_take_over_an_account(
    desk: Desk, peer: Peer, browser: Callable[..., TestClient]
) -> None:
    """An account that is tied to one person at the provider stays hers."""
    _account(desk)
    _come_back(browser(), peer)
    peer.claims = {"sub": "43"}
    assert _come_back(browser(), peer) == "/desk/sign-in?problem=no_account"


def test_a_company_may_let_everybody_in(desk: Desk, peer: Peer, browser: Callable[..., TestClient]) -> None:
    """With roles for newcomers, whoever the provider vouches for gets an account."""
    assert _come_back(browser(openid_roles=("agent",)), peer) == "/desk/"
    with desk.store.reading() as session:
        [account] = accounts.all_accounts(session)
        assert (account.agent.email, account.roles) == ("anna@example.com", ["agent"])


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"aud": "somebody else"}, id="meant for another client"),
        pytest.param({"iss": "https://evil.example"}, id="of another issuer"),
        pytest.param({"exp": int(time.time()) - 3600}, id="expired"),
        pytest.param({"nonce": "replayed"}, id="of another request"),
    ],
)
def test_a_token_that_does_not_fit_is_refused(
    desk: Desk, peer: Peer, browser: Callable[..., TestClient], claims: dict[str, Any]
) -> None:
    """Each claim is checked."""
    _account(desk)
    peer.claims = claims
    assert _come_back(browser(), peer) == "/desk/sign-in?problem=provider"


def test_a_forged_signature_is_refused(desk: Desk, peer: Peer, browser: Callable[..., TestClient]) -> None:
    """Only the provider's own keys count."""
    _account(desk)
    peer.signs_with = RSAKey.generate_key(2048, {"kid": "k1"})
    assert _come_back(browser(), peer) == "/desk/sign-in?problem=provider"


def test_a_way_back_that_nobody_began_is_refused(
    desk: Desk, peer: Peer, browser: Callable[..., TestClient]
) -> None:
    """Another state, another browser, or no request at all."""
    _account(desk)
    assert _come_back(browser(), peer, state="guessed") == "/desk/sign-in?problem=provider"
    assert _come_back(browser(), peer, code="") == "/desk/sign-in?problem=provider"
    with capture_logs() as logs:
        answer = browser().get("/desk/provider/back", params={"state": "x", "code": "code"})
    assert answer.headers["location"] == "/desk/sign-in?problem=late"
    assert events(logs) == ["sign-in by provider refused"]


def test_a_way_back_is_gone_once(desk: Desk, peer: Peer, browser: Callable[..., TestClient]) -> None:
    """What was remembered is forgotten with the first return, and no script could read it before."""
    _account(desk)
    client = browser()
    away = client.get("/desk/provider")
    flags = {part.strip().lower() for part in away.headers["set-cookie"].split(";")[1:]}
    assert {"httponly", "samesite=lax", "path=/desk/"} <= flags
    asked = parse_qs(urlsplit(away.headers["location"]).query)
    assert len(asked["state"][0]) > 40
    assert len(asked["nonce"][0]) > 40
    assert "code_verifier" not in asked
    back = peer.approve(away.headers["location"])
    assert client.get("/desk/provider/back", params=back).headers["location"] == "/desk/"
    again = client.get("/desk/provider/back", params=back)
    assert again.headers["location"] == "/desk/sign-in?problem=late"


def test_coming_back_ends_what_the_browser_had(
    desk: Desk, peer: Peer, browser: Callable[..., TestClient]
) -> None:
    """A sign-in over the provider has a token of its own, too."""
    _account(desk)
    client = browser()
    tokens = []
    for _ in range(2):
        assert _come_back(client, peer) == "/desk/"
        tokens.append(client.cookies[COOKIE])
    assert desk.visitor(tokens[0]) is None
    assert desk.visitor(tokens[1]) is not None


def test_a_provider_that_is_away_leaves_the_form(desk: Desk) -> None:
    """The page says so, and passwords still work."""
    settings = DeskOptions(openid_issuer="http://127.0.0.1:9", openid_client_id=CLIENT)
    app = FastAPI()
    app.include_router(SignInPages(desk, provider="us").router())
    app.include_router(Provider(desk, settings).router())
    client = TestClient(app, follow_redirects=False)
    where = client.get("/desk/provider").headers["location"]
    assert where == "/desk/sign-in?problem=away"
    assert "cannot be reached just now" in client.get(where).text
    assert "<b>" not in client.get("/desk/sign-in?problem=<b>").text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"openid_issuer": "http://id.example", "openid_client_id": "x"}, "https"),
        ({"openid_issuer": "https://id.example"}, "openid_client_id"),
        ({"openid_roles": ("boss",)}, "no role 'boss'"),
        ({"idle_hours": 0}, "above 0"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], message: str) -> None:
    """At the start, with what was expected."""
    with pytest.raises(SettingsError, match=message):
        DeskOptions(**options)
