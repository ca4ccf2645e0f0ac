"""The recipients that a connector named in the last hour: one count in the database for every door there is."""

from __future__ import annotations

from datetime import datetime
from math import floor

from django.db import transaction

from portal.ingest.models import Connector, Hourly

PORTIONS = 100
"""A door process takes the hundredth part of an hour's recipients at a time. So the busiest connector costs a hundred
small transactions for what it may name in an hour, and what other processes hold unused is little."""


def spent(used: float, seconds: float, most: int) -> float:
    """What is left of `used` after so many seconds in which an hour's recipients came back evenly."""
    return max(0.0, min(used, most) - max(0.0, seconds) * most / 3600)


def until_next(used: float, most: int) -> float:
    """Seconds until one recipient more may be named; 0 when one may be now."""
    return max(0.0, used + 1 - most) * 3600 / most


def take_portion(name: str, most: int, now: datetime) -> tuple[int, float]:
    """How many recipients the connector may name now, taken off the common count, and the seconds until there are more
    when that is none. `most` is what it may name in an hour.

    Raises django.db.Error, and Connector.DoesNotExist for one that was removed.
    """
    with transaction.atomic():
        rows = Hourly.objects.select_for_update()
        row = rows.filter(connector=name).first()
        if row is None:
            Connector.objects.only("pk").get(name=name)
            Hourly.objects.bulk_create([Hourly(connector=name, used=0, at=now)], ignore_conflicts=True)
            row = rows.get(connector=name)
        # Hosts' clocks differ by a little: time that was counted once is not counted again.
        used, at = spent(row.used, (now - row.at).total_seconds(), most), max(row.at, now)
        portion = min(max(1, most // PORTIONS), floor(most - used))
        if portion:
            rows.filter(connector=name).update(used=used + portion, at=at)
        return portion, until_next(used, most)
