"""A field of a brand's editor: what it asks, what a form says of it, and what stands there.

What may be said, and its limits, stand in portal.access.brand_options alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from branding import versions
from branding.models import Brand
from portal.access.brand_options import BY_FIELD
from portal.access.brand_reading import ALL, BadOption
from portal.access.models import Provider

Choices = Sequence[tuple[str, str, str]]
"""What is posted, what it is called, and a line below."""
SOME = "some"


@dataclass(frozen=True)
class Field:
    """One field. `kind` is text, colour, number, switch, choice, select, checks or domains."""

    name: str
    label: str
    kind: str = "text"
    hint: str = ""
    choices: Callable[[Brand], Choices] | None = None

    def said(self, posted: QueryDict) -> str:
        """What a form says, in the words that the option reads."""
        if self.kind == "switch":
            return "on" if posted.get(self.name) else "off"
        if self.kind == "checks":
            return " ".join(posted.getlist(self.name)) or "none"
        if self.kind == "domains":
            chosen = posted.get(self.name, "")
            return posted.get(f"{self.name}-{SOME}", "") if chosen == SOME else chosen
        typed = posted.get(self.name, "")
        return "off" if self.kind == "number" and not typed.strip() else typed

    def stands(self, brand: Brand) -> str:
        """What a brand's value is in the same words."""
        value = getattr(brand, self.name)
        if self.kind == "text":
            return " ".join(value) if isinstance(value, list) else str(value)
        if self.name == "methods" and value is None:
            return " ".join(one for one, _label, _hint in ways(brand))
        return BY_FIELD[self.name].show(brand)

    def read(self, brand: Brand, said: str) -> Any:
        """The value. Raises BadOption with a sentence for whoever typed it."""
        if self.name == "methods" and set(said.split()) == {one for one, _label, _hint in ways(brand)}:
            said = ALL  # and whatever is connected later
        return BY_FIELD[self.name].read(brand, "" if self.name == "methods" and said == "none" else said)


@dataclass(frozen=True)
class Section:
    """One page of the editor; `url` is the name of its address."""

    slug: str
    url: str
    title: str
    fields: tuple[Field, ...] = ()
    lead: str = ""


@dataclass(frozen=True)
class Row:
    """A field as a page shows it."""

    field: Field
    value: str
    error: str = ""
    theirs: str = ""
    """What somebody else saved meanwhile."""
    choices: Choices = ()

    @property
    def chosen(self) -> list[str]:
        """Of a field with several answers."""
        return self.value.split()

    @property
    def some(self) -> bool:
        """Of a field for domains: whether some are named."""
        return self.value not in ("any", "none")


@dataclass(frozen=True)
class Answers:
    """What a form said: the values that can be, what was typed, and what was wrong, by field."""

    values: dict[str, Any]
    typed: dict[str, str]
    errors: dict[str, str]


def answers(section: Section, brand: Brand, posted: QueryDict) -> Answers:
    """Read the form of a section."""
    found = Answers({}, {}, {})
    row = brand
    for one in section.fields:
        said = found.typed[one.name] = one.said(posted)
        # What is as it was is not read again: a rule that came later does not stop who changes something else.
        if sorted(said.split()) == sorted(one.stands(brand).split()):
            continue
        try:
            found.values[one.name] = one.read(brand, said)
            # What comes behind is looked at with it: an address, with the host that was named above it.
            brand = versions.as_brand(row, found.values)
        except BadOption as error:
            found.errors[one.name] = str(error)
    return found


def rows(section: Section, brand: Brand, given: Answers | None = None, theirs: Brand | None = None) -> list[Row]:
    """The fields of a section as a page shows them: as they stand, or as they were typed and what was wrong."""
    found = []
    for one in section.fields:
        stands = one.stands(brand)
        value = given.typed[one.name] if given else stands
        other = one.stands(theirs) if theirs else ""
        choices = one.choices(brand) if one.choices else ()
        error = given.errors.get(one.name, "") if given else ""
        found.append(Row(one, value, error, other if theirs and other != value else "", choices))
    return found


def ways(brand: Brand) -> Choices:
    """How recipients of a brand can confirm who they are."""
    providers = Provider.objects.filter(enabled=True, recipients=True, brands=brand).order_by("slug")
    return [
        (
            "passcode",
            _("One-time passcode by mail"),
            _("Works for everyone. Keep it on unless all recipients have a company sign-in."),
        ),
        *((row.slug, row.name, _for_whom(row)) for row in providers),
        ("passkey", _("Passkeys"), _("Offered after the first message has been read.")),
    ]


def _for_whom(row: Provider) -> str:
    return _("For addresses at {domains}").format(domains=", ".join(row.domains[:3])) if row.domains else ""
