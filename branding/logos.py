"""A brand's logo: a stranger's file checked and written anew, and the one that a brand shows.

SVG stays SVG for pages, cleaned (branding.drawings); a picture becomes PNG, decoded in a child process with limits.
A mail shows a PNG only: for a logo given as SVG alone it keeps the mark of the brand's initials.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from django.db import transaction

from branding import drawings, pixels
from branding.errors import BadLogo
from branding.models import Brand, Logo
from portal import apart

MOST_BYTES = 1024 * 1024
SECONDS = 10.0
MOST_KEPT = 50
"""Logos of one brand; more are somebody's mistake."""
_SENTENCES = {
    "large": "The logo has too many pixels: at most 16 million, like 4,000 by 4,000.",
    "broken": "The logo is no SVG, PNG, JPEG, WebP, GIF, BMP or TIFF picture that can be read.",
    "unseen": "The logo cannot be seen on white, and it stands on white: it is empty or too light. Give a darker one.",
}


@dataclass(frozen=True)
class Picture:
    """What is made of an upload: pages' picture as SVG or PNG or both, and the one for mails, or none."""

    svg: str = ""
    png: bytes = field(default=b"", repr=False)
    width: int = 0
    height: int = 0
    mail_png: bytes = field(default=b"", repr=False)
    mail_width: int = 0
    mail_height: int = 0

    @property
    def digest(self) -> str:
        parts = (self.svg.encode(), self.png, self.mail_png)
        return hashlib.sha256(b"".join(len(part).to_bytes(4, "big") + part for part in parts)).hexdigest()


@dataclass(frozen=True)
class Shown:
    """A brand's logo as a page names it; width and height in CSS pixels."""

    url: str
    width: int
    height: int


@dataclass(frozen=True)
class InMail:
    """A brand's logo as its mails have it: a PNG, width and height in CSS pixels."""

    digest: str
    width: int
    height: int
    png: bytes = field(repr=False)


def made(upload: bytes, beside: bytes = b"") -> Picture:
    """The pictures of an upload: SVG, PNG, JPEG, WebP, GIF, BMP or TIFF. `beside` is a picture for mails that goes with
    an SVG.

    Raises:
        BadLogo: it cannot be; its text says why.
    """
    for data in (upload, beside):
        if len(data) > MOST_BYTES:
            raise BadLogo("The logo is too large: at most 1 MB.")
    if not drawings.is_svg(upload):
        if beside:
            raise BadLogo("A picture for mails goes with an SVG. This logo serves for mails too: give it alone.")
        return _picture(upload)
    drawing = drawings.cleaned(upload)
    raster = _picture(beside) if beside else Picture()
    width, height = _shown(drawing.ratio)
    return Picture(drawing.svg, raster.png, width, height, raster.mail_png, raster.mail_width, raster.mail_height)


def keep(brand: Brand, picture: Picture) -> Logo:
    """The row of a picture for a brand; nothing is shown by that yet. Raises BadLogo when there are too many."""
    with transaction.atomic():
        found = Logo.objects.filter(brand=brand, digest=picture.digest).first()
        if found:
            return found
        if Logo.objects.filter(brand=brand).count() >= MOST_KEPT:
            raise BadLogo(f"This brand has {MOST_KEPT} logos already. Remove it and make it anew, or keep one of them.")
        return Logo.objects.create(
            brand=brand,
            digest=picture.digest,
            svg=picture.svg,
            png=picture.png,
            width=picture.width,
            height=picture.height,
            mail_png=picture.mail_png,
            mail_width=picture.mail_width,
            mail_height=picture.mail_height,
        )


def row(brand: Brand, digest: str) -> Logo | None:
    """A brand's own logo by its digest; another's is none."""
    return Logo.objects.filter(brand=brand, digest=digest).first() if digest else None


def of(brand: Brand) -> Logo | None:
    """The logo that a brand shows."""
    return row(brand, brand.logo)


def shown(brand: Brand) -> Shown | None:
    """The same for a page, without its bytes."""
    if not brand.logo or brand.pk is None:
        return None
    try:
        kind, width, height = _sizes(brand.pk, brand.logo)
    except Logo.DoesNotExist:
        return None
    return Shown(f"/brand/{brand.slug}/{brand.logo}.{kind}", width, height)


def in_mail(brand: Brand) -> InMail | None:
    """The logo that a brand shows, as its mails have it; None where they have the mark of its initials."""
    if not brand.logo or brand.pk is None:
        return None
    try:
        return _in_mail(brand.pk, brand.logo)
    except Logo.DoesNotExist:
        return None


@lru_cache(maxsize=64)
def _in_mail(brand: int, digest: str) -> InMail | None:
    """Kept for a process, for it follows from the digest; at most 8 KB. Raises Logo.DoesNotExist."""
    found = Logo.objects.defer("png", "svg").get(brand=brand, digest=digest)
    return InMail(digest, found.mail_width, found.mail_height, bytes(found.mail_png)) if found.mail_png else None


@lru_cache(maxsize=256)
def _sizes(brand: int, digest: str) -> tuple[str, int, int]:
    """Kind, width and height; kept for a process, for they follow from the digest. Raises Logo.DoesNotExist."""
    found = Logo.objects.defer("png", "mail_png").get(brand=brand, digest=digest)
    return ("svg" if found.svg else "png"), found.width, found.height


def _picture(data: bytes) -> Picture:
    code, made = apart.run(Path(pixels.__file__), data, SECONDS) or (1, b"broken")
    if code:
        raise BadLogo(_SENTENCES.get(made.decode("ascii", "replace"), _SENTENCES["broken"]))
    head, _, rest = made.partition(b"\n")
    sizes = json.loads(head)
    (width, height, size), (mail_width, mail_height, mail_size) = sizes["page"], sizes["mail"]
    if len(rest) != size + mail_size:
        raise BadLogo(_SENTENCES["broken"])
    return Picture("", rest[:size], width, height, rest[size:], mail_width, mail_height)


def _shown(ratio: float) -> tuple[int, int]:
    """Width and height on a page of a drawing that has any size, by width over height."""
    width, height = pixels.PAGE_BOX
    scale = min(width / ratio, height)
    return max(1, round(ratio * scale)), max(1, round(scale))
