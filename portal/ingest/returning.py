"""Mail that comes back: what left here with a valid X-Letterlock-Seal passes on untouched, before any rule."""

from __future__ import annotations

from django.utils import timezone

from portal.delivery import passage
from portal.ingest.spool import Envelope
from portal.keys.service import keys
from portal.mime.fields import header_end, raw_fields


def passes(raw: bytes, envelope: Envelope) -> str:
    """The `m` of the seal when this mail left here; "" when the rules decide. A seal that is not ours, not fresh or
    of another mail is worth nothing, whoever brings it. Raises key errors."""
    if envelope.source != "smtp":
        return ""
    block = raw[: header_end(raw)[0]]
    if passage.HEADER.lower().encode() not in block.lower():
        return ""
    return passage.verify(keys().secret_versions("seal"), timezone.now(), envelope.sender, raw_fields(block))
