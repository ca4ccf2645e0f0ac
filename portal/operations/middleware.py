"""What stands around every request: an id for the logs, and headers that keep its answer from being kept or indexed."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from uuid import uuid4

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from portal import observing
from portal.networks import client_network, plain_address
from portal.values import Network, is_loopback

CLOSED = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer", "autoplay", "bluetooth", "browsing-topics", "camera", "display-capture", "encrypted-media",
        "fullscreen", "gamepad", "geolocation", "gyroscope", "hid", "idle-detection", "local-fonts", "magnetometer",
        "microphone", "midi", "payment", "picture-in-picture", "screen-wake-lock", "serial", "usb",
        "xr-spatial-tracking",
    )
)  # fmt: skip
"""Permissions-Policy: a page of mail needs none of them."""
OWN = ", ".join(f"publickey-credentials-{feature}=(self)" for feature in ("create", "get"))
"""Passkeys are asked for by our own pages alone, in no frame of another site."""
KEEPS = (settings.STATIC_URL, "/brand/", "/api/v1/openapi.json")
"""What a browser may keep: the same bytes for everyone, no word of any mail. Only what is there: the page that says
that nothing is names whoever is signed in, and a cache that goes by addresses would show it to the next."""
_THERE = frozenset({200, 206, 304})
PROBES = frozenset({"/livez", "/readyz", "/healthz"})


_WELL_FORMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")


class Requests:
    """Stands outermost: each request has an id, its time is measured, and what it logs and does bears the id."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began_ns = time.time_ns()
        id_ = request_id(request)
        asked = observing.Request.of_a_probe(id_) if request.path in PROBES else observing.Request(id_)
        request.network = client_network(request.META, _proxies())  # type: ignore[attr-defined]
        with observing.answering(asked):
            response = self.get_response(request)
            response.headers["X-Request-Id"] = asked.id
            observing.answered(asked, view_of(request), response.status_code, began_ns)
        return response


def _proxies() -> Sequence[Network]:
    """Whose word on where a request comes from counts: with plain http nobody is in front (portal.operations.web)."""
    return settings.LETTERLOCK.proxies if settings.LETTERLOCK.https else ()


def request_id(request: HttpRequest) -> str:
    """The TLS proxy's id when it gave a well-formed one, else a new one. A stranger's is not believed: with ids of
    their own choosing they could make the log say that two people's requests were one."""
    given = str(request.META.get("HTTP_X_REQUEST_ID") or "")
    peer = plain_address(str(request.META.get("REMOTE_ADDR") or ""))
    if settings.LETTERLOCK.https and is_loopback(peer) and _WELL_FORMED.fullmatch(given):
        return given
    return uuid4().hex


def view_of(request: HttpRequest) -> str:
    """The view's name from our own list of addresses; never the path, which may hold a link."""
    if request.path.startswith(settings.STATIC_URL):
        return "static"
    return request.resolver_match.view_name if request.resolver_match else "none"


class ResponseHeaders:
    """Stands outermost, so that refusals and failures carry the headers too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not request.path.startswith(KEEPS) or response.status_code not in _THERE:
            response.headers["Cache-Control"] = "no-store"
        response.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
        response.headers["Permissions-Policy"] = f"{CLOSED}, {OWN}"
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        return response
