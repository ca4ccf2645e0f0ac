"""What has had its time: door keys that no spooled mail names, and rows whose only purpose was a limit in time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.utils import timezone

from portal.access.models import Asked, Challenge, EntryLink, Failed, Session
from portal.ingest.models import Spooled
from portal.keys.service import keys

BUDGET_DAY = timedelta(days=1)
"""access.md: the longest budget counts a day."""


def forget_old_door_keys() -> None:
    """Destroy the private door keys of past days, so that a stolen spool file of then opens no more."""
    named = set(Spooled.objects.exclude(state=Spooled.State.DONE).values_list("door_key", flat=True).distinct())
    keys().forget_door_keys(datetime.now(UTC).date(), named)


def delete_expired_rows() -> None:
    """Sessions that ended, passcode requests and budgets that no longer count, unused sign-in links."""
    now = timezone.now()
    Session.objects.filter(ends_at__lt=now).delete()
    Challenge.objects.filter(made_at__lt=now - BUDGET_DAY).delete()
    Asked.objects.filter(at__lt=now - BUDGET_DAY).delete()
    Failed.objects.filter(at__lt=now - BUDGET_DAY).delete()
    EntryLink.objects.filter(expires_at__lt=now - BUDGET_DAY).delete()
