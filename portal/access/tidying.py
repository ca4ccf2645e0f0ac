"""Rows that can mean nothing any more: budgets past their day, challenges past their time, sessions that ended."""

from __future__ import annotations

from datetime import datetime, timedelta

from portal.access.budgets import DAY
from portal.access.credentials import UsedChallenge
from portal.access.models import (
    Asked,
    AskedSender,
    Authenticator,
    CeilingReached,
    Challenge,
    EntryLink,
    Failed,
    Opening,
    Session,
    SignIn,
    TrustedBrowser,
    WrongFactor,
)

CHALLENGES = 2 * DAY
"""Longer than their 15 minutes, so that "has been used" and "too old" are still told apart the next morning."""
REQUESTS = 14 * DAY
"""In which a sender may answer that a message is asked for at another address."""
TRUST = timedelta(days=400)
"""As long as browsers keep any cookie (RFC 6265bis section 5.6.2)."""
ALARMS = 30 * DAY
"""Longer than any mail to an administrator, or to a sender, can wait."""


def tidy(now: datetime) -> int:
    """Delete what is over; the number of rows. Safe to run at any time and twice."""
    old = (
        Asked.objects.filter(at__lt=now - DAY),
        Failed.objects.filter(at__lt=now - DAY),
        Challenge.objects.filter(expires_at__lt=now - CHALLENGES),
        Session.objects.filter(ends_at__lt=now),
        SignIn.objects.filter(expires_at__lt=now),
        EntryLink.objects.filter(expires_at__lt=now - DAY),
        AskedSender.objects.filter(at__lt=now - REQUESTS),
        CeilingReached.objects.filter(ended_at__lt=now - ALARMS),
        Opening.objects.filter(mail__isnull=False, due_at__lt=now - ALARMS),
        TrustedBrowser.objects.filter(seen_at__lt=now - TRUST),
        UsedChallenge.objects.filter(expires_at__lt=now - DAY),  # a clock set back by hours brings none back to life
        Authenticator.objects.filter(confirmed_at=None, made_at__lt=now - DAY),
        WrongFactor.objects.filter(at__lt=now - DAY),
    )
    return sum(int(rows.delete()[0]) for rows in old)
