"""Claiming rows for work: a lease with owner and time, so that no two workers do the same and none is stuck for ever.

For models with the columns `leased_until`, `leased_by` and `due_at`. A killed worker's rows come back when their lease
ends.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
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
    still_free = Q(leased_until=None) | Q(leased_until__lt=now)
    free = due.filter(still_free).order_by("due_at")
    if connection.features.has_select_for_update_skip_locked:
        with transaction.atomic():
            keys = list(free.select_for_update(skip_locked=True).values_list("pk", flat=True)[:limit])
            _lease(due, still_free, keys, owner)
    else:
        # Looking takes no lock, so that many who find nothing do not queue behind the one writer of SQLite.
        keys = list(free.values_list("pk", flat=True)[:limit])
        _lease(due, still_free, keys, owner)
    if not keys:
        return []
    return list(due.model._default_manager.filter(pk__in=keys, leased_by=owner).order_by("due_at"))


def _lease(due: QuerySet[Row], still_free: Q, keys: Sequence[object], owner: str) -> None:
    # The condition is repeated: between choosing and leasing another worker may have been quicker.
    if keys:
        due.model._default_manager.filter(still_free, pk__in=keys).update(leased_until=_end(), leased_by=owner)


def renew(row: Row, *, more_seconds: int = 0, **changes: object) -> bool:
    """Start the lease of a claimed row anew before a long step, changing columns with it.

    False, with nothing changed, when another worker has taken it over.
    """
    owner: str = row.leased_by  # type: ignore[attr-defined]
    until = _end() + timedelta(seconds=more_seconds)
    return bool(type(row)._default_manager.filter(pk=row.pk, leased_by=owner).update(leased_until=until, **changes))


def renew_all(rows: Sequence[Row], **changes: object) -> bool:
    """The same for rows of one claim; False when another worker has taken over one of them (the others are changed)."""
    owner: str = rows[0].leased_by  # type: ignore[attr-defined]
    held = type(rows[0])._default_manager.filter(pk__in=[row.pk for row in rows], leased_by=owner)
    return held.update(leased_until=_end(), **changes) == len(rows)


def give_back(rows: Iterable[Row]) -> None:
    """End the leases of claimed rows that there was no time for."""
    for row in rows:
        owner: str = row.leased_by  # type: ignore[attr-defined]
        type(row)._default_manager.filter(pk=row.pk, leased_by=owner).update(leased_until=None)
