"""An answer: composed as a mail, sealed to the door key as it is written, sent through the same door as all mail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.utils import timezone

from branding.models import Brand
from portal.audit.record import record
from portal.ingest import spool
from portal.mime.addresses import Mailbox, normalise
from portal.mime.building import Attachment, Heads, new_message_id, stream_mixed
from portal.mime.names import safe_file_name
from portal.vault.models import Reader
from portal.vault.opening import Opened
from portal.vault.readers import address_of
from portal.vault.unsent import Kept
from portal.writing.uploads import SealedUpload

MAX_TEXT_CHARACTERS = 500_000


@dataclass(frozen=True)
class Answer:
    """What a reader wrote and to whom: new files, and those that lay with their draft."""

    to: tuple[Mailbox, ...]
    subject: str
    text: str
    files: Sequence[SealedUpload | Kept]

    def __repr__(self) -> str:
        return f"Answer({len(self.files)} files)"


def subject_of(opened: Opened) -> str:
    """The subject an answer starts with."""
    subject = opened.toc.subject
    return subject if subject.lower().startswith("re:") else f"Re: {subject}".strip()


def send(reader: Reader, opened: Opened, kind: str, answer: Answer, named: Sequence[Mailbox]) -> UUID:
    """Hand an answer to the door; returns its id once it is durable, as for any mail that was answered 250.

    People inside get it into their mailbox, all others a notice of it. Of `named`, whom its form named, the record
    keeps the places of those who get it.

    Raises:
        OSError, DatabaseError, IngestError, KeysError: it was not taken, and nothing of it is kept.
        VaultError: the same, for a file of the draft is damaged or cannot be read now.
    """
    brand: Brand = reader.message.brand
    author = _author(reader, opened)
    envelope = spool.Envelope(
        sender=author.address,
        recipients=tuple(box.address for box in answer.to),
        source="reply",
        trusted=False,
        thread=reader.message_id,
        author=reader.id,
    )
    heads = Heads(
        from_=author,
        to=answer.to,
        subject=answer.subject,
        date=timezone.localtime(),
        message_id=new_message_id(brand.host),
        in_reply_to=opened.toc.message_id,
        references=(*opened.toc.references, opened.toc.message_id) if opened.toc.message_id else opened.toc.references,
    )
    files = [
        Attachment(
            safe_file_name(f.name or "", f.content_type or ""), f.content_type or "application/octet-stream", f.chunks()
        )
        for f in answer.files
    ]
    expected = len(answer.text) + sum(f.size or 0 for f in answer.files)
    writer = spool.SpoolWriter.begin(envelope, expected)
    try:
        for chunk in stream_mixed(heads, answer.text, files):
            writer.write(chunk)
        id_ = writer.commit()
    except BaseException:
        writer.discard()
        raise
    to = ",".join(str(named.index(box)) for box in answer.to)
    record(
        "message.replied",
        message=reader.message_id,
        reader=reader.id,
        answer=str(id_),
        form=kind,
        files=len(files),
        to=to,
    )
    return id_


def _author(reader: Reader, opened: Opened) -> Mailbox:
    """The reader's own address, with the name the sender gave it, if any."""
    address = address_of(reader)
    named = (box.name for box in (*opened.toc.to, *opened.toc.cc) if _same(box.address, address))
    return Mailbox(next(named, ""), address)


def _same(one: str, other: str) -> bool:
    return one.lower() == other.lower() or normalise(one) == normalise(other)
