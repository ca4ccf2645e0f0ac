"""The health pages, for load balancers and people."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from portal.operations import health

_OF_A_PROXY = ("X-Forwarded-For", "Forwarded", "X-Real-IP")


@require_safe
def livez(request: HttpRequest) -> JsonResponse:
    """200 while this process answers at all; a database that is away is no reason to restart it."""
    return JsonResponse({"web": health.OK})


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 when all of the product is well, else 503; the JSON names each part with "ok" or a sentence. Whoever comes
    through a proxy may be anybody, and reads no sentence: they name ports, settings and what is weak just now."""
    found = health.check()
    if any(name in request.headers for name in _OF_A_PROXY):
        found = {part: state if state == health.OK else "not well" for part, state in found.items()}
    return JsonResponse(found, status=200 if all(state == health.OK for state in found.values()) else 503)


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when requests may be sent here, else 503 with the names of what is missing, and no more for strangers."""
    missing = sorted(name for name, state in health.ready().items() if state != health.OK)
    return JsonResponse({"ready": not missing, "missing": missing}, status=503 if missing else 200)
