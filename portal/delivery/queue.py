"""Asking for a mail to be sent: a row first, in the caller's transaction, then the bell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

import cbor2
from django.utils import timezone

from portal.audit.record import Event, record_each
from portal.celery import SEND_BULK, SEND_MAIL, SEND_PASSCODES, ring
from portal.delivery.lanes import lane_of
from portal.delivery.models import Outbound
from portal.inserting import insert
from portal.keys.errors import WrapRefused
from portal.keys.service import keys
from portal.mime.addresses import normalise
from portal.mime.dsn import Dsn
from portal.mime.errors import BadAddress
from portal.vault import readers
from portal.vault.models import Reader

_RELAYED = "outbound-relayed"


@dataclass(frozen=True)
class Asked:
    """One mail to one address that is to be sent.

    `sender` is the envelope sender of a relayed mail and `dsn` what it wants to be told, `share` the reader's of a
    split message, `words` what a refusal says, `tls` the least protection on the way (portal.delivery.tls), `news` what
    a mail to a sender says.
    """

    kind: str
    address: str
    message: UUID | None = None
    reader: Reader | None = None
    subject_row: UUID | None = None
    sender: str = ""
    share: bytes = b""
    words: str = ""
    bulk: bool = False
    dsn: Dsn | None = None
    tls: str = ""
    news: str = ""

    def __repr__(self) -> str:
        return f"Asked({self.kind})"


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
    dsn: Dsn | None = None,
    tls: str = "",
    news: str = "",
) -> Outbound:
    """Ask for one mail to one address. Nothing of it is written before it is sent; the addresses are kept sealed.

    Key errors mean that nothing was asked for.
    """
    return enqueue_all(
        [Asked(kind, address, message, reader, subject_row, sender, share, words, bulk, dsn, tls, news)]
    )[0]


def enqueue_all(asked: Sequence[Asked]) -> list[Outbound]:
    """The same for several mails, with one statement."""
    rows = insert(_row(one) for one in asked)
    record_each(
        Event("wrapper.queued", one.message, one.reader.id if one.reader else None)
        for one in asked
        if one.kind == Outbound.Kind.NOTICE
    )
    for bell in {_bell(one) for one in asked}:
        ring(bell)
    return rows


def _row(asked: Asked) -> Outbound:
    id_ = uuid4()
    today = datetime.now(UTC).date()
    door_key, sealed_share = keys().seal_share(today, asked.share, id_) if asked.share else ("", b"")
    return Outbound(
        id=id_,
        kind=asked.kind,
        message=asked.message,
        reader=asked.reader,
        subject_row=asked.subject_row,
        address=keys().seal_field("outbound", id_, asked.address.encode()),
        sender=keys().seal_field("outbound-sender", id_, asked.sender.encode()) if asked.sender else b"",
        share=sealed_share,
        words=_words(id_, asked),
        bulk=asked.bulk,
        door_key=door_key,
        due_at=timezone.now(),
        lane=lane_of(asked.address),
        dsn=_sealed_dsn(id_, asked.dsn) if asked.dsn not in (None, Dsn()) else None,
        tls=asked.tls,
        news=asked.news,
    )


def _words(id_: UUID, asked: Asked) -> bytes:
    """What a mail says; of a relayed one, which says its own words, the mail that it was asked for."""
    if asked.kind == Outbound.Kind.RELAY and asked.message is not None:
        return keys().seal_field(_RELAYED, id_, asked.message.bytes)
    return keys().seal_field("outbound-words", id_, asked.words.encode()) if asked.words else b""


def _bell(asked: Asked) -> str:
    if asked.kind == Outbound.Kind.PASSCODE:
        return SEND_PASSCODES
    return SEND_BULK if asked.bulk else SEND_MAIL


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


def words_of(outbound: Outbound) -> str:
    """What an administrator wrote, or the name of a browser; empty for none."""
    sealed = bytes(outbound.words)
    return keys().open_field("outbound-words", outbound.id, sealed).decode() if sealed else ""


def is_bound(outbound: Outbound) -> bool:
    """Whether a RELAY says which mail it was made for; the version before did not have it say that.

    Raises WrapRefused where it names another: whoever writes the database had it lead that to its own address.
    """
    sealed = bytes(outbound.words)
    if not sealed:
        return False
    if outbound.message is None or keys().open_field(_RELAYED, outbound.id, sealed) != outbound.message.bytes:
        raise WrapRefused
    return True


def only_to(outbound: Outbound, address: str) -> None:
    """Raises WrapRefused where a mail goes to anybody else: its row and those it tells of are bound by nothing else."""
    try:
        if normalise(address_of(outbound)) == normalise(address):
            return
    except BadAddress:
        pass
    raise WrapRefused


def share_of(outbound: Outbound) -> bytes:
    """The share that waits for this mail; b"" when there is none."""
    sealed = bytes(outbound.share)
    return keys().open_share(outbound.door_key, sealed, outbound.id) if sealed else b""


def reader_of(outbound: Outbound) -> Reader | None:
    """The reader a mail is for, with its message and brand; None when there is none any more."""
    # A notice needs no byte of the container, which may be 256 KiB; an answer fetches it when it is opened.
    whole = Reader.objects.select_related("message__brand").defer("message__container")
    return whole.filter(pk=outbound.reader_id).first() if outbound.reader_id else None


def is_for(outbound: Outbound, reader: Reader) -> bool:
    """Whether a mail goes to its reader's own address. Raises BadAddress, WrapRefused."""
    return normalise(readers.address_of(reader)) == normalise(address_of(outbound))


def reader_at(outbound: Outbound) -> Reader | None:
    """The same for a mail that holds something of the message: it goes to the reader's own address or nowhere.

    Raises WrapRefused: each of the two addresses is bound to its row, and nothing else binds the rows to each other.
    """
    reader = reader_of(outbound)
    if reader is not None and not is_for(outbound, reader):
        raise WrapRefused
    return reader
