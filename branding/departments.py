"""The departments of a brand that anyone may write to, and where what they write goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.conf import settings
from django.utils import translation

from branding.models import Brand, Department


@dataclass(frozen=True)
class Offered:
    """A department as a page names it."""

    slug: str
    name: str
    note: str
    addresses: tuple[str, ...] = field(repr=False)
    """The mailboxes inside, in their order."""


def offered(brand: Brand) -> list[Offered]:
    """Those that can be written to now, in their order; none where it is not switched on, or the brand archived."""
    if not brand.write_to or brand.archived_at is not None:
        return []
    found = []
    for row in brand.departments.filter(enabled=True).order_by("place", "slug"):
        # Asked again each time: a domain that is the organisation's no more must get nothing in clear.
        addresses = tuple(address for address in row.addresses if is_inside(address))
        if addresses:
            found.append(
                Offered(row.slug, in_words(row.names, brand) or row.slug, in_words(row.notes, brand), addresses)
            )
    return found


def is_open(brand: Brand) -> bool:
    """Whether there is anyone to write to."""
    return bool(offered(brand))


def in_words(texts: Mapping[str, str], brand: Brand) -> str:
    """The text for the language of the page; else for its main language, the brand's, or any."""
    language = translation.get_language() or ""
    for wanted in (language, language.partition("-")[0], brand.language, brand.language.partition("-")[0]):
        if texts.get(wanted):
            return texts[wanted]
    return next(iter(texts.values()), "")


def is_inside(address: str) -> bool:
    """Whether an address is at one of the organisation's own domains."""
    return address.rpartition("@")[2].lower() in settings.LETTERLOCK.inside_domains


def named(brand: Brand, slug: str) -> Department | None:
    """A brand's department by its short name, offered or not."""
    return brand.departments.filter(slug=slug).first()
