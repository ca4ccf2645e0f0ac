"""Claiming rows for work: a lease with owner and time, so that no two workers do the same and none is stuck for ever.

For models with the columns `leased_until`, `leased_by` and `due_at`. A killed worker's rows come back when their lease
ends.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TypeVar

from django.conf import settings
from django.db import connection, models, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

Row = TypeVar("Row", bound=models.Model)


def _end() -> datetime:
    return timezone.now() + timedelta(seconds=settings.LETTERLOCK.lease_seconds)


def claim(due: QuerySet[Row], *, limit: int) -> list[Row]:
    """Lease up to `limit` of the rows that are due and not leased, oldest first; each comes back to one caller only."""
    now = timezone.now()
    owner = secrets.token_hex(16)
    free = due.filter(Q(leased_until=None) | Q(leased_until__lt=now)).order_by("due_at")
    with transaction.atomic():
        if connection.features.has_select_for_update_skip_locked:
            free = free.select_for_update(skip_locked=True)
        keys = list(free.values_list("pk", flat=True)[:limit])
        # The condition is repeated: between choosing and leasing another worker may have been quicker.
        still_free = Q(leased_until=None) | Q(leased_until__lt=now)
        due.model._default_manager.filter(still_free, pk__in=keys).update(leased_until=_end(), leased_by=owner)
    return list(due.model._default_manager.filter(pk__in=keys, leased_by=owner).order_by("due_at"))


def renew(row: Row, *, more_seconds: int = 0, **changes: object) -> bool:
    """Start the lease of a claimed row anew before a long step, changing columns with it.

    False, with nothing changed, when another worker has taken it over.
    """
    owner: str = row.leased_by  # type: ignore[attr-defined]
    until = _end() + timedelta(seconds=more_seconds)
    return bool(type(row)._default_manager.filter(pk=row.pk, leased_by=owner).update(leased_until=until, **changes))


def give_back(rows: Iterable[Row]) -> None:
    """End the leases of claimed rows that there was no time for."""
    for row in rows:
        owner: str = row.leased_by  # type: ignore[attr-defined]
        type(row)._default_manager.filter(pk=row.pk, leased_by=owner).update(leased_until=None)
