"""The way in and out: plain forms and a cookie, no script.

The cookie cannot be read by scripts and is not sent from other sites; forms of other sites are refused by
their `Origin` as well. While nobody has an account, whoever knows the code that the server prints when it
starts becomes the administrator.
"""

from __future__ import annotations

import asyncio
import hmac
import html
import secrets
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Annotated
from urllib.parse import urlsplit

import structlog
from fastapi import APIRouter, Form, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from crm_connector.choices import Role
from crm_connector.database import StoreUnavailable
from crm_connector.desk import accounts, audit
from crm_connector.desk.accounts import SignInRefused, TooManySignIns
from desk.access import Desk

COOKIE = "frontdesk_desk"
HOME = "/desk/"
SIGN_IN = "/desk/sign-in"
FIRST_RUN = "/desk/first-run"
STYLE = "/desk/sign-in.css"
ICON = "/desk/favicon.ico"  # where pages of the desk look for it, signed in or not
PROVIDER = "/desk/provider"
PROVIDER_BACK = "/desk/provider/back"
OPEN_PATHS = (SIGN_IN, FIRST_RUN, STYLE, ICON, PROVIDER, PROVIDER_BACK)
# What an identity provider's way back may have to say; nothing from the address is shown itself.
_PROBLEMS = {
    "late": "This took too long. Please try again.",
    "provider": "The provider did not sign you in.",
    "no_account": "You have no account at this desk.",
    "away": "The provider cannot be reached just now.",
}

_log = structlog.get_logger(__name__)
_STATIC = Path(__file__).parent / "static"
_POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)


class SignInPages:
    """The forms; `provider` is the name of an identity provider, where there is one."""

    def __init__(self, desk: Desk, *, provider: str | None = None) -> None:
        self._desk = desk
        self._provider = provider
        self._template = Template((_STATIC / "sign_in.html").read_text(encoding="utf-8"))
        self._code = secrets.token_urlsafe(12)

    def first_run_path(self) -> str | None:
        """Where the first administrator is made, None when there is an account already."""
        with self._desk.store.reading() as session:
            return None if accounts.has_accounts(session) else f"{FIRST_RUN}?code={self._code}"

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter()
        router.add_api_route(STYLE, self._style, methods=["GET"])
        router.add_api_route(ICON, self._icon, methods=["GET"])
        router.add_api_route(SIGN_IN, self._show, methods=["GET"], response_model=None)
        router.add_api_route(SIGN_IN, self._sign_in, methods=["POST"], response_model=None)
        router.add_api_route(FIRST_RUN, self._show_first_run, methods=["GET"], response_model=None)
        router.add_api_route(FIRST_RUN, self._first_run, methods=["POST"], response_model=None)
        router.add_api_route("/desk/sign-out", self._sign_out, methods=["POST"], response_model=None)
        return router

    async def _style(self) -> FileResponse:
        return FileResponse(_STATIC / "sign_in.css", media_type="text/css")

    async def _icon(self) -> FileResponse:
        return FileResponse(_STATIC / "icon.svg", media_type="image/svg+xml")

    async def _show(self, request: Request, problem: str = "") -> Response:
        if await asyncio.to_thread(self._desk.visitor, request.cookies.get(COOKIE)):
            return RedirectResponse(HOME, 303)
        return self._page(problem=_PROBLEMS.get(problem, ""))

    async def _sign_in(
        self, request: Request, email: Annotated[str, Form()] = "", password: Annotated[str, Form()] = ""
    ) -> Response:
        if not is_same_origin(request):
            _foreign(request)
            return self._page(problem="Please sign in on this page.", status=403)
        try:
            token = await asyncio.to_thread(
                accounts.sign_in,
                self._desk.store,
                email,
                password,
                address=address_of(request),
                limits=self._desk.limits,
            )
        except TooManySignIns as refusal:
            _log.warning("too many attempts to sign in", address=address_of(request))
            return self._page(problem=str(refusal), email=email, status=429)
        except SignInRefused as refusal:
            _log.warning("sign-in refused", address=address_of(request))
            return self._page(problem=str(refusal), email=email, status=401)
        except StoreUnavailable:
            return self._page(problem="The desk cannot reach its store just now.", email=email, status=503)
        await self._end(request)
        return signed_in_response(request, token, self._desk)

    async def _show_first_run(self, code: str = "") -> Response:
        if not await asyncio.to_thread(self._is_first_run, code):
            return RedirectResponse(SIGN_IN, 303)
        return self._page(first_run_code=code)

    async def _first_run(
        self,
        request: Request,
        code: Annotated[str, Form()] = "",
        name: Annotated[str, Form()] = "",
        email: Annotated[str, Form()] = "",
        password: Annotated[str, Form()] = "",
    ) -> Response:
        if not is_same_origin(request) or not await asyncio.to_thread(self._is_first_run, code):
            _log.warning("first account refused", address=address_of(request))
            return RedirectResponse(SIGN_IN, 303)
        try:
            token = await asyncio.to_thread(self._make_administrator, request, name, email, password)
        except ValueError as problem:
            sentence = f"{str(problem)[:1].upper()}{str(problem)[1:]}."
            return self._page(problem=sentence, email=email, name=name, first_run_code=code, status=422)
        return signed_in_response(request, token, self._desk)

    async def _sign_out(self, request: Request) -> Response:
        if not is_same_origin(request):
            _foreign(request)
            return self._page(problem="Please sign out on the desk.", status=403)
        await self._end(request)
        response = RedirectResponse(SIGN_IN, 303)
        response.delete_cookie(COOKIE, path=HOME)
        return response

    async def _end(self, request: Request) -> None:
        """Make what the browser is signed in with worthless, if it is."""

        def end(token: str) -> None:
            with self._desk.store.session() as session:
                accounts.sign_out(session, token)

        if request.cookies.get(COOKIE):
            await asyncio.to_thread(end, request.cookies[COOKIE])

    def _is_first_run(self, code: str) -> bool:
        is_right = hmac.compare_digest(code.encode("utf-8", "replace"), self._code.encode())
        return is_right and self.first_run_path() is not None

    def _make_administrator(self, request: Request, name: str, email: str, password: str) -> str:
        with self._desk.store.session() as session:
            account = accounts.create(session, email, name=name, roles=list(Role), password=password)
            audit.note(session, account.agent.email, "account.first", f"account {account.agent.email}")
            return accounts.start(session, account, address=address_of(request), limits=self._desk.limits)

    def _page(
        self,
        *,
        problem: str = "",
        email: str = "",
        name: str = "",
        first_run_code: str = "",
        status: int = 200,
    ) -> HTMLResponse:
        words = _words(is_first_run=bool(first_run_code))
        fields = {
            **words,
            "code": first_run_code,
            "email": email,
            "name": name,
            "problem": problem,
            "hidden_name": "" if first_run_code else "hidden",
            "disabled_name": "" if first_run_code else "disabled",
            "hidden_problem": "" if problem else "hidden",
            "hidden_provider": "" if self._provider and not first_run_code else "hidden",
            "provider": self._provider or "",
            "provider_path": PROVIDER,
        }
        page = self._template.substitute({key: html.escape(value) for key, value in fields.items()})
        headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-store"}
        return HTMLResponse(page, status, headers=headers)


def signed_in_response(request: Request, token: str, desk: Desk) -> Response:
    """Give the browser its token and send it to the desk."""
    response = RedirectResponse(HOME, 303)
    response.set_cookie(
        COOKIE,
        token,
        path=HOME,
        max_age=int(desk.limits.longest.total_seconds()),
        httponly=True,
        secure=request.url.scheme == "https",
        samesite="lax",  # "strict" would not come along when an identity provider sends somebody back
    )
    return response


def is_same_origin(request: Request) -> bool:
    """Whether a form was sent from a page of this very server."""
    origin = request.headers.get("origin")
    if origin is None or origin == "null":
        return request.headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")
    return urlsplit(origin).netloc == request.headers.get("host")


def _foreign(request: Request) -> None:
    _log.warning("form of another site refused", path=request.url.path, address=address_of(request))


def address_of(request: Request) -> str:
    """From where somebody comes; behind a proxy only if the server was told to trust it."""
    return request.client.host if request.client else "unknown"


def _words(*, is_first_run: bool) -> Mapping[str, str]:
    if is_first_run:
        return {
            "title": "Make the first account",
            "lead": "You will be the administrator, with every role.",
            "action": FIRST_RUN,
            "button": "Make account and sign in",
            "autocomplete": "new-password",
        }
    return {
        "title": "Sign in to the desk",
        "lead": "",
        "action": SIGN_IN,
        "button": "Sign in",
        "autocomplete": "current-password",
    }
