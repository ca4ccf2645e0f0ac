"""Answers that every page of this room gives alike."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone

from portal.access.clock import whole_minute
from portal.access.errors import TooManyTries
from portal.access.places import Place


def see_other(url: str) -> HttpResponseRedirect:
    """303 (RFC 9110 section 15.4.4): what follows a form is another page, which a reload does not post again."""
    return HttpResponseRedirect(url, status=303)


def wait(request: HttpRequest, error: TooManyTries, place: Place | None = None) -> HttpResponse:
    """R6, the same for every budget and ceiling; back at the place there may be other ways to confirm."""
    until = whole_minute(error.until)
    context = {"until": until, "back_url": place.back_url if place else ""}
    response = render(request, "access/wait.html", context, status=429)
    retry_after(response, until)
    return response


def retry_after(response: HttpResponse, until: datetime) -> None:
    """RFC 9110 section 10.2.3, in seconds."""
    response.headers["Retry-After"] = str(max(1, int((until - timezone.now()).total_seconds())))
