"""The cookies of a recipient's, an administrator's and a sender's browser: random tokens of which only digests stay."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.crypto import salted_hmac

SESSION = f"{settings.COOKIE_PREFIX}session"
BROWSER = f"{settings.COOKIE_PREFIX}browser"
TRUSTED = f"{settings.COOKIE_PREFIX}trusted"
OFFICE = f"{settings.COOKIE_PREFIX}office"
"""An administrator's: apart from SESSION, because an entry link proves no mailbox and must open no message."""
SENDER = f"{settings.COOKIE_PREFIX}sender"
"""Of someone inside the organisation who looks at what they sent: apart from SESSION for the same reason."""
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


def new_token() -> str:
    """32 random bytes in 43 characters."""
    return secrets.token_urlsafe(32)


def digest(token: str) -> bytes:
    """SHA-256 (32 bytes): what a row holds, so that a dump of the database signs nobody in."""
    return hashlib.sha256(token.encode()).digest()


def read(request: HttpRequest, name: str) -> str:
    """The token in a cookie, or "" when there is none or it is not one of ours."""
    token = request.COOKIES.get(name, "")
    return token if _TOKEN.fullmatch(token) else ""


def digest_of(request: HttpRequest, name: str) -> bytes:
    """The digest of the token in a cookie; b"" when there is none."""
    token = read(request, name)
    return digest(token) if token else b""


def browser_token(request: HttpRequest) -> str:
    """The token of BROWSER; without that cookie, one that follows from the token of the page's forms.

    So it is the same at a second press, or after an answer that a phone threw away when its owner went to look for the
    mail: a passcode that was mailed meanwhile works in the browser that asked for it.
    """
    token, form = read(request, BROWSER), request.COOKIES.get(settings.CSRF_COOKIE_NAME, "")
    if token or not form:
        return token or new_token()
    derived = salted_hmac("letterlock.browser", form, algorithm="sha256").digest()
    return base64.urlsafe_b64encode(derived).decode().rstrip("=")


def write(response: HttpResponseBase, name: str, token: str, seconds: int | None) -> None:
    """Set a cookie; None lets it end with the browser. Lax, not Strict: a link in a mail must find its session."""
    response.set_cookie(
        name, token, max_age=seconds, path="/", secure=settings.LETTERLOCK.https, httponly=True, samesite="Lax"
    )


def drop(response: HttpResponseBase, name: str) -> None:
    """Take a cookie back. Not delete_cookie(): a __Host- cookie is only replaced by one that is Secure too."""
    response.set_cookie(
        name,
        "",
        max_age=0,
        expires="Thu, 01 Jan 1970 00:00:00 GMT",
        path="/",
        secure=settings.LETTERLOCK.https,
        httponly=True,
        samesite="Lax",
    )
