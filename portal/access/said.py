"""The word by which a page says what was just done: signed, so that no link of a stranger can make a page say it."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.core.signing import BadSignature, TimestampSigner
from django.http import HttpRequest, HttpResponseRedirect
from django.utils.encoding import iri_to_uri

from portal.access.models import Session
from portal.access.responses import see_other

WORD = "did"
SECONDS = 120
"""Longer than a slow line takes; later the sentence may be true no more, and a reload shows the page without it."""


def see_said(url: str, word: str, row: Session) -> HttpResponseRedirect:
    """To a page of ours (303), which says `word` to the browser of this session and to no other."""
    parts = urlsplit(url)
    signed = _signer(row, iri_to_uri(parts.path)).sign(word)
    return see_other(parts._replace(query=f"{WORD}={signed}").geturl())


def word(request: HttpRequest, row: Session | None) -> str:
    """What was said to this session of this page within two minutes, or ""."""
    given = request.GET.get(WORD, "")
    if row is None or not given:
        return ""
    try:
        return _signer(row, iri_to_uri(request.path)).unsign(given, max_age=SECONDS)
    except BadSignature:
        return ""


def _signer(row: Session, path: str) -> TimestampSigner:
    return TimestampSigner(salt=f"portal.access.said {bytes(row.token).hex()} {path}", sep=".")
