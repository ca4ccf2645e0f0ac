"""An answer: composed as a mail, sealed to the door key as it is written, sent through the same door as all mail."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.utils import timezone

from branding.models import Brand
from portal.access import budgets
from portal.audit.record import record
from portal.ingest import spool
from portal.mime.addresses import Mailbox, normalise
from portal.mime.building import Attachment, Heads, letter, new_message_id
from portal.mime.names import safe_file_name
from portal.vault import unsent
from portal.vault.models import Reader
from portal.vault.opening import Opened
from portal.vault.readers import address_of, envelope_of
from portal.vault.unsent import Kept, Words
from portal.writing import quoting, recipients
from portal.writing.uploads import SealedUpload

MAX_TEXT_CHARACTERS = 500_000


@dataclass(frozen=True)
class Answer:
    """What a reader wrote and to whom: new files, and those that lay with their draft."""

    to: tuple[Mailbox, ...]
    words: Words
    files: Sequence[SealedUpload | Kept]

    def __repr__(self) -> str:
        return f"Answer({len(self.files)} files)"


class TooManyForwards(Exception):
    """More addresses than this reader may still forward the message to; nothing was sent."""

    def __init__(self, left: int) -> None:
        super().__init__()
        self.left = left


def subject_of(opened: Opened, kind: str) -> str:
    """The subject an answer starts with."""
    subject, mark = opened.toc.subject, "Fwd:" if kind == unsent.FORWARD else "Re:"
    return subject if subject.lower().startswith(mark.lower()) else f"{mark} {subject}".strip()


def send(reader: Reader, opened: Opened, kind: str, answer: Answer, named: Sequence[Mailbox]) -> UUID:
    """Hand an answer to the door; returns its id once it is durable, as for any mail that was answered 250.

    People inside get it into their mailbox, all others a notice of it. Of `named`, whom its form named, the record
    keeps the places of those who get it.

    Raises:
        TooManyForwards: others were forwarded meanwhile, and these are more than are left.
        OSError, DatabaseError, IngestError, KeysError: it was not taken, and nothing of it is kept.
        VaultError: the same, for a file is damaged or cannot be read now.
    """
    author = _author(reader, opened)
    writer = _sealed(reader, author, kind, answer, _mail(reader.message.brand, author, opened, kind, answer))
    if kind == unsent.FORWARD:
        return _forward(reader, writer, answer)
    id_ = writer.commit()
    _record_reply(reader, id_, kind, answer, named)
    return id_


def send_closed(reader: Reader, answer: Answer) -> UUID:
    """The same for an answer to the sender of a closed message: nothing of that goes along. Raises likewise."""
    message, author = reader.message, Mailbox("", address_of(reader))
    envelope = envelope_of(message)
    heads = Heads(
        from_=author,
        to=answer.to,
        subject=answer.words.subject,
        date=timezone.localtime(),
        message_id=new_message_id(message.brand.host),
        in_reply_to=envelope.message_id,
        references=(*envelope.references, envelope.message_id) if envelope.message_id else envelope.references,
    )
    mail = letter(heads, answer.words.text, answer.words.html, attached(answer))
    id_ = _sealed(reader, author, unsent.REPLY, answer, mail).commit()
    _record_reply(reader, id_, unsent.REPLY, answer, answer.to)
    return id_


def _sealed(reader: Reader, author: Mailbox, kind: str, answer: Answer, mail: Iterable[bytes]) -> spool.SpoolWriter:
    envelope = spool.Envelope(
        sender=author.address,
        recipients=tuple(box.address for box in answer.to),
        source="reply",
        trusted=False,
        thread=reader.message_id,
        author=reader.id,
        forwards=kind == unsent.FORWARD,
    )
    return spooled(envelope, answer, mail)


def spooled(envelope: spool.Envelope, answer: Answer, mail: Iterable[bytes]) -> spool.SpoolWriter:
    """The mail sealed to the door key, not yet durable: the caller commits or discards it. Raises as `send` does."""
    expected = len(answer.words.text) + len(answer.words.html) + sum(f.size or 0 for f in answer.files)
    writer = spool.SpoolWriter.begin(envelope, expected)
    try:
        for chunk in mail:
            writer.write(chunk)
    except BaseException:
        writer.discard()
        raise
    return writer


def attached(answer: Answer) -> list[Attachment]:
    """Its files as they go along."""
    return [
        Attachment(
            safe_file_name(f.name or "", f.content_type or ""), f.content_type or "application/octet-stream", f.chunks()
        )
        for f in answer.files
    ]


def _forward(reader: Reader, writer: spool.SpoolWriter, answer: Answer) -> UUID:
    """Durable and counted, or neither: of several that one reader sends at once each sees what the others took."""
    message, people, files = reader.message_id, len(answer.to), len(answer.files)
    try:
        with budgets.one_at_a_time(reader.id.bytes):
            if people > (left := recipients.may_forward(reader)):
                raise TooManyForwards(left)
            id_ = writer.commit()
            record("message.forwarded", message=message, reader=reader.id, answer=str(id_), files=files, people=people)
    except BaseException:
        writer.discard()
        raise
    return id_


def _record_reply(reader: Reader, id_: UUID, kind: str, answer: Answer, named: Sequence[Mailbox]) -> None:
    message, files = reader.message_id, len(answer.files)
    to = ",".join(str(named.index(box)) for box in answer.to)
    record("message.replied", message=message, reader=reader.id, answer=str(id_), form=kind, files=files, to=to)


def _mail(brand: Brand, author: Mailbox, opened: Opened, kind: str, answer: Answer) -> Iterator[bytes]:
    """The mail in chunks, in constant memory but for its text."""
    toc = opened.toc
    heads = Heads(
        from_=author,
        to=answer.to,
        subject=answer.words.subject,
        date=timezone.localtime(),
        message_id=new_message_id(brand.host),
        in_reply_to=toc.message_id,
        references=(*toc.references, toc.message_id) if toc.message_id else toc.references,
    )
    added = attached(answer)
    words = answer.words
    if kind == unsent.FORWARD:
        text, html = quoting.below_forward(words, opened)
        return letter(heads, text, html, [*quoting.files(opened), *added])
    text, html = quoting.below_answer(words, opened) if words.original else (words.text, words.html)
    return letter(heads, text, html, added)


def _author(reader: Reader, opened: Opened) -> Mailbox:
    """The reader's own address, with the name the sender gave it, if any."""
    address = address_of(reader)
    named = (box.name for box in (*opened.toc.to, *opened.toc.cc) if _same(box.address, address))
    return Mailbox(next(named, ""), address)


def _same(one: str, other: str) -> bool:
    return one.lower() == other.lower() or normalise(one) == normalise(other)
