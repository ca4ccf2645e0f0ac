"""Last days as people name them: the end of a day in the installation's time zone, or never."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.utils import timezone

from portal.lifecycle.errors import BadDate, DateIsPast, DateTooFar
from portal.vault.sealing import end_of_day

LONGEST_DAYS = 730
"""From today. What is to stay open for longer stays open for ever."""
NEVER = "never"


def closing(text: str) -> datetime | None:
    """The moment a message closes whose last day is `text`, like 2026-12-17; None for "never".

    Raises:
        BadDate, DateIsPast, DateTooFar.
    """
    if text.strip() == NEVER:
        return None
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        raise BadDate from None
    today = timezone.localdate(timezone=timezone.get_default_timezone())
    if day < today:
        raise DateIsPast
    if day > today + timedelta(days=LONGEST_DAYS):
        raise DateTooFar
    return end_of_day(day)
