"""Which brand is meant: by the host a browser asked for, or by the domain a sender writes from."""

from __future__ import annotations

from django.conf import settings

from branding.errors import BrandForged
from branding.models import Brand
from branding.sealing import is_whole

NOWHERE = ".invalid"
"""Ends the host of a brand that was never published (RFC 6761 section 6.4: no such name is ever found)."""


def of_host(host: str) -> Brand | None:
    """The brand registered for a host name (no port), or None: then the answer is 400."""
    found = Brand.objects.filter(host=host.lower().rstrip(".")).first()
    return found if found is not None and is_whole(found) else None


def of_domain(domain: str) -> Brand:
    """The brand of a sender's mail domain, else the default brand. An archived one takes no new messages. Raises
    BrandForged where somebody wrote it: under another the mail must not go out."""
    found = [row for row in Brand.objects.filter(archived_at=None).exclude(domains=[]) if domain.lower() in row.domains]
    return next(filter(is_whole, found), None) or _whole(found[0] if found else default())


def of_slug(slug: str) -> Brand:
    """The brand of this short name, else the default brand. Raises BrandForged where somebody wrote it."""
    return _whole(Brand.objects.filter(slug=slug).first() or default())


def named(slug: str) -> Brand | None:
    """The brand of this short name that new messages may take; None when there is none, it is archived, or it was never
    published: its links would lead nowhere. Nor where somebody wrote it."""
    found = Brand.objects.filter(slug=slug, archived_at=None).exclude(host__endswith=NOWHERE).first()
    return found if found is not None and is_whole(found) else None


def default() -> Brand:
    """The default brand; `manage.py prepare` makes it."""
    return Brand.objects.get(is_default=True)


def origin(brand: Brand) -> str:
    """Scheme, host and port of a brand's pages, like https://secure.example.org. Raises BrandForged: no link leads
    where somebody wrote that it does."""
    _whole(brand)
    scheme, _, place = settings.LETTERLOCK.public_url.partition("://")
    _, colon, port = place.rpartition(":")
    return f"{scheme}://{brand.host}{':' + port if colon and port.isdecimal() else ''}"


def _whole(brand: Brand) -> Brand:
    if not is_whole(brand):
        raise BrandForged(brand.slug)
    return brand
