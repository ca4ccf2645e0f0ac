"""Mail that needs no protection, passed on from the spool as it came."""

from __future__ import annotations

from portal.delivery.letters import Prepared
from portal.delivery.models import Outbound
from portal.delivery.queue import address_of, sender_of
from portal.ingest import spool
from portal.ingest.models import Spooled
from portal.mime.building import without_headers

TRIGGER_HEADER = "X-Letterlock-Protect"


def relayed(outbound: Outbound) -> Prepared | None:
    """Unchanged but for the trigger header, which never leaves, honoured or not (ecosystem: three contracts)."""
    row = Spooled.objects.filter(pk=outbound.message).first() if outbound.message else None
    if row is None:
        return None
    opened = spool.open_spooled(row)
    return Prepared(sender_of(outbound), address_of(outbound), without_headers(opened.chunks(), {TRIGGER_HEADER}))
