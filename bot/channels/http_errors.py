"""Errors as HTTP clients of Rasa know them."""

from __future__ import annotations

from importlib.metadata import version

from fastapi.responses import JSONResponse

from bot.channels.incoming import Refused
from bot.dialogue.messages import JSON

PRODUCT_VERSION = version("frontdesk-crm")


def error_body(message: str, *, code: int, reason: str, details: JSON = None) -> dict[str, JSON]:
    """Return the body of an error in Rasa's shape."""
    return {
        "version": PRODUCT_VERSION,
        "status": "failure",
        "message": message,
        "reason": reason,
        "details": details or {},
        "help": None,
        "code": code,
    }


def refusal_response(refused: Refused) -> JSONResponse:
    """Answer a refused request."""
    body = error_body(refused.message, code=refused.code, reason=refused.reason, details=refused.details)
    return JSONResponse(body, status_code=refused.code)
