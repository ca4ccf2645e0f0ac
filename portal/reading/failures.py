"""The pages for what went wrong before any room could answer."""

from __future__ import annotations

import logging
import secrets
import sys

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db import DataError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string

from branding.context import brand
from portal.access import expired
from portal.keys.errors import KeysError
from portal.vault.errors import BlobsUnavailable

log = logging.getLogger(__name__)
RETRY_SECONDS = 600


def page_too_old(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    """A form without its CSRF token: mostly a page that was open for too long."""
    if again := expired.page(request):
        return again
    return render(request, "403.html", {"again_url": _came_from(request)}, status=403)


def _came_from(request: HttpRequest) -> str:
    """The page of ours that the form was on, as its browser says; many forms lead to where no page is."""
    page = request.headers.get("Referer", "").removeprefix(f"{request.scheme}://{request.get_host()}")
    # Two strokes would be another site's address.
    return page if page.startswith("/") and not page.startswith(("//", "/\\")) else request.path


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Nothing in the portal answers 403 but an old form; what a person may not see is 404."""
    return page_too_old(request)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig | TooManyFieldsSent | TooManyFilesSent):
        return _bare(request, "413.html", 413)
    return _bare(request, "400.html", 400)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """A fault of ours. The log gets its type and place under the reference that the page shows, never its text."""
    reference = secrets.token_hex(4)
    _, error, trace = sys.exc_info()
    if isinstance(error, KeysError | BlobsUnavailable):
        log.error("reference %s: no page without keys and storage: %s", reference, error)
        return no_keys(request, reference)
    if isinstance(error, InterfaceError | OperationalError):
        log.error("reference %s: no page without the database: %s", reference, type(error).__name__)
        return _later(_bare(request, "503.html", 503, reference=reference))
    if isinstance(error, DataError):  # a NUL in what was sent, which PostgreSQL keeps in no text: no fault of ours
        log.warning("reference %s: the database cannot hold or look for what was asked", reference)
        return _bare(request, "400.html", 400)
    place = ""
    while trace is not None:
        place, trace = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}", trace.tb_next
    log.error("reference %s: %s at %s", reference, type(error).__name__, place)
    return _bare(request, "500.html", 500, reference=reference)


def no_keys(request: HttpRequest, reference: str) -> HttpResponse:
    """R5 while the key service does not answer: nothing is lost, and trying again is all a person can do."""
    context = {"kind": "key", "reference": reference, "sender_name": "", "sender_address": ""}
    return _later(_bare(request, "reading/problem.html", 503, **context))


def _later(answer: HttpResponse) -> HttpResponse:
    answer["Retry-After"] = str(RETRY_SECONDS)
    return answer


def _bare(request: HttpRequest, template: str, status: int, **context: object) -> HttpResponse:
    """A page that needs no key: who is signed in is not looked up, for that may be what failed."""
    return HttpResponse(render_to_string(template, {**brand(request), **context}), status=status)
