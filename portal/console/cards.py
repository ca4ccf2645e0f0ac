"""A1's cards: one number each, with the way to what it counts; one that cannot be had stands there without."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from branding.templatetags.words import day, size
from portal.access.roles import May
from portal.console.had import had
from portal.console.sections import BOUNCES, HEALTH, KEYS, MESSAGES
from portal.console.waiting import count, shown
from portal.delivery.models import Outbound
from portal.ingest.models import Spooled
from portal.operations import keycopies, reporting
from portal.operations.counting import Kind
from portal.operations.reporting import Report

ON_THE_WAY = (Spooled.State.RECEIVED, Spooled.State.SEALED, Spooled.State.RELAYING)
REPORTS = "console-reports"
LEAVING = (Outbound.State.DUE, Outbound.State.SENDING)


@dataclass(frozen=True)
class Card:
    """One number. `url` is "" for who may not see what it counts; `old` is set in place of a number that is not of now,
    `away` where there is none."""

    label: str
    number: str = ""
    small: str = ""
    url: str = ""
    old: bool = False
    away: bool = False


Maker = Callable[[str, Report, Collection[May]], Card]


def cards(allowed: Collection[May], found: Report | None) -> list[Card]:
    """All of them; without a report, those that need none have their number all the same."""
    made = [
        _or_away(_("Mail in"), found, allowed, _mail_in),
        had(lambda: _waiting(allowed), Card(_("Waiting"), away=True)),
    ]
    for label, make in (
        (_("Delivered"), _delivered),
        (_("Opened"), _opened),
        (_("Bounced"), _bounced),
        (_("Sign-in trouble"), _sign_in),
        (_("Answers"), _answers),
        (_("Storage"), _storage),
    ):
        made.append(_or_away(label, found, allowed, make))
    return [*made, had(lambda: _keys(allowed), Card(_("Keys"), away=True))]


def link(allowed: Collection[May], permission: May, name: str, query: str = "") -> str:
    """An address of a page, "" for who may not open it."""
    return reverse(name) + query if permission in allowed else ""


def _or_away(label: str, found: Report | None, allowed: Collection[May], make: Maker) -> Card:
    away = Card(label, away=True)
    return had(lambda: make(label, found, allowed), away) if found else away


def _mail_in(label: str, found: Report, allowed: Collection[May]) -> Card:
    came = found.of(Kind.CAME)
    said = _("%(n)s protected") % {"n": shown(came["protect"])}
    return Card(label, shown(came.total()), said, _messages(found, allowed), found.late)


def _waiting(allowed: Collection[May]) -> Card:
    coming = count(Spooled.objects.filter(state__in=ON_THE_WAY))
    leaving = count(Outbound.objects.filter(state__in=LEAVING))
    said = _("on their way in now, and %(n)s still to leave") % {"n": shown(leaving)}
    return Card(_("Waiting"), shown(coming), said, link(allowed, May.SEE_MESSAGES, MESSAGES, "?show=waiting"))


def _delivered(label: str, found: Report, allowed: Collection[May]) -> Card:
    number = shown(found.of(Kind.DELIVERED)["sent"])
    return Card(label, number, _("notices %(when)s") % {"when": _in_days()}, _messages(found, allowed), found.late)


def _opened(label: str, found: Report, allowed: Collection[May]) -> Card:
    said = ngettext("of %(all)s recipient", "of %(all)s recipients", found.recipients)
    said %= {"all": shown(found.recipients)}
    return Card(label, shown(found.opened), said, link(allowed, May.REPORTS, REPORTS, "#opening"), found.late)


def _bounced(label: str, found: Report, allowed: Collection[May]) -> Card:
    number, said = shown(found.of(Kind.DELIVERED)["bounced"]), _("notices %(when)s") % {"when": _in_days()}
    return Card(label, number, said, link(allowed, May.SEE_MESSAGES, BOUNCES), found.late)


def _sign_in(label: str, found: Report, allowed: Collection[May]) -> Card:
    asked, right = found.of(Kind.ANYWHERE)["asked"], found.of(Kind.ANYWHERE)["right"]
    number = f"{reporting.percent(max(0, asked - right), asked)}\u00a0%"
    said = ngettext(
        "%(asked)s passcode asked for, %(right)s confirmed",
        "%(asked)s passcodes asked for, %(right)s confirmed",
        asked,
    )
    said %= {"asked": shown(asked), "right": shown(right)}
    return Card(label, number, said, link(allowed, May.REPORTS, REPORTS, "#sign-in"), found.late)


def _answers(label: str, found: Report, allowed: Collection[May]) -> Card:
    number, said = shown(found.total(Kind.ANSWERS)), _("written here %(when)s") % {"when": _in_days()}
    return Card(label, number, said, _messages(found, allowed), found.late)


def _storage(label: str, found: Report, allowed: Collection[May]) -> Card:
    said = _("sealed messages that are kept")
    return Card(label, size(found.stored), said, link(allowed, May.HEALTH, HEALTH), found.late)


def _keys(allowed: Collection[May]) -> Card:
    """When the keyring was backed up last, which is what can be lost for good."""
    newest, url = keycopies.last_backup(), link(allowed, May.KEYS, KEYS)
    if newest is None:
        return Card(_("Keys"), "–", _("No backup of the keyring was made yet"), url)
    return Card(_("Keys"), day(newest), _("last backup of the keyring"), url)


def _messages(found: Report, allowed: Collection[May]) -> str:
    return link(allowed, May.SEE_MESSAGES, MESSAGES, f"?from={found.asked.since}&to={found.asked.until}")


def _in_days() -> str:
    return _("in %(n)d days") % {"n": reporting.USUAL_DAYS}
