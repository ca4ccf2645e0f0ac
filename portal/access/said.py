"""The word by which a page says what was just done: signed, so that no link of a stranger can make a page say it."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.core.signing import BadSignature, TimestampSigner
from django.http import HttpRequest, HttpResponseRedirect
from django.utils.encoding import iri_to_uri

from portal.access import cookies
from portal.access.models import Session
from portal.access.responses import see_other

WORD = "did"
SECONDS = 120
"""Longer than a slow line takes; later the sentence may be true no more, and a reload shows the page without it."""


def see_said(url: str, word: str, row: Session) -> HttpResponseRedirect:
    """To a page of ours (303), which says `word` to the browser of this session and to no other."""
    return _see(url, word, bytes(row.token))


def see_said_outside(url: str, word: str, browser: bytes) -> HttpResponseRedirect:
    """The same for whoever is not signed in: to the browser with this digest of its cookie BROWSER, and no other."""
    return _see(url, word, browser)


def word(request: HttpRequest, row: Session | None) -> str:
    """What was said to this session of this page within two minutes, or ""."""
    return _heard(request, bytes(row.token) if row else b"")


def word_outside(request: HttpRequest) -> str:
    """What was said to this browser, whoever is signed in in it, or ""."""
    return _heard(request, cookies.digest_of(request, cookies.BROWSER))


def _see(url: str, word: str, whom: bytes) -> HttpResponseRedirect:
    parts = urlsplit(url)
    signed = _signer(whom, iri_to_uri(parts.path)).sign(word)
    return see_other(parts._replace(query=f"{WORD}={signed}").geturl())


def _heard(request: HttpRequest, whom: bytes) -> str:
    given = request.GET.get(WORD, "")
    if not (whom and given):
        return ""
    try:
        return _signer(whom, iri_to_uri(request.path)).unsign(given, max_age=SECONDS)
    except BadSignature:
        return ""


def _signer(whom: bytes, path: str) -> TimestampSigner:
    return TimestampSigner(salt=f"portal.access.said {whom.hex()} {path}", sep=".")
