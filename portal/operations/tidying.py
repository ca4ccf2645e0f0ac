"""What has had its time: door keys that no spooled or waiting mail names any more, and what rooms above keep."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

from portal.delivery.models import Outbound
from portal.ingest import states
from portal.ingest.models import Spooled
from portal.keys.service import keys

_above: list[Callable[[datetime], object]] = []


def register(tidy: Callable[[datetime], object]) -> None:
    """Name what removes the rows of a room above, in AppConfig.ready()."""
    _above.append(tidy)


def tidy_above(now: datetime) -> None:
    for tidy in _above:
        tidy(now)


def forget_old_door_keys(today: date) -> None:
    """Destroy the private door keys of past days, so that a stolen spool file of then opens no more."""
    named = set(Spooled.objects.exclude(state__in=states.FINAL).values_list("door_key", flat=True).distinct())
    named |= set(Outbound.objects.exclude(door_key="").values_list("door_key", flat=True).distinct())
    keys().forget_door_keys(today, named)
