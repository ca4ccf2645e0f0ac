"""How long a session still lasts, for the bar that warns before its end, and the button that makes it last."""

from __future__ import annotations

from django.http import HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from portal.access import sessions
from portal.access.models import Session
from portal.access.requests import Request


@require_http_methods(["GET", "HEAD", "POST"])
def session(request: Request) -> HttpResponse:
    """Seconds until this browser is signed out, and whether anything can be done about it. POST is doing something;
    GET is not (portal.access.middleware)."""
    return _said(request.session_row, request.session_ended)


@require_http_methods(["GET", "HEAD", "POST"])
def of_sender(request: Request) -> HttpResponse:
    """The same for someone who looks at what they sent."""
    return _said(request.sender_row, request.sender_ended)


def _said(row: Session | None, ended: str) -> JsonResponse:
    if row is None:
        return JsonResponse({"seconds": 0, "idle": False, "sentence": ended})
    seconds = max(1, int((sessions.over_at(row) - timezone.now()).total_seconds()))
    return JsonResponse({"seconds": seconds, "idle": sessions.is_idle_first(row), "sentence": ""})
