"""The way in: forms, cookie, and the guard before everything else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect
from structlog.testing import capture_logs

from crm_connector.choices import Role
from crm_connector.desk import audit
from desk.access import Desk
from desk.guard import OnlySignedIn
from desk.sign_in import COOKIE, SignInPages
from tests.desk.people import PASSWORD
from tests.desk.served_desk import events

ORIGIN = {"origin": "http://testserver"}


@pytest.fixture
def pages(desk: Desk) -> SignInPages:
    """The forms of an empty desk."""
    return SignInPages(desk, provider="Example <ID>")


@pytest.fixture
def client(desk: Desk, pages: SignInPages) -> Iterator[TestClient]:
    """A browser before a desk with one page and one WebSocket."""
    app = FastAPI()
    app.include_router(pages.router())

    @app.get("/desk/")
    def home() -> str:
        return "the desk"

    @app.websocket("/desk/live")
    async def live(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("live")

    @app.get("/elsewhere")
    def elsewhere() -> str:
        return "open to all"

    app.add_middleware(OnlySignedIn, desk=desk)
    with TestClient(app, follow_redirects=False) as client:
        yield client


def _sign_in(client: TestClient, password: str = PASSWORD, **headers: str) -> int:
    form = {"email": "anna.agent@example.com", "password": password}
    return client.post("/desk/sign-in", data=form, headers={**ORIGIN, **headers}).status_code


def test_the_desk_is_closed_to_strangers(client: TestClient) -> None:
    """A page leads to the form, anything else hears no; what is not the desk's is not touched."""
    page = client.get("/desk/", headers={"accept": "text/html"})
    assert (page.status_code, page.headers["location"]) == (303, "/desk/sign-in")
    assert client.get("/desk/_nicegui/x.js").status_code == 401
    assert client.post("/desk/anything").status_code == 401
    assert client.get("/desk").status_code == 401
    assert client.get("/elsewhere").status_code == 200
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/desk/live", headers=ORIGIN):
        pass


def test_the_icon_is_there_before_anybody_signs_in(client: TestClient) -> None:
    """The form names it, and a browser that asks for it unasked is no stranger at the door."""
    assert 'href="/desk/favicon.ico"' in client.get("/desk/sign-in").text
    with capture_logs() as logs:
        icon = client.get("/desk/favicon.ico")
    assert (icon.status_code, icon.headers["content-type"]) == (200, "image/svg+xml")
    assert events(logs) == []


def test_who_signs_in_is_let_in_until_she_signs_out(
    client: TestClient, signed_in: Callable[..., str]
) -> None:
    """The cookie opens pages and WebSockets; it is out of reach of scripts and of other paths."""
    signed_in(Role.AGENT)
    assert _sign_in(client) == 303
    cookie = next(iter(client.cookies.jar))
    assert (cookie.name, cookie.path) == (COOKIE, "/desk/")
    assert cookie.has_nonstandard_attr("HttpOnly")
    page = client.get("/desk/")
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    with client.websocket_connect("/desk/live", headers={**ORIGIN, "host": "testserver"}) as socket:
        assert socket.receive_text() == "live"
    token = client.cookies[COOKIE]
    assert client.post("/desk/sign-out", headers=ORIGIN).status_code == 303
    client.cookies.set(COOKIE, token, path="/desk/")
    assert client.get("/desk/").status_code == 401


def test_another_site_can_neither_sign_in_nor_listen(
    client: TestClient, signed_in: Callable[..., str]
) -> None:
    """Forms and WebSockets with a foreign origin are refused, also with the right cookie."""
    signed_in(Role.AGENT)
    assert _sign_in(client, origin="https://evil.example") == 403
    assert _sign_in(client, origin="null", **{"sec-fetch-site": "cross-site"}) == 403
    assert _sign_in(client) == 303
    evil = {"origin": "https://evil.example"}
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/desk/live", headers=evil):
        pass
    assert client.post("/desk/sign-out", headers=evil).status_code == 403
    assert client.get("/desk/").status_code == 200


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_cookie_stays_with_the_desk(
    pages: SignInPages, signed_in: Callable[..., str], scheme: str
) -> None:
    """No script reads it, no other site sends it along, and it goes over TLS alone where there is TLS."""
    signed_in(Role.AGENT)
    app = FastAPI()
    app.include_router(pages.router())
    with TestClient(app, f"{scheme}://testserver", follow_redirects=False) as client:
        form = {"email": "anna.agent@example.com", "password": PASSWORD}
        answer = client.post("/desk/sign-in", data=form, headers={"origin": f"{scheme}://testserver"})
    flags = {part.strip().lower() for part in answer.headers["set-cookie"].split(";")[1:]}
    assert {"httponly", "samesite=lax", "path=/desk/"} <= flags
    assert ("secure" in flags) == (scheme == "https")


def test_each_sign_in_has_a_token_of_its_own(
    client: TestClient, desk: Desk, signed_in: Callable[..., str]
) -> None:
    """What the browser had before is worth nothing then: neither her own token nor one that was put there."""
    signed_in(Role.AGENT)
    client.cookies.set(COOKIE, "put-there-by-somebody", path="/desk/")
    assert _sign_in(client) == 303
    first = _token_of(client)
    assert first != "put-there-by-somebody"
    assert _sign_in(client) == 303
    second = _token_of(client)
    assert first != second
    assert desk.visitor(first) is None
    assert desk.visitor(second) is not None


def _token_of(client: TestClient) -> str:
    """What the server set last."""
    return next(cookie.value or "" for cookie in client.cookies.jar if cookie.domain == "testserver.local")


def test_what_is_refused_is_logged(client: TestClient, signed_in: Callable[..., str]) -> None:
    """Who asks without a cookie, forms and sockets of other sites, a guessed code of the first account."""
    signed_in(Role.AGENT)
    evil = {"origin": "https://evil.example"}
    with capture_logs() as logs:
        client.get("/desk/")
        client.post("/desk/sign-in", data={}, headers=evil)
        client.post("/desk/first-run", data={"code": "guessed"}, headers=ORIGIN)
        with pytest.raises(WebSocketDisconnect), client.websocket_connect("/desk/live", headers=evil):
            pass
        _sign_in(client)
        client.post("/desk/sign-out", headers=evil)
    assert [(line["event"], line["address"]) for line in logs] == [
        (event, "testclient")
        for event in (
            "desk request refused",
            "form of another site refused",
            "first account refused",
            "desk connection refused",
            "form of another site refused",
        )
    ]


def test_guessing_passwords_is_stopped(client: TestClient, signed_in: Callable[..., str]) -> None:
    """Five wrong ones close the door, also for the right one."""
    signed_in(Role.AGENT)
    with capture_logs() as logs:
        assert [_sign_in(client, "a wrong password") for _ in range(6)] == [401] * 5 + [429]
        assert _sign_in(client) == 429
    assert events(logs) == ["sign-in refused"] * 5 + ["too many attempts to sign in"] * 2


def test_what_was_typed_is_shown_as_text(client: TestClient) -> None:
    """Nobody's e-mail becomes markup, and the page runs no script."""
    page = client.post(
        "/desk/sign-in", data={"email": '"><script>x</script>', "password": "y" * 12}, headers=ORIGIN
    )
    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text
    assert "Example &lt;ID&gt;" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "script-src" not in page.headers["content-security-policy"]


def test_the_first_to_know_the_code_becomes_the_administrator(
    client: TestClient, desk: Desk, pages: SignInPages
) -> None:
    """With every role, once; afterwards, and without the code, the door is the ordinary one."""
    path = pages.first_run_path()
    assert path is not None
    assert client.get("/desk/first-run?code=guess").headers["location"] == "/desk/sign-in"
    form = client.get(path)
    assert "Make the first account" in form.text
    code = re.search(r'name="code" value="([^"]+)"', form.text)
    assert code is not None
    fields = {"code": code[1], "name": "Anna", "email": "anna@example.com", "password": "short"}
    refused = client.post("/desk/first-run", data=fields, headers=ORIGIN)
    assert refused.status_code == 422
    assert "10 to 1000" in refused.text
    made = client.post("/desk/first-run", data={**fields, "password": PASSWORD}, headers=ORIGIN)
    assert made.headers["location"] == "/desk/"
    assert client.get("/desk/").status_code == 200
    assert pages.first_run_path() is None
    again = client.post("/desk/first-run", data={**fields, "password": PASSWORD}, headers=ORIGIN)
    assert again.headers["location"] == "/desk/sign-in"
    with desk.store.reading() as session:
        assert [entry.action for entry in audit.entries(session, limit=5)] == ["account.first"]
