"""Whether the address of a message's reader was proved in this browser before, today or months ago."""

from __future__ import annotations

from django.http import HttpRequest

from branding.models import Brand
from portal.access import budgets, cookies
from portal.vault import readers
from portal.vault.models import Reader


def reader_of(request: HttpRequest, link: str, brand: Brand) -> Reader | None:
    """The reader of a link, if so. It signs nobody in, and shows nothing of the message."""
    trusted = cookies.digest_of(request, cookies.TRUSTED)
    reader = readers.by_link(link) if trusted else None
    if reader is None or reader.message.brand_id != brand.pk:
        return None
    return reader if budgets.Purse.of(bytes(reader.address_lookup), trusted).trusted else None
