"""The monthly report by mail: figures of the last whole month, for administrators who want it. No file goes with it."""

from __future__ import annotations

from datetime import date, timedelta

from django.db import transaction
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from branding import choosing
from branding.context import face
from branding.languages import ENGLISH
from portal.access import people, roles
from portal.access.models import Person
from portal.access.roles import May
from portal.audit.record import record
from portal.delivery.dressing import dressed
from portal.delivery.heads import own_heads
from portal.delivery.letters import Prepared
from portal.delivery.models import Outbound
from portal.delivery.queue import address_of, enqueue, words_of
from portal.operations import charts, reporting
from portal.operations.counting import Kind
from portal.operations.models import ReportWish
from portal.operations.reporting import Report


def is_wanted(person: Person) -> bool:
    return ReportWish.objects.filter(pk=person.pk).exists()


def switch(person: Person, *, on: bool) -> None:
    """From now on they get it, or no more; the first is that of the month that is not over yet."""
    with transaction.atomic():
        if on:
            last = _month(reporting.month_before(timezone.localdate()).since)
            changed = ReportWish.objects.get_or_create(pk=person.pk, defaults={"sent_for": last})[1]
        else:
            changed = bool(ReportWish.objects.filter(pk=person.pk).delete()[0])
        if changed:
            record("reports.mail_switched", person=str(person.pk), on=on)


def send(today: date) -> int:
    """Queue it for whoever has not had that of the last month; how many. Safe to run at any time and twice."""
    month, sent = _month(reporting.month_before(today).since), 0
    for wish in ReportWish.objects.exclude(sent_for=month):
        person = Person.objects.filter(pk=wish.person).first()
        address = people.address_of(person) if person is not None and roles.may(person, May.REPORTS) else ""
        with transaction.atomic():
            # The condition is the lock: of two that run at once, one sends.
            mine = ReportWish.objects.filter(pk=wish.pk).exclude(sent_for=month).update(sent_for=month)
            if mine and address:
                enqueue(Outbound.Kind.MONTHLY, address=address, subject_row=wish.person, words=month)
                sent += 1
    return sent


def build(outbound: Outbound) -> Prepared | None:
    """The mail; None when whoever wanted it may not see reports any more."""
    person = Person.objects.filter(pk=outbound.subject_row).first() if outbound.subject_row else None
    if person is None or not roles.may(person, May.REPORTS):
        return None
    portal, address = choosing.default(), address_of(outbound)
    first = date.fromisoformat(f"{words_of(outbound)}-01")
    wanted = reporting.month_before(first.replace(day=28) + timedelta(days=7))
    with translation.override(ENGLISH):  # like the pages of administrators
        month = date_format(first, "F Y")
        context = {
            "brand": face(portal),
            "month": month,
            "lines": lines(reporting.figures(wanted, timezone.now())),
            "url": f"{choosing.origin(portal)}/admin/reports/?{wanted.query()}",
            "host": portal.host,
        }
        subject = _("[{org}] Protected messages in {month}").format(org=portal.name, month=month)
        heads = own_heads(outbound, portal, address, subject, "report")
        mail = dressed("monthly", portal, context).mail(heads)
    # The null sender: a report that cannot be delivered must not come back as mail to pass on (RFC 5321 4.5.5).
    return Prepared.whole("", address, mail)


def lines(found: Report) -> list[tuple[str, str]]:
    """What it says: a word and a figure each."""
    passcodes = found.of(Kind.ANYWHERE)
    median = charts.duration(found.waits.median)
    return [
        (_("Mails decided on"), f"{found.total(Kind.CAME):,}"),
        (_("Protected messages"), f"{found.protected:,}"),
        (_("Recipients"), f"{found.recipients:,}"),
        (_("Opened"), f"{found.opened:,} ({found.opened_percent}\u00a0%)"),
        (_("Half of them within"), median or "–"),
        (_("Answers"), f"{found.total(Kind.ANSWERS):,}"),
        (_("Notices that bounced"), f"{found.of(Kind.DELIVERED)['bounced']:,}"),
        (_("Passcodes asked for"), f"{passcodes['asked']:,}"),
        (_("Passcodes typed right"), f"{passcodes['right']:,}"),
    ]


def _month(first: date) -> str:
    return f"{first:%Y-%m}"
