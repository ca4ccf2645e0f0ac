"""When the clock was set back: what waits for a moment that was near, and is far away now, waits no more."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings

from portal.delivery.models import Lane, Outbound
from portal.ingest.models import Spooled

WORKING = (Spooled.State.RECEIVED, Spooled.State.SEALED, Spooled.State.RELAYING)
WAITING = (Outbound.State.DUE, Outbound.State.SENDING)


def bring_near(now: datetime) -> int:
    """Make due what waits, and let no lease last longer than a new one would; returns how much had waited too long.

    Those that rightly waited are tried once too early, which does no harm.
    """
    # As long as the pipeline asks for at most: its lease grows by a second for each MiB of a mail.
    longest = now + timedelta(seconds=settings.LETTERLOCK.lease_seconds + (settings.LETTERLOCK.max_message_bytes >> 20))
    # A lane of the relay that rests until then would hold up every passcode.
    count = Lane.objects.filter(rests_until__gt=now).update(rests_until=now)
    for waiting in (
        Spooled.objects.filter(state__in=WORKING),
        Outbound.objects.filter(state__in=WAITING),
    ):
        count += waiting.filter(due_at__gt=now).update(due_at=now)
        count += waiting.filter(leased_until__gt=longest).update(leased_until=longest)
    return count
