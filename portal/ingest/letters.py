"""Mail that needs no protection, passed on from the spool."""

from __future__ import annotations

from portal.delivery.letters import Prepared
from portal.delivery.models import Outbound
from portal.delivery.queue import address_of, sender_of
from portal.ingest import ordering, spool
from portal.ingest.models import Spooled
from portal.mime.building import without_headers
from portal.mime.editing import changed

TRIGGER_HEADER = "X-Letterlock-Protect"


def relayed(outbound: Outbound) -> Prepared | None:
    """Unchanged but for what rules change, and the trigger header, which never leaves, honoured or not."""
    row = Spooled.objects.filter(pk=outbound.message).first() if outbound.message else None
    if row is None:
        return None
    opened = spool.open_spooled(row)
    chunks = without_headers(opened.chunks(), {TRIGGER_HEADER})
    change = ordering.kept(row)
    data = chunks if change is None else changed(chunks, change)
    return Prepared(sender_of(outbound), address_of(outbound), data, require_tls=bool(outbound.tls))
