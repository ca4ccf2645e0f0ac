"""What waits to leave, domain by domain, for an administrator: to be looked at and to be let try at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Min, QuerySet
from django.utils import timezone

from portal.audit.record import record
from portal.celery import SEND_BULK, SEND_MAIL, SEND_PASSCODES, ring
from portal.delivery import lanes
from portal.delivery.errors import NothingToRetry
from portal.delivery.models import Lane, Outbound
from portal.delivery.queue import address_of
from portal.mime.addresses import domain_of
from portal.mime.errors import BadAddress

S = Outbound.State
_WAITING = (S.DUE, S.SENDING)


@dataclass(frozen=True)
class Waiting:
    """One domain's mail that has not left; `domain` is "" when its addresses cannot be read."""

    domain: str
    mails: int
    oldest: datetime
    last_answer: str
    rests_until: datetime | None


def by_domain() -> list[Waiting]:
    """Every domain that mail waits for, the one with the oldest first; then the relay if it rests. Needs the keys."""
    now = timezone.now()
    groups = (
        Outbound.objects.filter(state__in=_WAITING)
        .values("lane")
        .annotate(mails=Count("pk"), oldest=Min("made_at"))
        .order_by("oldest")
    )
    known = Lane.objects.in_bulk([group["lane"] for group in groups])
    found = [_one(group["lane"], group["mails"], group["oldest"], known.get(group["lane"]), now) for group in groups]
    relay = Lane.objects.filter(pk=lanes.RELAY, rests_until__gt=now).first()
    if relay is not None and relay.last_at is not None:
        found.append(Waiting("(relay)", 0, relay.last_at, relay.last_answer, relay.rests_until))
    return found


def _one(id_: UUID, mails: int, oldest: datetime, lane: Lane | None, now: datetime) -> Waiting:
    rows = Outbound.objects.filter(lane=id_, state__in=_WAITING)
    tried = rows.exclude(last_answer="").order_by("-due_at").first() or rows.first()
    name = lanes.name_of(lane) if lane is not None else ""
    if not name and tried is not None:
        try:
            name = domain_of(address_of(tried))
        except BadAddress:
            name = ""
    answer = (tried.last_answer if tried else "") or (lane.last_answer if lane else "")
    rests = lane.rests_until if lane and lane.rests_until and lane.rests_until > now else None
    return Waiting(name, mails, oldest, answer, rests)


def retry(what: str) -> int:
    """Make a domain's waiting mail, or one mail by its id, due at once; returns how many. Raises NothingToRetry.

    A mail that was refused for good is tried again as well when it is named by its id. One whose share of a split
    message is gone is not: what left of it could open nothing.
    """
    now = timezone.now()
    free = {"due_at": now, "leased_until": None, "leased_by": ""}
    with transaction.atomic():
        try:
            id_ = UUID(what)
        except ValueError:
            number = _of_domain(what).update(due_at=now)
        else:
            one = Outbound.objects.filter(pk=id_)
            lost = one.filter(state=S.FAILED, reader__message__split__gt="", share=b"").exists()
            number = 0 if lost else one.filter(state=S.FAILED).update(state=S.DUE, attempts=0, made_at=now, **free)
            number += one.filter(state=S.DUE).update(due_at=now)
            for lane in one.values_list("lane", flat=True):
                lanes.wake(lane)
        lanes.wake(lanes.RELAY)
        if number:
            record("delivery.retried", mails=number)
    if not number:
        raise NothingToRetry
    ring(SEND_PASSCODES)
    ring(SEND_MAIL)
    ring(SEND_BULK)
    return number


def _of_domain(domain: str) -> QuerySet[Outbound]:
    try:
        lane = lanes.lane_id(domain_of(f"x@{domain}"))
    except BadAddress:
        return Outbound.objects.none()
    lanes.wake(lane)
    return Outbound.objects.filter(lane=lane, state=S.DUE)
