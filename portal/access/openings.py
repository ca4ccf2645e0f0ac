"""M7's digest: the openings of a day in one mail at 16:00, for senders who chose that.

Each opening is a row that waits for the next 16:00 of the organisation's time zone (the setting TZ). Then the rows of
one sender under one brand get the number of one mail: of two workers that try so at once one finds none without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import ngettext

from branding import languages
from branding.models import Brand
from portal.access import people, senders
from portal.access.models import Opening, Person
from portal.delivery import telling
from portal.delivery.letters import Prepared
from portal.delivery.models import Outbound
from portal.delivery.queue import address_of, enqueue, only_to
from portal.mime.addresses import Mailbox, clean_name
from portal.vault import readers
from portal.vault.models import Reader

HOUR = 16
MARGIN = timedelta(minutes=1)
"""So long before the hour a transaction may have begun that ends after it: its opening is the next day's."""
MOST = 100
"""Openings that one mail names; the others are counted."""
_BATCH = 200


@dataclass(frozen=True, repr=False)
class Line:
    """One opening. `about` is "" where the brand's mails show no subject."""

    recipient: str
    about: str
    sent_at: datetime
    opened_at: datetime
    how: str
    """`:passcode`, `:passkey`, or the shown name of a provider; "" where it is not known."""


def wait(reader: Reader, person: Person, how: str, now: datetime) -> None:
    """Have it told with the next digest of `person`, the sender; in the transaction in which it was noted."""
    Opening.objects.create(reader=reader, person=person, brand=reader.message.brand, how=how, due_at=next_at(now))


def next_at(now: datetime) -> datetime:
    """The next 16:00 on the clocks of the organisation, a margin ahead."""
    here = timezone.localtime(now + MARGIN)
    at = here.replace(hour=HOUR, minute=0, second=0, microsecond=0)
    return at if at >= here else at + timedelta(days=1)


def send(now: datetime) -> int:
    """Ask for the digests that are due; how many. Safe to run at any time, twice, and on several hosts."""
    waiting = Opening.objects.filter(mail=None, due_at__lte=now)
    sent = 0
    for person, brand in waiting.order_by().values_list("person", "brand").distinct()[:_BATCH]:
        mail = uuid4()
        with transaction.atomic():
            if waiting.filter(person=person, brand=brand).update(mail=mail):
                address = people.address_of(Person.objects.get(pk=person))
                enqueue(Outbound.Kind.DIGEST, address=address, subject_row=mail)
                sent += 1
    return sent


def build(outbound: Outbound) -> Prepared | None:
    """The mail to the sender; None when nothing of it is left."""
    rows = Opening.objects.filter(mail=outbound.subject_row).select_related("reader__message__brand", "brand")
    found = list(rows.order_by("reader__first_opened_at", "pk")[: MOST + 1])
    if outbound.subject_row is None or not found:
        return None
    brand, address = found[0].brand, address_of(outbound)
    everything = rows.count()
    messages = rows.values("reader__message").distinct().count()
    with translation.override(languages.of_brand(brand)):
        context: dict[str, object] = {
            "brand": brand,
            "lines": [_line(outbound, row, brand) for row in found[:MOST]],
            "others": max(everything - MOST, 0),
            "messages": messages,
            "url": senders.url_for(brand, address),
            "host": brand.host,
        }
        subject = ngettext(
            "Opened: {n} of your protected messages", "Opened: {n} of your protected messages", messages
        ).format(n=messages)
        return telling.word(outbound, brand, Mailbox("", address), subject, "digest", context)


def _line(outbound: Outbound, row: Opening, brand: Brand) -> Line:
    message = row.reader.message
    envelope = readers.envelope_of(message)
    only_to(outbound, envelope.sender_address)
    return Line(
        recipient=readers.address_of(row.reader),
        about=clean_name(envelope.subject)[: telling.LONGEST_SUBJECT] if brand.show_subject else "",
        sent_at=envelope.sent_at,
        opened_at=row.reader.first_opened_at or row.due_at,
        how=row.how if row.how.startswith(":") else row.how.replace("-", " ").capitalize(),
    )
