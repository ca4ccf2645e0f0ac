"""Mail that needs no protection, passed on from the spool."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from portal.delivery.letters import Prepared
from portal.delivery.models import Outbound
from portal.delivery.queue import address_of, is_bound, sender_of
from portal.ingest import ordering, spool
from portal.ingest.models import Spooled
from portal.ingest.received import came_as_utf8
from portal.keys.errors import WrapRefused
from portal.mime.addresses import normalise
from portal.mime.editing import changed, without_headers
from portal.mime.fields import header_end
from portal.mime.limits import MAX_HEADER_BYTES

TRIGGER_HEADER = "X-Letterlock-Protect"


def relayed(outbound: Outbound) -> Prepared | None:
    """Unchanged but for what rules change, and the trigger header, which never leaves, honoured or not.

    Raises WrapRefused where it was not asked for by what decided on this mail, and as `spool.open_spooled` does.
    """
    row = Spooled.objects.filter(pk=outbound.message).first() if outbound.message else None
    if row is None:
        return None
    opened = spool.open_spooled(row)
    if not is_bound(outbound):
        _check_recipient(row, opened.envelope.recipients, address_of(outbound))
    pieces, head = opened.chunks(), b""
    for piece in pieces:
        head += piece
        end, body = header_end(head)
        if body > end or len(head) > MAX_HEADER_BYTES:
            break
    chunks = without_headers(chain((head,), pieces), {TRIGGER_HEADER})
    change = ordering.kept(row)
    data = chunks if change is None else changed(chunks, change)
    utf8 = came_as_utf8(head[: header_end(head)[0]])
    return Prepared(sender_of(outbound), address_of(outbound), data, require_tls=bool(outbound.tls), utf8=utf8)


def _check_recipient(row: Spooled, recipients: Sequence[str], address: str) -> None:
    """Of a row by the version before: it may lead a mail that is passed on to those that its sender named."""
    if row.state != Spooled.State.RELAYING or normalise(address) not in map(normalise, recipients):
        raise WrapRefused
