"""How long a session still lasts, for the bar that warns before its end, and the button that makes it last."""

from __future__ import annotations

from django.http import HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from portal.access import sessions
from portal.access.requests import Request


@require_http_methods(["GET", "HEAD", "POST"])
def session(request: Request) -> HttpResponse:
    """Seconds until this browser is signed out, and whether anything can be done about it. POST is doing something;
    GET is not (portal.access.middleware)."""
    row = request.session_row
    if row is None:
        return JsonResponse({"seconds": 0, "idle": False, "sentence": request.session_ended})
    seconds = max(1, int((sessions.over_at(row) - timezone.now()).total_seconds()))
    return JsonResponse({"seconds": seconds, "idle": sessions.is_idle_first(row), "sentence": ""})
