"""S4: what a sender wants where a mail does not say: how long it is open, receipts, a rights template.

They count less than what a rule or the mail's own header says, and more than the brand's defaults; a brand's number of
days they only shorten.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from branding.models import Brand
from portal.access.models import Person, SenderDefaults
from portal.keys.service import keys
from portal.mime.addresses import normalise
from portal.mime.errors import BadAddress


@dataclass(frozen=True)
class Defaults:
    """Of one sender under one brand."""

    open_days: int | None = None
    receipts: bool = False
    digest: bool = False
    """What is told is told once a day."""
    template: str = ""


NONE = Defaults()
ByBrand = Mapping[tuple[str, int], Defaults]
"""By the sender's address, normalised, and the brand."""


def of(person: Person, brand: Brand) -> Defaults:
    """What somebody has chosen; nothing for who has not."""
    row = SenderDefaults.objects.filter(person=person, brand=brand).first()
    return _read(row) if row else NONE


def keep(person: Person, brand: Brand, chosen: Defaults) -> None:
    """In place of what was there."""
    values = {
        "open_days": chosen.open_days,
        "receipts": chosen.receipts,
        "digest": chosen.digest,
        "template": chosen.template,
    }
    SenderDefaults.objects.update_or_create(person=person, brand=brand, defaults=values)


def of_senders(addresses: Collection[str]) -> ByBrand:
    """What the senders of several mails have chosen, with one statement for all."""
    lookups: dict[str, str] = {}
    for address in set(addresses):
        try:
            known = normalise(address)
        except BadAddress:
            continue
        lookups[keys().lookup("address", known).hex()] = known
    if not lookups:
        return {}
    rows = SenderDefaults.objects.filter(person__lookup__in=lookups).select_related("person")
    return {(lookups[row.person.lookup], row.brand_id): _read(row) for row in rows}


def find(known: ByBrand, address: str, brand: Brand) -> Defaults:
    """Those of one mail."""
    try:
        return known.get((normalise(address), brand.pk), NONE)
    except BadAddress:
        return NONE


def _read(row: SenderDefaults) -> Defaults:
    return Defaults(row.open_days, row.receipts, row.digest, row.template)
