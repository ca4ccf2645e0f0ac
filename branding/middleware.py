"""Sets request.brand from the Host header, and the language of the page; a host that no brand has is answered 400."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.http.request import split_domain_port
from django.utils import translation
from django.utils.cache import patch_vary_headers

from branding import choosing, languages
from branding.models import Brand

ANY_HOST = frozenset({"/livez", "/healthz", "/readyz"})
"""Asked by load balancers under names of their own, and answered without the database."""
THIS_COMPUTER = frozenset({"127.0.0.1", "[::1]"})


class BrandOfHost:
    """Middleware: no page is made, and no link built, for a host that nobody registered."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        brand = None
        if request.path_info not in ANY_HOST:
            brand = brand_of(request)
            if brand is None:
                return refusal()
        request.brand = brand  # type: ignore[attr-defined]
        return self.get_response(request)


class LanguageOfReader:
    """Middleware: the page speaks the language that its reader chose or their browser asks for, else the brand's."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        language = languages.of_request(request)
        with translation.override(language):
            response = self.get_response(request)
        if response.headers.get("Content-Type", "").startswith("text/html"):
            patch_vary_headers(response, ("Accept-Language", "Cookie"))
            response.headers.setdefault("Content-Language", language)
        return response


def brand_of(request: HttpRequest) -> Brand | None:
    """The brand registered for the host that was asked, or None."""
    try:
        host, _port = split_domain_port(request.get_host())
    except DisallowedHost:
        return None
    if settings.LETTERLOCK.loopback and host in THIS_COMPUTER:
        return choosing.default()
    return choosing.of_host(host)


def refusal() -> HttpResponse:
    """Plain text that repeats nothing of the request."""
    return HttpResponseBadRequest(
        "There is no page under this address. Use the link in the mail that you received.\n",
        content_type="text/plain; charset=utf-8",
    )
