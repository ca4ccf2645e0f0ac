"""What has had its time: door keys that no spooled or waiting mail names any more."""

from __future__ import annotations

from datetime import date

from portal.delivery.models import Outbound
from portal.ingest import states
from portal.ingest.models import Spooled
from portal.keys.service import keys


def forget_old_door_keys(today: date) -> None:
    """Destroy the private door keys of past days, so that a stolen spool file of then opens no more."""
    named = set(Spooled.objects.exclude(state__in=states.FINAL).values_list("door_key", flat=True).distinct())
    named |= set(Outbound.objects.exclude(door_key="").values_list("door_key", flat=True).distinct())
    keys().forget_door_keys(today, named)
