"""Asking for a mail to be sent: a row first, in the caller's transaction, then the bell."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

import cbor2
from django.utils import timezone

from portal.audit.record import record
from portal.celery import SEND_MAIL, SEND_PASSCODES, ring
from portal.delivery.lanes import lane_of
from portal.delivery.models import Outbound
from portal.keys.service import keys
from portal.mime.dsn import Dsn
from portal.vault.models import Reader


def enqueue(
    kind: str,
    *,
    address: str,
    message: UUID | None = None,
    reader: Reader | None = None,
    subject_row: UUID | None = None,
    sender: str = "",
    share: bytes = b"",
    dsn: Dsn | None = None,
    tls: str = "",
    news: str = "",
) -> Outbound:
    """Ask for one mail to one address. Nothing of it is written before it is sent; the addresses are kept sealed.

    `sender` is the envelope sender of a relayed mail and `dsn` what it wants to be told, `share` the reader's of a
    split message, `tls` the least protection on the way (portal.delivery.tls), `news` what a mail to a sender says.
    Key errors mean that nothing was asked for.
    """
    id_ = uuid4()
    door_key, sealed_share = keys().seal_share(datetime.now(UTC).date(), share, id_) if share else ("", b"")
    outbound = Outbound.objects.create(
        id=id_,
        kind=kind,
        message=message,
        reader=reader,
        subject_row=subject_row,
        address=keys().seal_field("outbound", id_, address.encode()),
        sender=keys().seal_field("outbound-sender", id_, sender.encode()) if sender else b"",
        share=sealed_share,
        door_key=door_key,
        due_at=timezone.now(),
        lane=lane_of(address),
        dsn=_sealed_dsn(id_, dsn) if dsn else None,
        tls=tls,
        news=news,
    )
    if kind == Outbound.Kind.NOTICE:
        record("wrapper.queued", message=message, reader=reader.id if reader else None)
    ring(SEND_PASSCODES if kind == Outbound.Kind.PASSCODE else SEND_MAIL)
    return outbound


def address_of(outbound: Outbound) -> str:
    """The envelope recipient."""
    return keys().open_field("outbound", outbound.id, bytes(outbound.address)).decode()


def sender_of(outbound: Outbound) -> str:
    """The envelope sender that was asked for; empty for none."""
    sealed = bytes(outbound.sender)
    return keys().open_field("outbound-sender", outbound.id, sealed).decode() if sealed else ""


def dsn_of(outbound: Outbound) -> Dsn | None:
    """What the sender wants to be told; None when nothing was asked."""
    if not outbound.dsn:
        return None
    return Dsn(*cbor2.loads(keys().open_field("outbound-dsn", outbound.id, bytes(outbound.dsn))))


def _sealed_dsn(id_: UUID, dsn: Dsn) -> bytes:
    asked = cbor2.dumps([dsn.notify, dsn.original_recipient, dsn.returned, dsn.envelope_id])
    return keys().seal_field("outbound-dsn", id_, asked)


def share_of(outbound: Outbound) -> bytes:
    """The share that waits for this mail; b"" when there is none."""
    sealed = bytes(outbound.share)
    return keys().open_share(outbound.door_key, sealed, outbound.id) if sealed else b""


def reader_of(outbound: Outbound) -> Reader | None:
    """The reader a mail is for, with its message and brand; None when there is none any more."""
    # A notice needs no byte of the container, which may be 256 KiB; an answer fetches it when it is opened.
    known = Reader.objects.select_related("message__brand").defer("message__container")
    return known.filter(pk=outbound.reader_id).first() if outbound.reader_id else None
