"""The pages for what went wrong before any room could answer."""

from __future__ import annotations

import logging
import secrets
import sys

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

log = logging.getLogger(__name__)


def page_too_old(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without its CSRF token: mostly a page that was open for too long."""
    return render(request, "403.html", {"again_url": request.path}, status=403)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "400.html", status=400)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """A fault of ours. The log gets its type and place under the reference that the page shows, never its text."""
    reference = secrets.token_hex(4)
    kind, _, trace = sys.exc_info()
    place = ""
    while trace is not None:
        place, trace = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}", trace.tb_next
    log.error("reference %s: %s at %s", reference, kind.__name__ if kind else "an error", place)
    return render(request, "500.html", {"reference": reference}, status=500)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Nothing in the portal answers 403 but an old form; what a person may not see is 404."""
    return page_too_old(request)
