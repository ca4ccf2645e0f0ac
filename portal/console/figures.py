"""What the overview shows: figures of 30 days from the daily counts, and what waits now, counted up to a limit."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.access.roles import May
from portal.audit import checking
from portal.console import charts, starting
from portal.console.charts import Chart, Step
from portal.console.sections import BOUNCES, HEALTH, KEYS, MESSAGES, RECORD
from portal.console.waiting import count, held, shown
from portal.delivery.models import Bounce, Outbound
from portal.ingest.models import Spooled
from portal.lifecycle import asking
from portal.operations import health, keycopies, keyending, reporting
from portal.operations.counting import Kind
from portal.operations.reporting import Report

BOUNCED_DAYS = 7
S = Spooled.State


@dataclass(frozen=True)
class Card:
    """One number. `url` is "" for who may not see what it counts; `since` is set in place of a number that is old."""

    label: str
    number: str
    small: str
    url: str = ""
    no_data: bool = False


@dataclass(frozen=True)
class Need:
    """Something that waits for somebody, and where; `url` is "" for who may not."""

    says: str
    url: str
    does: str
    icon: str = "alert"


def report(now: datetime) -> Report:
    """Of the last 30 days."""
    return reporting.figures(reporting.asked({}), now)


def needs(allowed: Collection[May], now: datetime) -> list[Need]:
    """All that does not go on by itself."""
    approvals = count(Spooled.objects.filter(state=S.HELD, approval=Spooled.Approval.ASKED))
    found = [
        *_health(allowed),
        *_some(
            approvals,
            ngettext("%(n)s mail waits for approval.", "%(n)s mails wait for approval.", approvals),
            _link(allowed, May.SEE_MESSAGES, MESSAGES, "?show=held"),
            _("Decide"),
        ),
    ]
    stuck = held() - approvals
    said = ngettext(
        "%(n)s mail is held and cannot go on by itself.", "%(n)s mails are held and cannot go on by themselves.", stuck
    )
    found += _some(stuck, said, _link(allowed, May.SEE_MESSAGES, MESSAGES, "?show=held"), _("See why"))
    bounced = count(Bounce.objects.filter(last_at__gte=now - timedelta(days=BOUNCED_DAYS)))
    said = ngettext(
        "%(n)s address did not get mail in the last 7 days.", "%(n)s addresses did not get mail in the last 7 days.",
        bounced,
    )  # fmt: skip
    found += _some(bounced, said, _link(allowed, May.SEE_MESSAGES, BOUNCES), _("See which"), "bounce")
    asked = count(asking.waiting())
    said = ngettext("%(n)s reader asks for more time.", "%(n)s readers ask for more time.", asked)
    found += _some(asked, said, _link(allowed, May.SEE_MESSAGES, "messages-asked"), _("See them"), "clock")
    endings = len(keyending.waiting())
    said = ngettext(
        "%(n)s key is to be destroyed, and waits for a second administrator.",
        "%(n)s keys are to be destroyed, and wait for a second administrator.",
        endings,
    )
    found += _some(endings, said, _link(allowed, May.KEYS, KEYS), _("See the keys"), "key")
    left = starting.left() if May.SETTINGS in allowed else 0
    said = ngettext("%(n)s first step left.", "%(n)s first steps left.", left)
    return found + _some(left, said, _link(allowed, May.SETTINGS, "console-start"), _("Go on"), "info")


def _health(allowed: Collection[May]) -> list[Need]:
    states = health.check()
    found = []
    if any(state != health.OK for name, state in states.items() if name != "audit"):
        found.append(Need(_("Not everything is well."), _link(allowed, May.HEALTH, HEALTH), _("See what to do")))
    if states.get("audit", health.OK) != health.OK:
        newest = checking.newest()
        changed = newest is not None and bool(newest.faults)
        says = _("The record was changed.") if changed else _("The record is not signed as it grows.")
        found.append(Need(says, _link(allowed, May.AUDIT, RECORD), _("See the record")))
    return found


def _some(number: int, says: str, url: str, does: str, icon: str = "alert") -> list[Need]:
    return [Need(says % {"n": shown(number)}, url, does, icon)] if number else []


def _link(allowed: Collection[May], permission: May, name: str, query: str = "") -> str:
    return reverse(name) + query if permission in allowed else ""


def cards(allowed: Collection[May], found: Report) -> list[Card]:
    """A1's cards, each number with the way to what it counts."""
    since = f"?from={found.asked.since}&to={found.asked.until}"
    seen = _link(allowed, May.SEE_MESSAGES, MESSAGES, since)
    reports = _link(allowed, May.REPORTS, "console-reports")
    came, delivered, passcodes = found.of(Kind.CAME), found.of(Kind.DELIVERED), found.of(Kind.ANYWHERE)
    waiting = count(Spooled.objects.filter(state__in=(S.RECEIVED, S.SEALED, S.RELAYING)))
    leaving = count(Outbound.objects.filter(state__in=(Outbound.State.DUE, Outbound.State.SENDING)))
    old = found.late
    in_days = _("in %(n)d days") % {"n": reporting.USUAL_DAYS}
    return [
        Card(_("Mail in"), shown(came.total()), _("%(n)s protected") % {"n": shown(came["protect"])}, seen, old),
        Card(
            _("Waiting"),
            shown(waiting),
            _("on their way in now, and %(n)s still to leave") % {"n": shown(leaving)},
            _link(allowed, May.SEE_MESSAGES, MESSAGES, "?show=waiting"),
        ),
        Card(_("Delivered"), shown(delivered["sent"]), _("notices %(when)s") % {"when": in_days}, seen, old),
        Card(
            _("Opened"),
            shown(found.opened),
            _("of %(all)s recipients") % {"all": shown(found.recipients)},
            f"{reports}#opening" if reports else "",
            old,
        ),
        Card(
            _("Bounced"),
            shown(delivered["bounced"]),
            _("notices %(when)s") % {"when": in_days},
            _link(allowed, May.SEE_MESSAGES, BOUNCES),
            old,
        ),
        Card(
            _("Sign-in trouble"),
            f"{reporting.percent(max(0, passcodes['asked'] - passcodes['right']), passcodes['asked'])}\u00a0%",
            _("%(asked)s passcodes asked for, %(right)s confirmed")
            % {"asked": shown(passcodes["asked"]), "right": shown(passcodes["right"])},
            f"{reports}#sign-in" if reports else "",
            old,
        ),
        Card(_("Answers"), shown(found.total(Kind.ANSWERS)), _("written here %(when)s") % {"when": in_days}, seen, old),
    ]


def keys_card(allowed: Collection[May]) -> dict[str, Any]:
    """When the keyring was backed up last, which is what can be lost for good."""
    newest = keycopies.last_backup()
    return {"backup": newest, "url": _link(allowed, May.KEYS, KEYS), "days": settings.LETTERLOCK.restore_days}


def per_day(found: Report) -> Chart:
    days = [day.day for day in found.days]
    title = _("Protected messages a day")
    busiest = max(found.days, key=lambda day: day.protected)
    says = _("%(n)s in all; %(most)s on the busiest day.") % {
        "n": shown(found.protected),
        "most": shown(busiest.protected),
    }
    values = [day.protected for day in found.days]
    return charts.columns("days", title, says, days, [(_("Messages"), values)], head=_("Day"))


def opened_of(found: Report) -> Chart:
    days = [day.day for day in found.days]
    opened = [min(day.opened, day.recipients) for day in found.days]
    not_yet = [day.recipients - one for day, one in zip(found.days, opened, strict=True)]
    says = _("Recipients by the day of their message: %(opened)s have opened theirs, %(not)s have not.") % {
        "opened": shown(sum(opened)),
        "not": shown(sum(not_yet)),
    }
    series = [(_("Opened"), opened), (_("Not opened"), not_yet)]
    return charts.columns("opened", _("Opened and not opened"), says, days, series, head=_("Day"))


def funnel(found: Report) -> list[Step]:
    """Passcodes at messages, step by step."""
    steps = found.of(Kind.PASSCODE)
    return charts.steps(
        [
            (_("Asked for"), steps["asked"]),
            (_("Taken by the mail server"), steps["sent"]),
            (_("Typed right"), steps["right"]),
            (_("Message read"), steps["read"]),
        ]
    )


def overview(allowed: Collection[May]) -> dict[str, Any]:
    """The whole page."""
    now = timezone.now()
    found = report(now)
    return {
        "report": found,
        "median": charts.duration(found.waits.median),
        "needs": needs(allowed, now),
        "cards": cards(allowed, found),
        "keys": keys_card(allowed),
        "storage_url": _link(allowed, May.HEALTH, HEALTH),
        "per_day": per_day(found),
        "opened": opened_of(found),
        "funnel": funnel(found),
        "reports_url": _link(allowed, May.REPORTS, "console-reports"),
        "held": held(),
    }
