"""Erasing what says who and how from entries, while the tree above them goes on proving all the rest."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from django.db import transaction

from portal.audit import leaves
from portal.audit.models import Entry
from portal.audit.record import record

_STEP = 500


def erase(readers: Iterable[uuid.UUID], reason: str) -> int:
    """Take reader and facts from all entries about these readers, for good. Returns how many entries it were.

    `reason` is one of a fixed list, like every fact. That it was done, and how often, is an entry itself.
    """
    wanted, done = list(readers), 0
    with transaction.atomic():
        for start in range(0, len(wanted), _STEP):
            for entry in Entry.objects.filter(reader__in=wanted[start : start + _STEP]):
                sealed = leaves.commitment(bytes(entry.salt or b""), entry.reader, entry.facts)
                Entry.objects.filter(pk=entry.pk).update(reader=None, facts={}, salt=None, sealed=sealed)
                done += 1
        if done:
            record("audit.erased", entries=done, reason=reason)
    return done
