"""All addresses of the portal, room by room."""

from __future__ import annotations

from importlib.util import find_spec

from django.urls import URLPattern, URLResolver, include, path

ROOMS = (
    "branding.urls",
    "portal.access.urls",
    "portal.reading.urls",
    "portal.writing.urls",
    "portal.api.urls",
    "portal.console.urls",
    "portal.operations.urls",
)

urlpatterns: list[URLPattern | URLResolver] = [path("", include(room)) for room in ROOMS if find_spec(room)]

handler400 = "portal.reading.failures.bad_request"
handler403 = "portal.reading.failures.forbidden"
handler404 = "portal.reading.failures.not_found"
handler500 = "portal.reading.failures.server_error"
