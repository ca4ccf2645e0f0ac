"""Mail that waits long: its sender is told once after four hours, and after five days it has failed."""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from portal import leases, observing
from portal.audit.record import record
from portal.delivery import telling
from portal.delivery.models import Lane, Outbound
from portal.delivery.outcomes import GIVE_UP_AFTER

log = logging.getLogger(__name__)

TELL_AFTER = timedelta(hours=4)
S, K = Outbound.State, Outbound.Kind
_BATCH = 200
_EVERY_SECONDS = 60
_OURS_TO_MEND = ("waits for keys", "waits for storage")


_next_look = 0.0


def look_now_and_then() -> None:
    """Look once a minute in each process, however often it is called."""
    global _next_look
    if time.monotonic() >= _next_look:
        _next_look = time.monotonic() + _EVERY_SECONDS
        look()


def look() -> int:
    """Tell of what waits long, and end what waited too long; returns how many mails that were."""
    return _tell_of_delays() + _give_up()


def _tell_of_delays() -> int:
    now = timezone.now()
    late = Outbound.objects.filter(
        state=S.DUE, kind__in=(K.NOTICE, K.REPLY, K.RELAY), made_at__lt=now - TELL_AFTER, told_delay_at=None
    )
    # What nobody has tried yet waits for us and not for a mail server.
    late = late.filter(Q(attempts__gt=0) | Q(lane__in=_failing())).exclude(last_answer__in=_OURS_TO_MEND)
    told = 0
    for row in late.order_by("made_at")[:_BATCH]:
        with transaction.atomic():
            telling.delayed(row)
            told += 1
    return told


def _failing() -> QuerySet[Lane, UUID]:
    return Lane.objects.filter(failures__gt=0).values_list("pk", flat=True)


def _give_up() -> int:
    """End the mails of a domain that was tried all the time; one by one their own turns would come too late."""
    now = timezone.now()
    old = Outbound.objects.filter(state=S.DUE, made_at__lt=now - GIVE_UP_AFTER, lane__in=_failing()).exclude(
        last_answer__in=_OURS_TO_MEND
    )
    rows = leases.claim(old, limit=_BATCH)
    for row in rows:
        lane = Lane.objects.filter(pk=row.lane).first()
        answer = row.last_answer or (lane.last_answer if lane else "")
        with transaction.atomic():
            # What has no answer of its own takes its domain's.
            held = Outbound.objects.filter(pk=row.pk, leased_by=row.leased_by, state=S.DUE)
            if held.update(state=S.FAILED, last_answer=answer, leased_until=None, leased_by="", share=b"", door_key=""):
                row.last_answer = answer
                record(
                    "wrapper.bounced",
                    message=row.message,
                    reader=row.reader_id,
                    answer=answer,
                    mail=row.kind,
                    attempt=row.attempts,
                )
                telling.failed(row)
        with observing.mail(row.message):
            log.error("mail %s (%s) failed for good: %s", row.id, row.kind, answer)
    return len(rows)
