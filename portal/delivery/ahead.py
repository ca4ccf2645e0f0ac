"""What a notice is written from, read for many notices at once; what may have changed since is asked as each is begun.

A message withdrawn, an address suppressed, a brand published: that is part of the one statement by which a notice is
begun (outcomes.Lease.begin), so nothing is sent that was over before. What is a matter of words alone, the language
that a reader chose and what they will be asked for, may be AHEAD_SECONDS old, as may the key that signs.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Max

from branding.models import Brand, BrandVersion
from portal.delivery import asking, tongue
from portal.delivery.asking import AsksFor
from portal.delivery.models import Outbound
from portal.delivery.queue import is_for
from portal.delivery.signing import Signers
from portal.keys.errors import KeysError, WrapRefused
from portal.mime.errors import BadAddress
from portal.vault.models import Message, Reader

log = logging.getLogger(__name__)

AHEAD_SECONDS = 10.0


@dataclass(frozen=True)
class Ahead:
    """A notice's reader with message and brand, the language to write in, and what the link will ask for."""

    until: float
    """By time.monotonic()."""
    reader: Reader = field(repr=False)
    language: str
    asks: AsksFor
    version: int
    """Of the brand (branding.versions); 0 before its first."""
    signers: Signers

    def is_young(self) -> bool:
        """Whether its words may still be said."""
        return time.monotonic() < self.until

    def holds(self) -> tuple[str, list[Any]]:
        """That it can be sent as it was read: a condition on its row in SQL, and the condition's parameters."""
        message = self.reader.message
        end = Message._meta.get_field("open_until").get_db_prep_value(message.open_until, connection)
        closes = "IS NULL" if end is None else "= %s"
        ends = [] if end is None else [end]
        return _HOLDS.format(closes=closes), [
            *ends,
            bytes(self.reader.address_lookup),
            self.version,
            message.brand_id,
        ]


_HOLDS = """
 AND EXISTS (SELECT 1 FROM vault_reader r JOIN vault_message m ON m.id = r.message_id
  WHERE r.id = delivery_outbound.reader_id AND r.withdrawn_at IS NULL
  AND m.state = 'open' AND m.away_at IS NULL AND m.open_until {closes})
 AND NOT EXISTS (SELECT 1 FROM delivery_suppressed WHERE address_lookup = %s)
 AND %s = (SELECT COALESCE(MAX(number), 0) FROM branding_brandversion WHERE brand_id = %s)"""


def look(outbounds: Sequence[Outbound]) -> None:
    """Read for notices that were taken up together. One that cannot be read for now is looked at when it is written."""
    try:
        found = _read(outbounds)
    except Exception as error:
        # Whatever it was, it may be one mail's; each is read for by itself then, and what is wrong is that mail's.
        log.warning("%d notices could not be read for together: %s", len(outbounds), type(error).__name__)
        return
    for row in outbounds:
        seen = found.get(row.reader_id)
        try:
            row.ahead = seen if seen and is_for(row, seen.reader) else None
        except (KeysError, BadAddress):
            row.ahead = None


def of(outbound: Outbound) -> Ahead | None:
    """What was read ahead for a notice that was just begun, once; else it is read now. None when its reader is gone.

    Raises WrapRefused: each of the two addresses is bound to its row, and nothing else binds the rows to each other.
    """
    ahead, outbound.ahead = outbound.ahead, None
    if isinstance(ahead, Ahead):
        return ahead
    seen = _read([outbound]).get(outbound.reader_id)
    if seen is not None and not is_for(outbound, seen.reader):
        raise WrapRefused
    return seen


def _read(outbounds: Sequence[Outbound]) -> dict[UUID | None, Ahead]:
    """By reader. Raises the errors of the keys."""
    # A notice needs no byte of the container, which may be 256 KiB.
    readers = Reader.objects.select_related("message").defer("message__container")
    found = readers.in_bulk({row.reader_id for row in outbounds if row.reader_id})
    named = {reader.message.brand_id for reader in found.values()}
    # Before the brands: one that is published in between is newer than its number here, and read anew.
    numbers = BrandVersion.objects.filter(brand__in=named).values_list("brand").annotate(Max("number"))
    versions = dict(numbers.order_by()) if named else {}
    brands = Brand.objects.in_bulk(named)
    for reader in found.values():
        reader.message.brand = brands[reader.message.brand_id]
    until, signers = time.monotonic() + AHEAD_SECONDS, Signers()
    ordered = list(found.values())
    told = zip(ordered, tongue.of_readers(ordered), asking.of_readers(ordered), strict=True)
    return {
        reader.pk: Ahead(until, reader, language, asks, versions.get(reader.message.brand_id, 0), signers)
        for reader, language, asks in told
    }
