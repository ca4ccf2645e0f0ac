"""Versions of a brand in words: what changed, from what to what, and who did it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from branding import languages, versions
from branding.models import Brand
from branding.versions import Path
from portal.access import people
from portal.access.brand_options import BY_FIELD
from portal.access.models import Person
from portal.console import brand_sections
from portal.mime.addresses import mask

MOST_SHOWN = 300
"""Characters of a value in a list of changes."""


@dataclass(frozen=True)
class Change:
    """One thing that differs."""

    label: str
    before: str
    after: str


def named(path: Path) -> str:
    """“colour”, “introduction (Deutsch)”."""
    if path[0] != versions.WORDS:
        return brand_sections.label_of(path[0])
    label = word_label(path[2])
    return f"{label[:1].lower()}{label[1:]} ({language_name(path[1])})"


def names(paths: Iterable[Path]) -> str:
    """What changed, in one line."""
    return ", ".join(dict.fromkeys(named(path) for path in paths))


def changed(brand: Brand, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """What differs between two documents, from what to what."""
    before, after = versions.as_brand(brand, old), versions.as_brand(brand, new)
    return [
        Change(named(path), _value(before, old, path), _value(after, new, path)) for path in versions.changes(old, new)
    ]


def who(by: UUID | None, me: Person | None) -> str:
    """Who saved or published, for whoever looks: no whole address, for only owners see the list of people."""
    if by is None:
        return _("the command line or the installation")
    if me is not None and by == me.pk:
        return _("you")
    person = Person.objects.filter(pk=by).first()
    address = people.address_of(person) if person else ""
    return mask(address) if address else _("someone who is no administrator any more")


def language_name(code: str) -> str:
    return next((language.name for language in languages.ALL if language.code == code), code)


def word_label(key: str) -> str:
    return key.replace("_", " ").capitalize()


def _value(brand: Brand, document: Mapping[str, Any], path: Path) -> str:
    if path[0] == versions.WORDS:
        said = str(versions.value_at(document, path) or "")
    elif path[0] == "logo":
        said = str(document.get("logo") or "")[:12]
    elif path[0] in BY_FIELD:
        said = BY_FIELD[path[0]].show(brand)
    else:
        said = str(document.get(path[0]) or "")
    said = said.strip("“”")
    return said if len(said) <= MOST_SHOWN else f"{said[:MOST_SHOWN]}…"
