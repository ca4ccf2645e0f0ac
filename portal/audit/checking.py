"""Looks at everything that was recorded, once a day and when somebody asks, and remembers what came of it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q

from portal.audit import verifying
from portal.audit.models import Check
from portal.audit.record import record

EVERY = timedelta(hours=24)
SECONDS = 3600
"""Longer than any look takes; one that was begun so long ago has died with its process and is begun anew."""
KEPT = 100


def ask(now: datetime, by: str | None = None) -> bool:
    """Have everything looked at soon. Whether that is new: one that waits or runs already will do."""
    try:
        with transaction.atomic():
            Check.objects.create(asked_at=now)
            record("audit.check_asked", by=by)
    except IntegrityError:
        return False
    return True


def unfinished() -> Check | None:
    """The look that waits or runs now."""
    return Check.objects.filter(done=False).first()


def newest() -> Check | None:
    """The last one that came to an end."""
    return Check.objects.filter(done=True).order_by("-ended_at").first()


def run(now: datetime, public: bytes) -> Check | None:
    """Do the look that was asked for or is due; None when there is none, or another process is at it.

    `public` is the key that heads are signed with, 32 bytes.
    """
    last = newest()
    if unfinished() is None and (last is None or last.ended_at is None or now - last.ended_at >= EVERY):
        ask(now)
    waiting = Q(begun_at=None) | Q(begun_at__lt=now - timedelta(seconds=SECONDS))
    # The condition is the lock: of two that run at once, one looks.
    if not Check.objects.filter(waiting, done=False).update(begun_at=now):
        return None
    check = Check.objects.get(done=False)
    found = verifying.verify(public)
    with transaction.atomic():
        check.ended_at, check.done = now, True
        check.entries, check.heads, check.erased, check.faults = found.entries, found.heads, found.erased, found.faults
        check.save()
        record("audit.checked", entries=found.entries, faults=len(found.faults))
        Check.objects.exclude(pk__in=Check.objects.order_by("-pk").values_list("pk")[:KEPT]).delete()
    return check
