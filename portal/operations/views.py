"""The health page, for load balancers and people."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from portal.operations import health


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 when all is well, else 503; the JSON names each part with "ok" or a sentence."""
    found = health.quietly(health.check)
    return JsonResponse(found, status=200 if all(state == health.OK for state in found.values()) else 503)
