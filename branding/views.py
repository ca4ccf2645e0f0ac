"""What a brand's pages load, kept by browsers for a year because a change changes its address."""

from __future__ import annotations

import gzip
import re
from functools import lru_cache

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from branding import logos, look
from branding.models import Brand

FOREVER = "public, max-age=31536000, immutable"
_TAKES_GZIP = re.compile(r"\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))", re.IGNORECASE)


@require_safe
def stylesheet(request: HttpRequest, slug: str, digest: str) -> HttpResponse:
    return _file(request, look.css(_own(request, slug)), digest, "text/css; charset=utf-8")


@require_safe
def plain_stylesheet(request: HttpRequest, digest: str) -> HttpResponse:
    """One that is no brand's own: the second, or that of a page which no brand could be found for."""
    content = look.more_css() if digest == look.digest(look.more_css()) else look.css(None)
    return _file(request, content, digest, "text/css; charset=utf-8")


@require_safe
def script(request: HttpRequest, digest: str) -> HttpResponse:
    content = look.writing_script() if digest == look.digest(look.writing_script()) else look.script()
    return _file(request, content, digest, "text/javascript; charset=utf-8")


@require_safe
def mark(request: HttpRequest, slug: str, digest: str) -> HttpResponse:
    return _file(request, look.svg(_own(request, slug)), digest, "image/svg+xml; charset=utf-8")


@require_safe
def logo(request: HttpRequest, slug: str, digest: str, kind: str) -> HttpResponse:
    """A brand's logo, also one that it showed before: pages that browsers still hold name it."""
    found = logos.row(_own(request, slug), digest)
    content = {"svg": found.svg.encode(), "png": bytes(found.png)}.get(kind) if found else None
    if not content:
        raise Http404
    answer = HttpResponse(content, content_type="image/svg+xml; charset=utf-8" if kind == "svg" else "image/png")
    answer["Cache-Control"] = FOREVER
    # Opened as a page of its own it runs and loads nothing, whatever the cleaning let through.
    answer["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'; sandbox"
    return answer


def _own(request: HttpRequest, slug: str) -> Brand:
    """The brand of this host; one host does not tell of another's brand."""
    brand: Brand | None = getattr(request, "brand", None)
    if brand is None or brand.slug != slug:
        raise Http404
    return brand


def _file(request: HttpRequest, content: bytes, digest: str, content_type: str) -> HttpResponse:
    if digest != look.digest(content):
        raise Http404
    # Compression tells of secrets that lie beside a stranger's text (BREACH); these files hold neither.
    smaller = _TAKES_GZIP.search(request.headers.get("Accept-Encoding", ""))
    answer = HttpResponse(_smaller(content) if smaller else content, content_type=content_type)
    answer["Cache-Control"] = FOREVER
    if smaller:
        answer["Content-Encoding"] = "gzip"
    patch_vary_headers(answer, ["Accept-Encoding"])
    return answer


@lru_cache(maxsize=64)
def _smaller(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)
