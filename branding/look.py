"""What a brand's pages load, as files whose addresses change with what is in them: a stylesheet, a script, a mark.

A page of the reader's rooms loads one of each, so that it is there after few round trips on a slow line; where somebody
writes, one more. Their sources
stay apart (static/css, static/js), and are put together once a process.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path

from django.conf import settings

from branding import mark, palette
from branding.models import Brand

SHEETS = ("tokens", "frame", "controls", "reading", "inside", "previews", "door", "pages")
"""In this order, for of two rules of one weight the later counts; print and the brand's colours come behind them."""
MORE_SHEETS = ("compose", "sent")
"""For the forms in which somebody writes and the list of what was sent, which load both sheets, this one behind; the
message page does without its weight."""
SCRIPTS = (
    "local-time", "session", "focus", "share", "passkey", "body-frame", "pictures", "download-all", "print", "once",
    "way-back",
)  # fmt: skip
"""Each looks for what it makes nicer, and does nothing on a page without it."""
WRITING = ("sent", "compose", "rich", "arriving", "upload", "draft")
"""Besides, where somebody writes. In this order: what holds a form back comes before what sends or saves it."""


def css(brand: Brand | None) -> bytes:
    """The stylesheet of a brand, UTF-8; without one, with the colours of static/css/tokens.css."""
    return _css(brand.colour if brand else "")


@cache
def more_css() -> bytes:
    """The second stylesheet, UTF-8; every brand's, for its colours are variables of the first."""
    return b"".join(_source(f"css/{name}.css") for name in MORE_SHEETS)


def svg(brand: Brand) -> bytes:
    """The mark of a brand, an SVG picture, UTF-8."""
    return _svg(brand.name, brand.colour)


@cache
def script() -> bytes:
    """The module of every page, UTF-8. Each source is a block of its own: their names do not meet."""
    return _module(SCRIPTS)


@cache
def writing_script() -> bytes:
    """The module of pages on which somebody writes, UTF-8; the message page does without its weight."""
    return _module(WRITING)


def _module(names: Sequence[str]) -> bytes:
    return b"".join(b"{\n%b}\n" % _source(f"js/{name}.js") for name in names)


def css_url(brand: Brand | None) -> str:
    """Path of the brand's stylesheet."""
    return f"/brand/{brand.slug}.{digest(css(brand))}.css" if brand else f"/brand/{digest(css(None))}.css"


def more_css_url() -> str:
    """Path of the second stylesheet."""
    return f"/brand/{digest(more_css())}.css"


def script_url() -> str:
    """Path of the script."""
    return f"/brand/{digest(script())}.js"


def writing_script_url() -> str:
    """Path of the script for writing."""
    return f"/brand/{digest(writing_script())}.js"


def mark_url(brand: Brand) -> str:
    """Path of the brand's mark."""
    return f"/brand/{brand.slug}.{digest(svg(brand))}.svg"


@lru_cache(maxsize=256)
def digest(content: bytes) -> str:
    """The part of a file's address that changes with its content: 12 hex digits of its SHA-256."""
    return hashlib.sha256(content).hexdigest()[:12]


@lru_cache(maxsize=64)
def _css(colour: str) -> bytes:
    sheets = [_source(f"css/{name}.css") for name in SHEETS]
    colours = palette.css(colour).encode() if colour else b""
    return b"".join((*sheets, b"@media print {\n", _source("css/print.css"), b"}\n", colours))


@lru_cache(maxsize=256)
def _svg(name: str, colour: str) -> bytes:
    return mark.svg(mark.initials(name), colour).encode()


def _source(name: str) -> bytes:
    return Path(settings.STATICFILES_DIRS[0], name).read_bytes()
