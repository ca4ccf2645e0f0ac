"""Mail that comes back: bounces, the doctor's own notices, and what left here before, each known before any rule."""

from __future__ import annotations

from dataclasses import replace

from django.db import transaction
from django.utils import timezone

from portal.audit.record import record
from portal.delivery import bounces, passage, verp
from portal.ingest import probes
from portal.ingest.spoolfile import Envelope
from portal.keys.service import keys
from portal.mime.dsn import Dsn
from portal.mime.fields import header_end, raw_fields
from portal.mime.reading import Letter


def look(raw: bytes, letter: Letter, envelope: Envelope) -> tuple[Envelope, str]:
    """The envelope of those whom a mail still concerns, perhaps nobody; and why it passes untouched: `probe`,
    `returned` or `seal`, or "" when the rules decide. What it reports is noted. Safe to do twice. Raises key errors."""
    if (probe := probes.returned(letter, envelope.recipients)) is not None:
        record(probes.RETURNED, message=probe)
        return replace(envelope, recipients=(), dsn=()), "probe"
    if any(verp.is_one(address) for address in envelope.recipients):
        with transaction.atomic():
            taken = bounces.take(envelope.recipients, envelope.sender, raw)
        if taken is not None:
            asked = dict(envelope.addressed())
            left = (*taken.others, *taken.pass_on)
            wishes = tuple(asked.get(address, Dsn()) for address in left)
            envelope = replace(envelope, recipients=left, dsn=wishes, thread=taken.answers or envelope.thread)
            if not taken.others:
                # To a sender without an envelope sender of its own: a holiday reply starts no conversation.
                return replace(envelope, sender=""), "returned"
    return envelope, "seal" if passes(raw, envelope) else ""


def passes(raw: bytes, envelope: Envelope) -> str:
    """The `m` of the seal when this mail left here; "" when the rules decide. A seal that is not ours, not fresh, of
    another mail or to other recipients is worth nothing, whoever brings it. Raises key errors."""
    if envelope.source != "smtp":
        return ""
    block = raw[: header_end(raw)[0]]
    if passage.HEADER.lower().encode() not in block.lower():
        return ""
    name = passage.verify(keys().secret_versions("seal"), timezone.now(), envelope.sender, raw_fields(block))
    return name if name and passage.went_to(name, envelope.recipients) else ""
