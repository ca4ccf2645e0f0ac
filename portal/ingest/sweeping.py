"""What lies in the spool without a row that wants it: leftovers go, and mail that was answered 250 is held.

Of a file that has no row but was answered, its row is lost: an older database was restored beside a newer spool. Such
mail must not be lost with it (docs/decisions/0013).
"""

from __future__ import annotations

import logging
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from portal.audit.record import record
from portal.ids import made_at
from portal.ingest import spool, spoolbucket, spoolfolder
from portal.ingest.errors import IngestError, SpoolMissing
from portal.ingest.models import Spooled
from portal.keys.errors import KeysError, ProviderUnavailable
from portal.vault.errors import VaultError

log = logging.getLogger(__name__)

UNKNOWN = (
    "The database did not know this mail, as after an older one was restored. "
    "Release it, unless its recipients have it already."
)


def sweep_orphans() -> int:
    """Remove what was never answered 250 or is over, and hold what was answered; returns how many were removed.

    Raises OSError or ProviderUnavailable when the spool or the keys cannot be used just now.
    """
    removed, unknown = spoolfolder.sweep_orphans()
    if bucket := spoolbucket.bucket():
        more, others = spoolbucket.sweep(bucket, timezone.now())
        removed, unknown = removed + more, unknown + others
    for id_ in unknown:
        _hold(id_)
    return removed


def _hold(id_: UUID) -> None:
    """Give a mail its row again. Held and not taken up: it may have been sealed, or handed in again, since."""
    now = timezone.now()
    row = Spooled(id=id_, size=0, recipients=0, received_at=min(made_at(id_), now), due_at=now)
    try:
        opened = spool.open_spooled(row)
        row.size, row.recipients, row.door_key = opened.size, len(opened.envelope.recipients), opened.door_key
    except SpoolMissing:
        return
    except (OSError, ProviderUnavailable):
        raise  # held without naming its door key, it would lose that
    except (IngestError, VaultError, KeysError) as error:
        # Whoever releases it learns why; here it counts that it is kept.
        log.warning("mail %s cannot be opened now: %s", id_, type(error).__name__)
    row.state, row.held_at, row.last_error = Spooled.State.HELD, now, UNKNOWN
    with transaction.atomic():
        # A row that came meanwhile is the mail's own.
        if not Spooled.objects.filter(pk=id_).exists():
            row.save(force_insert=True)
            record("message.held", message=id_, reason=UNKNOWN)
            log.error("mail %s is held: %s", id_, UNKNOWN)
