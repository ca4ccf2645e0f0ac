"""Rights templates changed by an administrator: checked, recorded, and never one over another's unseen change."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from branding.languages import ALL
from branding.models import Brand
from portal.audit.record import record
from portal.mime.addresses import clean_name, domain_of
from portal.mime.errors import BadAddress
from portal.vault import templates
from portal.vault.models import RightsTemplate
from portal.vault.rights import LEVELS
from portal.vault.templates import BUILT_IN, MOST, NAMES

LONGEST_NAME, LONGEST_NOTE, LONGEST_SLUG, MOST_DAYS, MOST_IN_SCOPE = 80, 200, 40, 730, 200
LANGUAGES = {
    language.code.partition("-")[0] if language.code == "en-gb" else language.code: language for language in ALL
}
"""Code as it stands in a template to the language; English is `en`."""
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")
_GROUP = re.compile(r"group:[^\s,]{1,80}")
_TAKEN = ("add",)
Closes, State = RightsTemplate.Closes, RightsTemplate.State


@dataclass(frozen=True)
class Fault:
    """A field and the sentence that says what to write there instead."""

    field: str
    sentence: str


class TemplateRefused(Exception):
    """It cannot be so; `faults` say why, each with what to write instead."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(" ".join(fault.sentence for fault in faults))
        self.faults = faults


class TemplateChanged(Exception):
    """Somebody else has changed it since it was read; nothing was written."""


@dataclass(frozen=True)
class Wanted:
    """A template as somebody wants it. `rights` name all of portal.vault.templates.NAMES; a missing one is refused."""

    slug: str
    names: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    rights: Mapping[str, bool] = field(default_factory=dict)
    level: int = 1
    closes: str = Closes.BRAND
    open_days: int | None = None
    last_day: date | None = None
    scope: Sequence[str] = ()
    place: int = 100


def of(row: RightsTemplate) -> Wanted:
    """A template as it is."""
    return Wanted(
        slug=row.slug,
        names=row.names,
        notes=row.notes,
        rights={name: getattr(templates.rights_of(row), name) for name in NAMES},
        level=row.level,
        closes=row.closes,
        open_days=row.open_days,
        last_day=row.last_day,
        scope=row.scope,
        place=row.place,
    )


def add(wanted: Wanted) -> RightsTemplate:
    """A new template, published. Raises TemplateRefused."""
    faults = [*_about_slug(wanted.slug), *_faults(wanted)]
    if RightsTemplate.objects.count() >= MOST:
        faults.append(Fault("slug", _("There are 500 templates, and there can be no more. Change an archived one.")))
    if faults:
        raise TemplateRefused(faults)
    row = RightsTemplate(slug=wanted.slug, **_columns(wanted))
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            record("rights_template.added", template=row.slug)
    except IntegrityError:
        raise TemplateRefused([_taken()]) from None
    return row


def change(wanted: Wanted, version: int | None = None) -> RightsTemplate:
    """Change a template. `version` is the one that it was read at; None writes over whatever is there.

    Messages that were sent under it keep the rights they have.

    Raises:
        TemplateUnknown, TemplateRefused.
        TemplateChanged: another version is there by now.
    """
    faults = _faults(wanted)
    known = BUILT_IN.get(wanted.slug)
    if known and any(bool(wanted.rights.get(name)) != getattr(known.rights, name) for name in NAMES):
        sentence = _("This template comes with the program, and its rights stay as its name says. Add one of your own.")
        faults.append(Fault("rights", sentence))
    if faults:
        raise TemplateRefused(faults)
    with transaction.atomic():
        row = _locked(wanted.slug, version)
        for name, value in _columns(wanted).items():
            setattr(row, name, value)
        _written(row)
        record("rights_template.changed", template=row.slug)
    return row


def set_state(slug: str, state: str, version: int | None = None) -> RightsTemplate:
    """Publish or archive a template. Rules and brands that name an archived one go on; senders choose it no more.

    Raises TemplateUnknown, TemplateChanged.
    """
    with transaction.atomic():
        row = _locked(slug, version)
        if row.state != state:
            row.state = State(state)
            _written(row)
            kind = "rights_template.published" if state == State.PUBLISHED else "rights_template.archived"
            record(kind, template=row.slug)
    return row


def used_by(slug: str) -> list[str]:
    """The names of the brands that have it where nobody names another."""
    return list(Brand.objects.filter(template=slug).order_by("name").values_list("name", flat=True))


def as_document(row: RightsTemplate) -> dict[str, Any]:
    """For an export: plain data, whose keys are this model's."""
    wanted = of(row)
    return {
        "slug": row.slug,
        "names": dict(wanted.names),
        "notes": dict(wanted.notes),
        "rights": dict(wanted.rights),
        "level": row.level,
        "closes": row.closes,
        "open_days": row.open_days,
        "last_day": row.last_day.isoformat() if row.last_day else None,
        "scope": list(row.scope),
        "state": row.state,
        "place": row.place,
    }


def take(document: Mapping[str, Any]) -> RightsTemplate:
    """Add or change a template from an export. Raises TemplateRefused, also for what is no such document."""
    try:
        day = document.get("last_day")
        wanted = Wanted(
            slug=str(document["slug"]),
            names={str(key): str(text) for key, text in dict(document.get("names", {})).items()},
            notes={str(key): str(text) for key, text in dict(document.get("notes", {})).items()},
            rights={name: document["rights"][name] is True for name in NAMES},
            level=int(document.get("level", 1)),
            closes=str(document.get("closes", Closes.BRAND)),
            open_days=document.get("open_days"),
            last_day=date.fromisoformat(day) if day else None,
            scope=[str(one) for one in document.get("scope", [])],
            place=int(document.get("place", 100)),
        )
        state = State(document.get("state", State.PUBLISHED))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise TemplateRefused([Fault("slug", f"This is no rights template as they are exported: {error}.")]) from None
    row = change(wanted) if templates.find(wanted.slug) else add(wanted)
    return set_state(row.slug, state)


def take_all(documents: Sequence[Mapping[str, Any]]) -> list[RightsTemplate]:
    """The same for all of an export, or for none. Raises TemplateRefused."""
    with transaction.atomic():
        return [take(document) for document in documents]


def _locked(slug: str, version: int | None) -> RightsTemplate:
    row = RightsTemplate.objects.select_for_update().filter(slug=slug).first() or templates.template(slug)
    # One that comes with the program and has no row yet is at version 1, as it was read.
    if version is not None and row.version != version:
        raise TemplateChanged
    return row


def _written(row: RightsTemplate) -> None:
    new = row.pk is None
    row.version += 1
    try:
        with transaction.atomic():
            row.save(force_insert=new)
    except IntegrityError:
        raise TemplateChanged from None  # its first row was made by somebody else in this moment


def _columns(wanted: Wanted) -> dict[str, Any]:
    return {
        "names": _texts(wanted.names),
        "notes": _texts(wanted.notes),
        "rights": {name: bool(wanted.rights.get(name)) for name in NAMES},
        "level": wanted.level,
        "closes": wanted.closes,
        "open_days": wanted.open_days if wanted.closes == Closes.DAYS else None,
        "last_day": wanted.last_day if wanted.closes == Closes.DATE else None,
        "scope": sorted({one.strip().lower().removeprefix("@") for one in wanted.scope if one.strip()}),
        "place": wanted.place,
    }


def _texts(said: Mapping[str, str]) -> dict[str, str]:
    cleaned = {language: clean_name(text) for language, text in said.items()}
    return {language: text for language, text in cleaned.items() if text}


def _about_slug(slug: str) -> list[Fault]:
    if not _SLUG.fullmatch(slug) or len(slug) > LONGEST_SLUG or slug in _TAKEN:
        return [Fault("slug", _("A short name has up to 40 of a-z, 0-9 and hyphens between them, like for-the-board."))]
    return [_taken()] if templates.find(slug) else []


def _taken() -> Fault:
    return Fault("slug", _("There is a template of this short name. Choose another, or change that one."))


def _faults(wanted: Wanted) -> list[Fault]:
    names, notes = _texts(wanted.names), _texts(wanted.notes)
    faults = []
    unknown = sorted({*wanted.names, *wanted.notes} - set(LANGUAGES))
    if unknown:
        faults.append(Fault("names", _("Names can be in {languages}.").format(languages=", ".join(LANGUAGES))))
    if not names and wanted.slug not in BUILT_IN:
        faults.append(Fault("names", _("A template needs a name in one language at least.")))
    if any(len(text) > LONGEST_NAME for text in names.values()):
        faults.append(Fault("names", _("A name has at most 80 characters.")))
    if any(len(text) > LONGEST_NOTE for text in notes.values()):
        faults.append(Fault("notes", _("What it means has at most 200 characters in each language.")))
    if wanted.level not in LEVELS:
        faults.append(Fault("level", _("A level is 1, 2 or 3.")))
    return [*faults, *_about_time(wanted), *_about_scope(wanted)]


def _about_time(wanted: Wanted) -> list[Fault]:
    if wanted.closes not in Closes.values:
        return [Fault("closes", _("Choose when messages under it close."))]
    days = wanted.open_days
    if wanted.closes == Closes.DAYS and (type(days) is not int or not 1 <= days <= MOST_DAYS):
        return [Fault("open_days", _("Write a number of days from 1 to 730."))]
    if wanted.closes == Closes.DATE and wanted.last_day is None:
        return [Fault("last_day", _("Write a day like 2026-12-17."))]
    if not 0 <= wanted.place <= 1000:
        return [Fault("place", _("A place is a number from 0 to 1000."))]
    return []


def _about_scope(wanted: Wanted) -> list[Fault]:
    for one in wanted.scope:
        text = one.strip().lower().removeprefix("@")
        if _GROUP.fullmatch(text):
            continue
        try:
            domain = domain_of(text) if "@" in text else text
        except BadAddress:
            domain = ""
        if text and not _DOMAIN.fullmatch(domain):
            return [
                Fault("scope", _("Write domains like example.org, whole addresses, or group:NAME, one on each line."))
            ]
    if len(wanted.scope) > MOST_IN_SCOPE:
        return [Fault("scope", _("There can be 200 domains and addresses."))]
    return []
