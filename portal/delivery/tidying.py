"""Rows of mail that has left or was dropped, removed when nobody asks for them any more."""

from __future__ import annotations

from datetime import datetime, timedelta

from portal.delivery import lanes, results
from portal.delivery.models import Outbound

PASSCODES_KEPT = timedelta(days=2)


def tidy(now: datetime) -> None:
    """Remove what has had its time."""
    forget_old_passcodes(now)
    results.forget_old(now.date())
    lanes.forget_idle()


def forget_old_passcodes(now: datetime) -> int:
    """Remove the rows of passcode mails long past; whoever types addresses at random leaves one for each."""
    final = (Outbound.State.SENT, Outbound.State.DROPPED, Outbound.State.FAILED)
    old = Outbound.objects.filter(kind=Outbound.Kind.PASSCODE, state__in=final, made_at__lt=now - PASSCODES_KEPT)
    return old.delete()[0]
