"""A brand's stylesheet and mark, kept by browsers for a year because a change changes their address."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from branding import look
from branding.models import Brand

FOREVER = "public, max-age=31536000, immutable"


@require_safe
def stylesheet(request: HttpRequest, slug: str, digest: str) -> HttpResponse:
    return _file(look.css(_own(request, slug)), digest, "text/css; charset=utf-8")


@require_safe
def mark(request: HttpRequest, slug: str, digest: str) -> HttpResponse:
    return _file(look.svg(_own(request, slug)), digest, "image/svg+xml; charset=utf-8")


def _own(request: HttpRequest, slug: str) -> Brand:
    """The brand of this host; one host does not tell of another's brand."""
    brand: Brand | None = getattr(request, "brand", None)
    if brand is None or brand.slug != slug:
        raise Http404
    return brand


def _file(content: bytes, digest: str, content_type: str) -> HttpResponse:
    if digest != look.digest(content):
        raise Http404
    return HttpResponse(content, content_type=content_type, headers={"Cache-Control": FOREVER})
