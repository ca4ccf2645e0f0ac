"""How TLS went with each domain, counted by day in the words of TLS reporting (RFC 8460 section 4.3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import F
from django.utils import timezone

from portal.delivery import lanes
from portal.delivery.models import Lane, TlsResult

KEPT = timedelta(days=90)


@dataclass(frozen=True)
class Line:
    """Sessions of one domain on one day with one result; `domain` is "" for the relay."""

    day: date
    domain: str
    policy: str
    result: str
    sessions: int


def note(domain: str, policy: str, result: str) -> None:
    """Count one session. `domain` is "" for the relay."""
    lane = lanes.named(domain).id if domain else lanes.RELAY
    row, _ = TlsResult.objects.get_or_create(
        lane=lane, day=timezone.now().date(), result=result[:40], policy=policy[:16]
    )
    TlsResult.objects.filter(pk=row.pk).update(sessions=F("sessions") + 1)
    if domain:
        Lane.objects.filter(pk=lane).update(last_at=timezone.now())


def report(domain: str = "") -> list[Line]:
    """All counts that are kept, or one domain's; oldest day first."""
    rows = TlsResult.objects.order_by("day", "lane", "policy", "result")
    if domain:
        rows = rows.filter(lane=lanes.lane_id(domain))
    names = {lane.id: lanes.name_of(lane) for lane in Lane.objects.filter(pk__in={row.lane for row in rows})}
    return [Line(row.day, names.get(row.lane, ""), row.policy, row.result, row.sessions) for row in rows]


def forget_old(today: date) -> int:
    """Remove counts older than 90 days."""
    return TlsResult.objects.filter(day__lt=today - KEPT).delete()[0]
