"""What the overview shows: figures of 30 days from the daily counts, and what waits now, counted up to a limit."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.access.roles import May
from portal.audit import checking
from portal.console import cards, starting
from portal.console.cards import link
from portal.console.had import had
from portal.console.sections import BOUNCES, HEALTH, KEYS, MESSAGES, RECORD
from portal.console.waiting import count, held, shown
from portal.delivery.models import Bounce
from portal.ingest.models import Spooled
from portal.lifecycle import asking
from portal.operations import charts, health, keyending, reporting
from portal.operations.charts import Chart, Step
from portal.operations.counting import Kind
from portal.operations.reporting import Report

BOUNCED_DAYS = 7
S = Spooled.State


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
    """All that does not go on by itself. What cannot be looked up now is said once, and hides nothing else."""
    found: list[Need] = []
    unknown = False
    for ask in (_health, _held, _bounced, _more_time, _endings, _first_steps):
        one = had(partial(ask, allowed, now), None)
        unknown = unknown or one is None
        found += one or []
    if unknown:
        says = _("Not everything that may need you can be looked up now. Load this page again in a minute.")
        found.insert(0, Need(says, link(allowed, May.HEALTH, HEALTH), _("See what to do")))
    return found


def _held(allowed: Collection[May], _now: datetime) -> list[Need]:
    approvals = count(Spooled.objects.filter(state=S.HELD, approval=Spooled.Approval.ASKED))
    where = link(allowed, May.SEE_MESSAGES, MESSAGES, "?show=held")
    said = ngettext("%(n)s mail waits for approval.", "%(n)s mails wait for approval.", approvals)
    found = _some(approvals, said, where, _("Decide"))
    stuck = held() - approvals
    said = ngettext(
        "%(n)s mail is held and cannot go on by itself.", "%(n)s mails are held and cannot go on by themselves.", stuck
    )
    return found + _some(stuck, said, where, _("See why"))


def _bounced(allowed: Collection[May], now: datetime) -> list[Need]:
    bounced = count(Bounce.objects.filter(last_at__gte=now - timedelta(days=BOUNCED_DAYS)))
    said = ngettext(
        "%(n)s address did not get mail in the last 7 days.", "%(n)s addresses did not get mail in the last 7 days.",
        bounced,
    )  # fmt: skip
    return _some(bounced, said, link(allowed, May.SEE_MESSAGES, BOUNCES), _("See which"), "bounce")


def _more_time(allowed: Collection[May], _now: datetime) -> list[Need]:
    asked = count(asking.waiting())
    said = ngettext("%(n)s reader asks for more time.", "%(n)s readers ask for more time.", asked)
    return _some(asked, said, link(allowed, May.SEE_MESSAGES, "messages-asked"), _("See them"), "clock")


def _endings(allowed: Collection[May], _now: datetime) -> list[Need]:
    endings = len(keyending.waiting())
    said = ngettext(
        "%(n)s key is to be destroyed, and waits for a second administrator.",
        "%(n)s keys are to be destroyed, and wait for a second administrator.",
        endings,
    )
    return _some(endings, said, link(allowed, May.KEYS, KEYS), _("See the keys"), "key")


def _first_steps(allowed: Collection[May], _now: datetime) -> list[Need]:
    left = starting.left() if May.SETTINGS in allowed else 0
    said = ngettext("%(n)s first step left.", "%(n)s first steps left.", left)
    return _some(left, said, link(allowed, May.SETTINGS, "console-start"), _("Go on"), "info")


def _health(allowed: Collection[May], _now: datetime) -> list[Need]:
    states = health.check()
    found = []
    if any(state != health.OK for name, state in states.items() if name != "audit"):
        found.append(Need(_("Not everything is well."), link(allowed, May.HEALTH, HEALTH), _("See what to do")))
    if states.get("audit", health.OK) != health.OK:
        newest = checking.newest()
        changed = newest is not None and bool(newest.faults)
        says = _("The record was changed.") if changed else _("The record is not signed as it grows.")
        found.append(Need(says, link(allowed, May.AUDIT, RECORD), _("See the record")))
    return found


def _some(number: int, says: str, url: str, does: str, icon: str = "alert") -> list[Need]:
    return [Need(says % {"n": shown(number)}, url, does, icon)] if number else []


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
    """The whole page, each part had on its own; `report` and what is drawn of it are None without figures."""
    now = timezone.now()
    found = had(lambda: report(now), None)
    drawn: dict[str, Callable[[Report], object]] = {"per_day": per_day, "opened": opened_of, "funnel": funnel}
    return {
        "report": found,
        "median": charts.duration(found.waits.median) if found else "",
        "needs": needs(allowed, now),
        "cards": cards.cards(allowed, found),
        **{name: found and had(partial(draw, found), None) for name, draw in drawn.items()},
        "reports_url": link(allowed, May.REPORTS, "console-reports"),
        "held": had(held, 0),
    }
