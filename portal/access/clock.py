"""Times of day as pages say them to whoever has to wait."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone


def clock(moment: datetime) -> str:
    """A time as pages say it: 14:48, where the portal stands."""
    return timezone.localtime(moment).strftime("%H:%M")


def whole_minute(moment: datetime) -> datetime:
    """The same moment or the next full minute after it: who comes back when the page says must not be early."""
    floor = moment.replace(second=0, microsecond=0)
    return floor if floor == moment else floor + timedelta(minutes=1)
