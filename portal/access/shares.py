"""The share of a split message in its reader's browser: a cookie for that one message's addresses."""

from __future__ import annotations

import re

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from portal.access import budgets, cookies
from portal.access.budgets import Purse
from portal.access.errors import TooManyTries
from portal.keys import split
from portal.vault import readers
from portal.vault.errors import ShareRefused
from portal.vault.models import Reader
from portal.vault.opening import open_message

# No __Host-: its path is the message's, so that no other page is sent it.
COOKIE = "__Secure-share" if settings.LETTERLOCK.https else "share"
FIELD = "share"
_MANGLED = re.compile(r"([0-9A-Za-z]{22})(?:#|%23)([0-9A-Za-z]{26})", re.ASCII)


def kept(request: HttpRequest) -> bytes:
    """The share that this browser holds for the message at this address; b"" when none."""
    return split.share_of(request.COOKIES.get(COOKIE, ""))


def posted(request: HttpRequest) -> bytes:
    """The share that a form brought; b"" when none."""
    return split.share_of(request.POST.get(FIELD, ""))


def keep(response: HttpResponseBase, reader: Reader, share: bytes) -> None:
    """Keep a share in the browser until it ends, for this message's addresses only. Nothing of a share stays here."""
    _write(response, reader, split.code_of(share), None)


def drop(response: HttpResponseBase, reader: Reader) -> None:
    """Take it back, as when it was wrong."""
    _write(response, reader, "", 0)


def mangled(link: str) -> tuple[str, bytes]:
    """Link and share where a mail program wrote the # as %23, so that the share came as part of the path."""
    found = _MANGLED.fullmatch(link)
    share = split.share_of(found[2]) if found else b""
    return (found[1], share) if found and share else ("", b"")


def may_try(request: HttpRequest, reader: Reader) -> None:
    """TooManyTries when the budget of wrong passcodes and codes at this message is spent."""
    now = timezone.now()
    until = budgets.guessing_opens(_purse(request, reader), reader.id, now)
    if until is not None:
        raise TooManyTries(budgets.as_shown(until, now))


def count_wrong(request: HttpRequest, reader: Reader) -> None:
    """A wrong code counts like a wrong passcode."""
    budgets.count_failure(_purse(request, reader), reader.id, timezone.now())


def try_share(request: HttpRequest, reader: Reader, share: bytes) -> bool:
    """Whether a typed share opens the message, counting when it does not.

    Raises:
        TooManyTries: the budget is spent; the share was not even looked at.
        What portal.vault.opening.open_message raises.
    """
    with budgets.one_at_a_time(bytes(reader.address_lookup)):
        may_try(request, reader)
        try:
            open_message(reader, share)
        except ShareRefused:
            count_wrong(request, reader)
            return False
    return True


def _purse(request: HttpRequest, reader: Reader) -> Purse:
    trusted = cookies.read(request, cookies.TRUSTED)
    return Purse.of(bytes(reader.address_lookup), cookies.digest(trusted) if trusted else b"")


def _write(response: HttpResponseBase, reader: Reader, code: str, seconds: int | None) -> None:
    response.set_cookie(
        COOKIE,
        code,
        max_age=seconds,
        path=f"/m/{readers.link_of(reader)}",
        secure=settings.LETTERLOCK.https,
        httponly=True,
        samesite="Lax",
    )
