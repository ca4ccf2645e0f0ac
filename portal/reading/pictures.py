"""Pictures of the internet in a body: hidden until its reader asks for them, then brought by this portal.

A browser can ask for number n of a message alone; the address stands in the sealed message. The choice is kept in a
cookie for this session and message, and nowhere else.
"""

from __future__ import annotations

import hmac
import logging
import threading

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
AT_ONCE = 6
"""In a process: what a slow server holds up is some of its threads, never all."""
WAIT_SECONDS = 10.0
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
    if not _places.acquire(timeout=WAIT_SECONDS):
        log.warning("message %s: a picture is not fetched: %d others are being fetched", reader.message_id, AT_ONCE)
        raise Http404
    try:
        if not allowance.take(reader.message.brand, request.network, timezone.now()):
            log.warning("message %s: a picture is not fetched: too many were in ten minutes", reader.message_id)
            raise Http404
        return reencoding.re_encode(fetching.fetch(address))
    except Unfetched as error:
        log.info("message %s: a picture is not shown: %s", reader.message_id, error)
        raise Http404 from None
    except NotAPicture:
        log.info("message %s: a picture is not shown: it is none that can be decoded", reader.message_id)
        raise Http404 from None
    finally:
        _places.release()


def _mark(request: Request, reader: Reader) -> str:
    """What the cookie holds: of this session and this reader's message, and worth nothing anywhere else."""
    session = request.session_row
    return keys().lookup("pictures", f"{session.pk if session else 0} {reader.pk}").hex()
