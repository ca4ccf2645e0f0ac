"""Pictures of the internet in a body: hidden until its reader asks for them, then brought by this portal.

A browser can ask for number n of a message alone; the address stands in the sealed message. The choice is kept in a
cookie for this session and message, and nowhere else.
"""

from __future__ import annotations

import hmac
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.http import Http404, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from portal.access.requests import Request
from portal.access.responses import see_other
from portal.keys.service import keys
from portal.mime.cleaning import with_pictures
from portal.reading import admission, allowance, fetching, policies, reencoding
from portal.reading.fetching import Unfetched
from portal.reading.reencoding import NotAPicture
from portal.vault import readers
from portal.vault.models import Reader
from portal.vault.opening import Opened

log = logging.getLogger(__name__)

# No __Host-: its path is the message's, so that no other page is sent it.
COOKIE = "__Secure-pictures" if settings.LETTERLOCK.https else "pictures"
AT_ONCE, WAITING = 4, 12
"""In a process: what slow servers hold up is half of its threads, never all."""
WAIT_SECONDS = 10.0
_queue = threading.BoundedSemaphore(AT_ONCE + WAITING)
_places = threading.BoundedSemaphore(AT_ONCE)


def may_show(reader: Reader, opened: Opened) -> bool:
    """Whether there is something to show, and the brand lets it be shown."""
    return reader.message.brand.pictures == "ask" and bool(opened.toc.pictures)


def are_shown(request: Request, reader: Reader, opened: Opened) -> bool:
    """Whether this reader asked for them in this session, and still may."""
    given = request.COOKIES.get(COOKIE, "")
    return may_show(reader, opened) and hmac.compare_digest(given.encode(), _mark(request, reader).encode())


def body(request: Request, reader: Reader, opened: Opened, html: str) -> str:
    """The cleaned HTML of a body as it is to be shown now."""
    return with_pictures(html) if are_shown(request, reader, opened) else html


@require_POST
@admission.content
def show(request: Request, reader: Reader, opened: Opened) -> HttpResponseBase:
    """Remember that this reader wants to see them. A script is answered 204, a form led back to the message."""
    if not may_show(reader, opened):
        raise Http404
    wants_page = request.headers.get("Accept") != "application/json"
    answer = see_other(f"/m/{readers.link_of(reader)}") if wants_page else HttpResponse(status=204)
    answer.set_cookie(
        COOKIE,
        _mark(request, reader),
        path=f"/m/{readers.link_of(reader)}",
        secure=settings.LETTERLOCK.https,
        httponly=True,
        samesite="Lax",
    )
    return answer


@require_safe
@admission.content
def picture(request: Request, reader: Reader, opened: Opened, number: int) -> HttpResponseBase:
    """One of them, fetched now, as a picture of our own making. A HEAD fetches nothing."""
    if not are_shown(request, reader, opened) or not 1 <= number <= len(opened.toc.pictures):
        raise Http404
    made = b"" if request.method == "HEAD" else _made(request, reader, opened.toc.pictures[number - 1])
    answer = HttpResponse(made, content_type=reencoding.content_type(made))
    return policies.under(policies.FILE, answer)


def _made(request: Request, reader: Reader, address: str) -> bytes:
    """Http404 for whatever comes in the way: the reader sees the text in its place, and the log says no address."""
    why = "too many others are being fetched"
    try:
        with _place():
            if allowance.take(reader.message.brand, request.network, timezone.now()):
                return reencoding.re_encode(fetching.fetch(address))
            why = "its network or brand has had too many"
    except Unfetched as error:
        why = str(error)
    except NotAPicture:
        why = "it is none that can be decoded"
    except _Busy:
        pass
    log.info("message %s: a picture is not shown: %s", reader.message_id, why)
    raise Http404


class _Busy(Exception):
    """No place came free."""


@contextmanager
def _place() -> Iterator[None]:
    """One of the places for fetching, after some waiting. Raises _Busy."""
    if not _queue.acquire(blocking=False):
        raise _Busy
    try:
        if not _places.acquire(timeout=WAIT_SECONDS):
            raise _Busy
        try:
            yield
        finally:
            _places.release()
    finally:
        _queue.release()


def _mark(request: Request, reader: Reader) -> str:
    """What the cookie holds: of this session and this reader's message, and worth nothing anywhere else."""
    session = request.session_row
    return keys().lookup("pictures", f"{session.pk if session else 0} {reader.pk}").hex()
