"""A brand's departments, changed by an administrator; checked and recorded."""

from __future__ import annotations

import re
from collections.abc import Sequence

from django.conf import settings
from django.db import transaction

from branding import departments
from branding.models import Brand, Department
from portal.audit.record import record
from portal.ingest.errors import NotTaken
from portal.ingest.intake import check_recipients
from portal.mime.addresses import clean_name, normalise

MOST = 50
LONGEST_NAME, LONGEST_NOTE = 80, 200
MOST_ADDRESSES = 20
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_LANGUAGE = re.compile(r"([a-z]{2,3}(?:-[a-z]{2,4})?)=(.*)", re.DOTALL)
_TAKEN = ("passcode", "sent")
"""Names of other pages there."""


class DepartmentRefused(Exception):
    """It cannot be so; the text says what to write instead."""


def add(
    brand: Brand, slug: str, names: Sequence[str], addresses: Sequence[str], notes: Sequence[str] = (), place: int = 0
) -> Department:
    """A new department. `names` and `notes` are texts, each after its language and "=" or of the brand's language.

    Raises DepartmentRefused.
    """
    if not _SLUG.fullmatch(slug) or len(slug) > 40 or slug in _TAKEN:
        raise DepartmentRefused(f"“{slug}” cannot stand in an address. Use up to 40 of a-z, 0-9 and hyphens.")
    if departments.named(brand, slug) is not None:
        raise DepartmentRefused(f"{brand.slug} has a department {slug}. Change it, or choose another short name.")
    if brand.departments.count() >= MOST:
        raise DepartmentRefused(f"{brand.slug} has {MOST} departments, and a form can hold no more. Remove one.")
    row = Department(brand=brand, slug=slug, place=place)
    row.names = _texts(brand, names, LONGEST_NAME)
    row.notes = _texts(brand, notes, LONGEST_NOTE)
    row.addresses = _inside(addresses)
    if not any(row.names.values()):
        raise DepartmentRefused("A department needs a name: --name Reception, or --name de=Empfang for one language.")
    with transaction.atomic():
        row.save()
        record("department.added", brand=brand.slug, department=slug)
    return row


def change(
    row: Department,
    *,
    names: Sequence[str] = (),
    notes: Sequence[str] = (),
    addresses: Sequence[str] = (),
    place: int | None = None,
    enabled: bool | None = None,
) -> Department:
    """Change what is named, and leave the rest; a note without text is taken away. Raises DepartmentRefused."""
    row.names = row.names | _texts(row.brand, names, LONGEST_NAME)
    row.notes = row.notes | _texts(row.brand, notes, LONGEST_NOTE)
    row.notes = {language: text for language, text in row.notes.items() if text}
    row.addresses = _inside(addresses) if addresses else row.addresses
    row.place = row.place if place is None else place
    row.enabled = row.enabled if enabled is None else enabled
    if not all(row.names.values()):
        raise DepartmentRefused("A name cannot be empty. Write another one.")
    with transaction.atomic():
        row.save()
        record("department.changed", brand=row.brand.slug, department=row.slug)
    return row


def remove(row: Department) -> None:
    """What was written to it stays where it went."""
    with transaction.atomic():
        record("department.removed", brand=row.brand.slug, department=row.slug)
        row.delete()


def _texts(brand: Brand, said: Sequence[str], longest: int) -> dict[str, str]:
    found = {}
    for one in said:
        match = _LANGUAGE.fullmatch(one)
        language, text = match.groups() if match else (brand.language, one)
        text = clean_name(text)
        if len(text) > longest:
            raise DepartmentRefused(f"“{text[:30]}…” is too long. The limit is {longest} characters.")
        found[language] = text
    return found


def _inside(addresses: Sequence[str]) -> list[str]:
    """The addresses in their order, each once, all of them inside: nothing is ever sent elsewhere in clear."""
    try:
        found = [normalise(address) for address in check_recipients(addresses)]
    except NotTaken:
        raise DepartmentRefused(
            "Name at least one complete address inside the organisation: --to desk@example.org."
        ) from None
    if len(found) > MOST_ADDRESSES:
        raise DepartmentRefused(
            f"There are more than {MOST_ADDRESSES} addresses. Use a group's address of your mail server."
        )
    outside = [address for address in found if not departments.is_inside(address)]
    if outside:
        known = ", ".join(settings.LETTERLOCK.inside_domains) or "none"
        raise DepartmentRefused(
            f"{outside[0]} is not inside. LETTERLOCK_INSIDE_DOMAINS has {known}; only there can people be written to."
        )
    return found
