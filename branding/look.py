"""A brand's stylesheet and mark as files, whose addresses change with what is in them."""

from __future__ import annotations

import hashlib
from functools import lru_cache

from branding import mark, palette
from branding.models import Brand


def css(brand: Brand) -> bytes:
    """The stylesheet of a brand, UTF-8."""
    return _css(brand.colour)


def svg(brand: Brand) -> bytes:
    """The mark of a brand, an SVG picture, UTF-8."""
    return _svg(brand.name, brand.colour)


def css_url(brand: Brand) -> str:
    """Path of the brand's stylesheet."""
    return f"/brand/{brand.slug}.{digest(css(brand))}.css"


def mark_url(brand: Brand) -> str:
    """Path of the brand's mark."""
    return f"/brand/{brand.slug}.{digest(svg(brand))}.svg"


def digest(content: bytes) -> str:
    """The part of a file's address that changes with its content: 12 hex digits of its SHA-256."""
    return hashlib.sha256(content).hexdigest()[:12]


@lru_cache(maxsize=256)
def _css(colour: str) -> bytes:
    return palette.css(colour).encode()


@lru_cache(maxsize=256)
def _svg(name: str, colour: str) -> bytes:
    return mark.svg(mark.initials(name), colour).encode()
