"""Rights templates: rights with a name, and what a message gets by those that its brand, its sender and rules name.

What holds when (docs/rights.md): a rule's template, else the sender's, else the brand's, else the brand's own rights. A
template is a promise: what else is wished takes from it and adds nothing. Without one, the sender's wishes stand for
the brand's, which are only defaults.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType

from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from branding.models import Brand
from portal.vault import usage
from portal.vault.errors import TemplateUnknown
from portal.vault.models import RightsTemplate
from portal.vault.rights import GRANTS, Rights

MOST = 500
"""Templates that there may be, archived ones among them."""
ENCRYPT, DO_NOT_FORWARD, VIEW_ONLY = "encrypt", "do-not-forward", "view-only"
NAMES = (*GRANTS, "watermark")
"""What a template says yes or no to."""

GROUP = "group:"
"""Before the short name of a directory's group, in a template's scope."""
GroupsOf = Callable[[str], Collection[str]]

_ALL = Rights().changed(dict.fromkeys(GRANTS, True))


@dataclass(frozen=True)
class BuiltIn:
    """A template that comes with the program. A row of its name may hide it or shorten its time; never its rights."""

    name: Promise
    note: Promise
    rights: Rights


BUILT_IN: Mapping[str, BuiltIn] = MappingProxyType(
    {
        # Encrypt-Only lacks EXPORT, which files have where DecryptAttachmentForEncryptOnly is on: here a file has no
        # other way to whoever needs it, so downloading is on.
        ENCRYPT: BuiltIn(
            _("Encrypt only"),
            _("Only the people it was sent to can open it. What they do with it then is up to them."),
            _ALL,
        ),
        DO_NOT_FORWARD: BuiltIn(
            _("Do not forward"),
            _("Only for the people it was sent to. They can answer, but not forward, copy, print or download it."),
            usage.rights_for(usage.SETS["do-not-forward"]),
        ),
        VIEW_ONLY: BuiltIn(
            _("View only"),
            _("To be read here and nowhere else. Pictures of its files carry the reader’s address."),
            Rights(**{**dict.fromkeys(GRANTS, False), "watermark": True}),
        ),
    }
)


@dataclass(frozen=True)
class Terms:
    """What a message is sealed with: its rights and least level, its last day, and the template's name, "" for none."""

    rights: Rights
    last_day: date | None
    """None is for ever."""
    template: str = ""


def in_no_group(_address: str) -> Collection[str]:
    """Where nobody can be asked, a group lets nobody in."""
    return ()


def everyone() -> list[RightsTemplate]:
    """All templates in the order in which they are shown, those that come with the program first."""
    rows = {row.slug: row for row in RightsTemplate.objects.order_by("place", "slug")}
    return [rows.get(slug) or _fresh(slug) for slug in BUILT_IN] + [
        row for slug, row in rows.items() if slug not in BUILT_IN
    ]


def find(slug: str) -> RightsTemplate | None:
    """A template by its short name, whatever its state; one that comes with the program is always there."""
    row = RightsTemplate.objects.filter(slug=slug).first()
    return row or (_fresh(slug) if slug in BUILT_IN else None)


def template(slug: str) -> RightsTemplate:
    """The same. TemplateUnknown where there is none: nothing is sent with less than was asked."""
    row = find(slug)
    if row is None:
        raise TemplateUnknown
    return row


def may_choose(row: RightsTemplate, sender: str, groups_of: GroupsOf = in_no_group) -> bool:
    """Whether whoever writes from this address may name it: it is published, and theirs or everyone's.

    `groups_of` tells the short names of the groups that an address is in; it is asked only where the scope has some.
    """
    if row.state != RightsTemplate.State.PUBLISHED:
        return False
    domain = sender.rpartition("@")[2].lower()
    if not row.scope or domain in row.scope or sender.lower() in row.scope:
        return True
    groups = {one.removeprefix(GROUP) for one in row.scope if one.startswith(GROUP)}
    return bool(groups) and not groups.isdisjoint(groups_of(sender))


def offered(sender: str, groups_of: GroupsOf = in_no_group) -> list[RightsTemplate]:
    """The templates that a sender may choose among."""
    return [row for row in everyone() if may_choose(row, sender, groups_of)]


def choice(slug: str, sender: str, groups_of: GroupsOf = in_no_group) -> RightsTemplate:
    """The template that a sender named. TemplateUnknown, with a sentence for them, where they may not choose it."""
    row = find(slug)
    if row is None or not may_choose(row, sender, groups_of):
        names = ", ".join(row.slug for row in offered(sender, groups_of)) or "none"
        raise TemplateUnknown(f"The header X-Letterlock-Protect names a template that you cannot use. Yours: {names}.")
    return row


def rights_of(row: RightsTemplate) -> Rights:
    """A template's rights with its level; a right that its row does not name is refused."""
    known = BUILT_IN.get(row.slug)
    if known is not None:
        return known.rights.at_least(row.level)
    return Rights(**{name: bool(row.rights.get(name, False)) for name in NAMES}, level=row.level)


def resolve(
    brand: Brand,
    day: date,
    *,
    wishes: Mapping[str, bool] = MappingProxyType({}),
    asked: str = "",
    imposed: str = "",
    until: date | None = None,
    names_day: bool = False,
) -> Terms:
    """What a message of a brand that is sent on `day` gets.

    `asked` is the template that its sender named and may choose, `imposed` the one a rule did; `wishes` are single
    rights by name, and `until` the last day (None for ever) where `names_day`. The brand's least level is not in it.

    Raises TemplateUnknown for one that there is not: the mail waits for an administrator then.
    """
    first = imposed or asked or brand.template
    usual = brand.last_day(day)
    if not first:
        rights = Rights().changed(brand.rights).changed(wishes)
        return Terms(rights, until if names_day else usual)
    row = template(first)
    rights, ends, name = rights_of(row), latest(row, day), row.slug
    last = usual if row.closes == RightsTemplate.Closes.BRAND else ends
    if imposed and asked and asked != imposed:
        second = template(asked)
        rights, name = _both(rights, rights_of(second), (imposed, asked))
        ends = _earlier(ends, latest(second, day))
    elif not imposed and not asked:
        rights = rights.only_narrowed(brand.rights)
    last = _earlier(ends, until if names_day else last)
    return Terms(rights.only_narrowed(wishes), last, name)


def name_of(row: RightsTemplate, language: str = "") -> str:
    """What people of a language call it (the page's, unless one is named); else what it is called in any."""
    known = BUILT_IN.get(row.slug)
    return _in_words(row.names, language, known.name if known else None) or row.slug


def note_of(row: RightsTemplate, language: str = "") -> str:
    """What it means, likewise; "" where nobody wrote that down."""
    known = BUILT_IN.get(row.slug)
    return _in_words(row.notes, language, known.note if known else None)


def _in_words(texts: Mapping[str, str], language: str, own: Promise | None) -> str:
    language = language or translation.get_language() or "en"
    for wanted in (language, language.partition("-")[0]):
        if texts.get(wanted):
            return texts[wanted]
    if own is not None:
        with translation.override(language):
            return str(own)
    return texts.get("en") or next(iter(texts.values()), "")


def _fresh(slug: str) -> RightsTemplate:
    """One that comes with the program and that nobody has changed: it has no row."""
    rights = {name: getattr(BUILT_IN[slug].rights, name) for name in NAMES}
    return RightsTemplate(slug=slug, place=list(BUILT_IN).index(slug), rights=rights)


def _both(imposed: Rights, asked: Rights, names: tuple[str, str]) -> tuple[Rights, str]:
    """What both grant, under the name of the stricter: its words are still true."""
    both = imposed.within(asked).at_least(asked.level)
    return both, names[1] if both == asked else names[0]


def latest(row: RightsTemplate, day: date) -> date | None:
    """The latest last day that a template allows; None where it sets none."""
    if row.closes == RightsTemplate.Closes.DAYS:
        return day + timedelta(days=row.open_days or 0)
    if row.closes == RightsTemplate.Closes.DATE:
        return max(row.last_day or day, day)
    return None


def _earlier(one: date | None, other: date | None) -> date | None:
    return min((found for found in (one, other) if found), default=None)
