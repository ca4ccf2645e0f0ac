"""What every template knows: the brand of the host that was asked, and whether this is the demo."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest

from branding import choosing, logos, look, words
from branding.mark import initials
from branding.models import Brand


@dataclass(frozen=True)
class Face:
    """A brand as a template sees it."""

    slug: str
    name: str
    colour: str
    portal_text: str
    welcome: str
    postal_address: str
    phone: str
    privacy_url: str
    imprint_url: str
    initials: str
    host: str
    origin: str
    origin_host: str
    mark_url: str
    logo: logos.Shown | None


def brand(request: HttpRequest) -> dict[str, object]:
    """Context processor: `brand` (a Face, or None where the host has no brand yet), what its pages load, and `demo`."""
    found: Brand | None = getattr(request, "brand", None)
    return {
        "brand": face(found) if found else None,
        "css_url": look.css_url(found),
        "more_css_url": look.more_css_url(),
        "script_url": look.script_url(),
        "writing_script_url": look.writing_script_url(),
        "demo": settings.LETTERLOCK.demo,
    }


def face(brand: Brand) -> Face:
    """What a template may show of a brand, in the language that is spoken now."""
    origin = choosing.origin(brand)
    return Face(
        slug=brand.slug,
        name=brand.name,
        colour=brand.colour,
        portal_text=words.said(brand, "portal_text"),
        welcome=words.said(brand, "welcome"),
        postal_address=brand.postal_address,
        phone=brand.phone,
        privacy_url=words.privacy_url(brand),
        imprint_url=brand.imprint_url,
        initials=initials(brand.name),
        host=brand.host,
        origin=origin,
        origin_host=origin.partition("://")[2],
        mark_url=look.mark_url(brand),
        logo=logos.shown(brand),
    )
