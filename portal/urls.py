"""All addresses of the portal, room by room."""

from __future__ import annotations

from django.urls import include, path

urlpatterns = [
    path("", include("branding.urls")),
    path("", include("portal.access.urls")),
    path("", include("portal.reading.urls")),
    path("", include("portal.sent.urls")),
    path("", include("portal.writing.urls")),
    path("", include("portal.api.urls")),
    path("", include("portal.api.scim.urls")),
    path("", include("portal.console.urls")),
    path("", include("portal.operations.urls")),
]

handler400 = "portal.reading.failures.bad_request"
handler403 = "portal.reading.failures.forbidden"
handler404 = "portal.console.failing.not_found"
handler500 = "portal.reading.failures.server_error"
