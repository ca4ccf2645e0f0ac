"""Asking for a mail to be sent: a row first, in the caller's transaction, then the bell."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

from django.utils import timezone

from portal.audit.record import record
from portal.celery import SEND_BULK, SEND_MAIL, SEND_PASSCODES, ring
from portal.delivery.models import Outbound
from portal.keys.service import keys
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
    words: str = "",
    bulk: bool = False,
) -> Outbound:
    """Ask for one mail to one address. Nothing of it is written before it is sent; the addresses are kept sealed.

    `sender` is the envelope sender of a relayed mail, `share` the reader's of a split message, `words` what a refusal
    says. Key errors mean that nothing was asked for.
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
        words=keys().seal_field("outbound-words", id_, words.encode()) if words else b"",
        bulk=bulk,
        door_key=door_key,
        due_at=timezone.now(),
    )
    if kind == Outbound.Kind.NOTICE:
        record("wrapper.queued", message=message, reader=reader.id if reader else None)
    ring(SEND_PASSCODES if kind == Outbound.Kind.PASSCODE else SEND_BULK if bulk else SEND_MAIL)
    return outbound


def address_of(outbound: Outbound) -> str:
    """The envelope recipient."""
    return keys().open_field("outbound", outbound.id, bytes(outbound.address)).decode()


def sender_of(outbound: Outbound) -> str:
    """The envelope sender that was asked for; empty for none."""
    sealed = bytes(outbound.sender)
    return keys().open_field("outbound-sender", outbound.id, sealed).decode() if sealed else ""


def words_of(outbound: Outbound) -> str:
    """What an administrator wrote; empty for none."""
    sealed = bytes(outbound.words)
    return keys().open_field("outbound-words", outbound.id, sealed).decode() if sealed else ""


def share_of(outbound: Outbound) -> bytes:
    """The share that waits for this mail; b"" when there is none."""
    sealed = bytes(outbound.share)
    return keys().open_share(outbound.door_key, sealed, outbound.id) if sealed else b""


def reader_of(outbound: Outbound) -> Reader | None:
    """The reader a mail is for, with its message and brand; None when there is none any more."""
    # A notice needs no byte of the container, which may be 256 KiB; an answer fetches it when it is opened.
    known = Reader.objects.select_related("message__brand").defer("message__container")
    return known.filter(pk=outbound.reader_id).first() if outbound.reader_id else None
