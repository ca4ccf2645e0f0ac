"""Yardsticks on the portal's own server: a view of one query and one template, and a plain file, streamed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.template import engines
from django.urls import include, path

from bench.asking import PLAIN_FILE

PIECE_BYTES = 1024 * 1024
"""As large as the pieces that the portal sends; Django's own FileResponse reads 4 KiB at once, and is slower."""
PAGE_BYTES = 10_000
"""About as large as a message page."""
_PAGE = (
    "<!doctype html><title>{{ brand.name }}</title><h1>{{ brand.name }}</h1><p>{{ brand.welcome }}</p>"
    f"<p>{'A line of text. ' * (PAGE_BYTES // 16)}</p>"
)


def one(request: HttpRequest) -> HttpResponse:
    """One query, one template."""
    from branding.models import Brand

    page = _template().render({"brand": Brand.objects.get(is_default=True)}, request).encode()
    return HttpResponse(page, headers={"Content-Length": str(len(page))})


def framed(request: HttpRequest) -> HttpResponse:
    """One query, and the template of the message page with values at hand."""
    from portal.vault.models import Reader

    return render(
        request,
        "reading/message.html",
        {**import_module("tests.screens.samples").MESSAGE, "reader": Reader.objects.first()},
    )


def file(request: HttpRequest) -> StreamingHttpResponse:
    """A file in clear, with nothing asked and nothing opened."""
    source = Path(settings.LETTERLOCK.data, PLAIN_FILE)
    return StreamingHttpResponse(_pieces(source), headers={"Content-Length": str(source.stat().st_size)})


def _pieces(source: Path) -> Iterator[bytes]:
    with source.open("rb", buffering=0) as opened:
        while piece := opened.read(PIECE_BYTES):
            yield piece


@cache
def _template() -> Any:
    return engines["django"].from_string(_PAGE)


urlpatterns = [path("one", one), path("framed", framed), path("file", file), path("", include("portal.urls"))]
