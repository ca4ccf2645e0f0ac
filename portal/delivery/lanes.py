"""Lanes: the pace of one domain, so that a slow or refusing one holds up no other and is not hammered."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from portal.delivery.models import NO_LANE, Lane
from portal.keys.service import keys
from portal.mime.addresses import domain_of
from portal.mime.errors import BadAddress

RELAY = NO_LANE
"""The lane of the relay itself: while it cannot be reached, no row is taken up at all."""
_REST_FIRST, _REST_MOST, _RELAY_RESTS_MOST = timedelta(seconds=10), timedelta(minutes=30), timedelta(minutes=1)
_FINE_SECONDS, _MOST_FINE = 2.0, 1000
_fine: dict[UUID, float] = {}
"""Lanes that no failure is noted of, and until when that is taken as known: asked after each mail, it was a twentieth
of what a mail costs."""
_OF_ONE_MAILBOX = re.compile(r"4[0-9]{2} 4\.[12]\.")
_OF_THE_DOMAIN = re.compile(r"4[0-9]{2} 4\.|421|451|454|no |timed out|connection lost|TLS")


def lane_id(domain: str) -> UUID:
    """The lane of a domain in its comparing form: a keyed hash, for the database need not tell who is written to."""
    return UUID(bytes=keys().lookup("lane", domain)[:16])


def lane_of(address: str) -> UUID:
    """The lane of an address; that of no domain when it has none that mail could reach."""
    try:
        return lane_id(domain_of(address))
    except BadAddress:
        return lane_id("")


def named(domain: str) -> Lane:
    """The row of a domain, made if it is not there."""
    id_ = lane_id(domain)
    sealed = keys().seal_field("lane", id_, domain.encode())
    lane, _ = Lane.objects.get_or_create(pk=id_, defaults={"name": sealed})
    return lane


def name_of(lane: Lane) -> str:
    """The domain; "" for the relay."""
    sealed = bytes(lane.name)
    return keys().open_field("lane", lane.id, sealed).decode() if sealed else ""


def holds_up_a_domain(answer: str) -> bool:
    """Whether a deferral speaks of a whole domain: classes 4.1 and 4.2 of RFC 3463 speak of one mailbox."""
    return not _OF_ONE_MAILBOX.match(answer) and bool(_OF_THE_DOMAIN.match(answer))


def rest(lane: UUID, domain: str, answer: str) -> None:
    """Let a lane rest after a failure: 10 s, doubled each time up to 30 min (the relay: 1 min), uneven."""
    now = timezone.now()
    _fine.pop(lane, None)
    row = Lane.objects.get_or_create(pk=RELAY)[0] if lane == RELAY else named(domain)
    if row.rests_until is not None and row.rests_until > now:
        return  # several senders may have failed at once: that is one failure
    most = _RELAY_RESTS_MOST if lane == RELAY else _REST_MOST
    wait = min(_REST_FIRST * (1 << min(row.failures, 16)), most) * random.uniform(0.8, 1.2)  # noqa: S311 jitter
    Lane.objects.filter(pk=row.pk).update(
        failures=min(row.failures + 1, 1000), rests_until=now + wait, last_answer=answer[:120], last_at=now
    )


def went_well(lane: UUID, answer: str) -> None:
    """A mail was taken: the lane's failures are forgotten, those that another process saw within two seconds."""
    if time.monotonic() < _fine.get(lane, 0.0):
        return
    if not Lane.objects.filter(pk=lane, failures__gt=0).exists():
        if len(_fine) >= _MOST_FINE:
            _fine.clear()
        _fine[lane] = time.monotonic() + _FINE_SECONDS
    else:
        note = {"last_answer": answer[:120], "last_at": timezone.now()}
        Lane.objects.filter(pk=lane).update(failures=0, rests_until=None, **note)


def resting(lanes: Collection[UUID]) -> dict[UUID, Lane]:
    """Those of `lanes` that rest now."""
    found = Lane.objects.filter(pk__in=list(lanes), rests_until__gt=timezone.now())
    return {lane.id: lane for lane in found}


def wake(lane: UUID) -> None:
    """End the rest of a lane at once."""
    Lane.objects.filter(pk=lane).update(failures=0, rests_until=None)


def forget_idle(before: timedelta = timedelta(days=60)) -> int:
    """Remove lanes that nothing was remembered of for long."""
    now = timezone.now()
    idle = Lane.objects.exclude(pk=RELAY).exclude(rests_until__gt=now).exclude(sts_until__gt=now)
    return idle.exclude(last_at__gt=now - before).delete()[0]
