"""Sealing a message: one fresh key, named streams, a wrap for each reader, all committed together."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID, uuid4

import cbor2
from django.conf import settings
from django.utils import timezone

from branding.models import Brand
from portal.audit.record import Event, record_each
from portal.ids import new_id
from portal.inserting import insert
from portal.keys.errors import RecoveryKeyBad
from portal.keys.recovery import RecoveryPublic
from portal.keys.service import keys
from portal.keys.split import new_share, seal_key
from portal.vault import readers as reader_rows
from portal.vault.agreed import Agreed
from portal.vault.behind import Write
from portal.vault.blobs import store
from portal.vault.errors import TooManyReaders
from portal.vault.models import Blob, Message, Reader
from portal.vault.padding import padded_length
from portal.vault.parcels import fits
from portal.vault.phrases import keep_phrases
from portal.vault.rights import Rights
from portal.vault.searching import add_tokens, is_indexed
from portal.vault.stream import Context, Sealer, chunk_log2_for, seal, sealed_size
from portal.vault.toc import Toc
from portal.vault.wrapping import Fresh, add_first_wraps, base_of, keys_until

INLINE_BYTES = 256 * 1024
"""Sealed streams together up to this size live in the message row: one commit, no further fsync."""
MAX_READERS = 4096
"""A reader's number in the key tree has 12 bits."""
ESCROW = "escrow"
"""Purpose of a share that is sealed to the recovery key, and the policy that asks for it."""


@dataclass(frozen=True)
class Draft:
    """A message to be sealed. `streams` are all but the table of contents, by name."""

    id: UUID
    brand: Brand
    direction: str
    thread: UUID
    open_until: datetime | None
    rights: Rights
    envelope: reader_rows.Envelope
    toc: Toc
    streams: dict[str, bytes]
    readers: Sequence[tuple[str, str]]
    """Address and role of each; one entry an address."""
    receipt: bool = False
    """Whether its sender is told when it is opened."""
    split: str = ""
    """As in portal.vault.models.Message."""
    delivery: str = Message.Delivery.LINK
    """How it is wanted; what is too large for a file is delivered by link all the same."""
    template: str = ""
    """Short name of the rights template it is sealed under, "" for none."""
    phrases: Mapping[str, Agreed] = field(default_factory=dict)
    """Phrases agreed with readers, by the addresses in `readers`."""
    rule: str = ""
    """Name of the rule that asked for protection."""
    method: str = ""
    """Why it is protected: `user` when its sender asked for it, `rule`, `default`; "" when nobody had to ask."""

    def __repr__(self) -> str:
        return f"Draft({self.id})"


@dataclass(frozen=True)
class Sealed:
    """The sealed streams of one message: small ones here, large ones as written blobs."""

    key: bytes
    container: dict[str, bytes]
    blobs: tuple[tuple[UUID, str, int], ...]
    inner: tuple[bytes, ...] = ()
    """Of a split message: what each reader's wraps hold in place of the message key, by their number."""
    shares: tuple[bytes, ...] = ()
    """Of a split message: each reader's, by their number."""

    def __repr__(self) -> str:
        return "Sealed(…)"

    @property
    def size(self) -> int:
        return sum(size for _, size in self.streams)

    @property
    def streams(self) -> list[tuple[str, int]]:
        """Name and sealed size of each."""
        small = [(name, len(sealed)) for name, sealed in self.container.items()]
        return small + [(name, size) for _, name, size in self.blobs]

    def share_of(self, reader: Reader) -> bytes:
        """A reader's share; b"" when the message is not split."""
        return self.shares[reader.number] if self.shares else b""


def seal_streams(draft: Draft) -> Sealed:
    """Seal all streams under a fresh key, outside any transaction; what is too large for the row is a durable blob."""
    key = os.urandom(32)
    streams = {"toc": draft.toc.encode(), **draft.streams}
    container: dict[str, bytes] = {}
    blobs: list[tuple[UUID, str, int]] = []
    room = INLINE_BYTES
    # The table first, then small before large: a page opens from the row alone, only downloads meet the blob store.
    for name in sorted(streams, key=lambda name: (name != "toc", len(streams[name]))):
        plaintext, context = streams[name], Context(draft.id, name)
        padded = padded_length(len(plaintext))
        size = sealed_size(padded, chunk_log2_for(padded))
        if size <= room:
            container[name] = seal(key, context, plaintext)
            room -= size
        else:
            blob = uuid4()
            blobs.append((blob, name, store().put(blob, _filler(key, context, plaintext))))
    if not draft.split:
        return Sealed(key, container, tuple(blobs))
    # One for each reader: were it one for all, a withdrawn reader's share would open an old copy of their row with the
    # wrap of any reader who is left.
    inner = tuple(os.urandom(32) for _ in draft.readers)
    return Sealed(key, container, tuple(blobs), inner, tuple(new_share() for _ in draft.readers))


def _filler(key: bytes, context: Context, plaintext: bytes) -> Callable[[Write], object]:
    sealer = Sealer(key, context, chunk_log2_for(padded_length(len(plaintext))))
    return lambda write: sealer.seal_all([plaintext], write)


def commit(draft: Draft, sealed: Sealed) -> Message:
    """Write the message, its readers and their wraps, in the caller's transaction.

    Raises:
        TooManyReaders: more than the key tree numbers.
        ProviderUnavailable and other key errors: nothing is written; try again later.
    """
    return commit_all([(draft, sealed)])[0][0]


def commit_all(drafts: Sequence[tuple[Draft, Sealed]]) -> list[tuple[Message, list[Reader]]]:
    """The same for several with one statement a table; each message comes with its readers, in the draft's order."""
    if any(len(draft.readers) > MAX_READERS for draft, _ in drafts):
        raise TooManyReaders
    now = timezone.now()
    messages = [_message(draft, sealed, now) for draft, sealed in drafts]
    made = []
    for message, (draft, sealed) in zip(messages, drafts, strict=True):
        readers = [_reader(message, number, address, role) for number, (address, role) in enumerate(draft.readers)]
        for reader in readers:
            reader.indexed = is_indexed(message, reader, len(readers))
        if draft.split:
            _split(message, readers, sealed)
        made.append((message, readers))
    insert(messages)
    insert(
        Blob(id=id_, message=message, name=name, size=size)
        for message, (_, sealed) in zip(messages, drafts, strict=True)
        for id_, name, size in sealed.blobs
    )
    insert(reader for _, readers in made for reader in readers)
    keep_phrases(
        (reader, agreed)
        for (_, readers), (draft, _) in zip(made, drafts, strict=True)
        for reader, (address, _) in zip(readers, draft.readers, strict=True)
        if (agreed := draft.phrases.get(address)) is not None
    )
    add_tokens(
        (message, reader, draft.envelope, draft.toc.subject)
        for (message, readers), (draft, _) in zip(made, drafts, strict=True)
        for reader in readers
    )
    add_first_wraps(
        [
            Fresh(
                message,
                readers,
                sealed.inner or [sealed.key] * len(readers),
                base_of(message.keys_until or draft.open_until),
            )
            for (message, readers), (draft, sealed) in zip(made, drafts, strict=True)
        ]
    )
    record_each(
        Event(
            "message.sealed",
            message.id,
            facts={
                "readers": len(readers),
                "recipients": sum(reader.role == Reader.Role.RECIPIENT for reader in readers),
                "size": message.padded_size,
                "epoch": base_of(message.open_until),
                "brand": draft.brand.slug,
                **{name: word for name, word in _why(draft, message) if word},
            },
        )
        for (message, readers), (draft, _) in zip(made, drafts, strict=True)
    )
    return made


def _why(draft: Draft, message: Message) -> tuple[tuple[str, str], ...]:
    written_here = message.direction == Message.Direction.IN
    return ("template", draft.template), ("method", draft.method), ("direction", "in" if written_here else "")


def _message(draft: Draft, sealed: Sealed, now: datetime) -> Message:
    return Message(
        id=draft.id,
        brand=draft.brand,
        rule=draft.rule[:100],
        direction=draft.direction,
        thread=draft.thread,
        made_at=now,
        open_until=draft.open_until,
        keys_until=keys_until(draft.brand, draft.open_until),
        split=draft.split,
        receipt=draft.receipt,
        delivery=draft.delivery if fits(sealed.streams) else Message.Delivery.LINK,
        rights=draft.rights.encode(),
        template=draft.template,
        envelope=reader_rows.seal_envelope(draft.id, draft.envelope),
        mail_id_lookup=mail_id_lookup(draft.toc.message_id),
        padded_size=sealed.size,
        container=cbor2.dumps(sealed.container),
    )


def _split(message: Message, made: Sequence[Reader], sealed: Sealed) -> None:
    """Give each reader the message key under inner key and share; neither share nor message key is stored."""
    recovery = _recovery() if message.split == ESCROW else None
    for reader in made:
        share = sealed.share_of(reader)
        reader.split_key = seal_key(sealed.inner[reader.number], share, sealed.key, message.id, reader.id)
        if recovery:
            reader.escrow = recovery.seal(ESCROW, share, message.id.bytes, reader.id.bytes)


def _recovery() -> RecoveryPublic:
    path = settings.LETTERLOCK.recovery_key
    if path is None:
        raise RecoveryKeyBad("LETTERLOCK_RECOVERY_KEY is not set, and escrow needs it: name the public half there.")
    return RecoveryPublic.load(path)


def mail_id_lookup(message_id: str) -> bytes:
    """The keyed hash a mail's Message-ID is found by; empty for none."""
    return keys().lookup("mail-id", message_id.strip()) if message_id.strip() else b""


def _reader(message: Message, number: int, address: str, role: str) -> Reader:
    id_, link = new_id(), reader_rows.new_link()
    return Reader(
        id=id_,
        message=message,
        number=number,
        role=role,
        address=reader_rows.seal_address(id_, address),
        address_lookup=reader_rows.address_lookup(address),
        link=reader_rows.seal_link(id_, link),
        link_lookup=keys().lookup("link", link),
    )


def last_moment(day: datetime, open_days: int) -> datetime:
    """End of the last day a message is open, `open_days` days after `day`, in the installation's time zone."""
    return end_of_day(timezone.localtime(day).date() + timedelta(days=open_days))


def end_of_day(day: date) -> datetime:
    """The last second of a day in the installation's time zone; OverflowError near the end of year 9999."""
    # Where clocks go back at midnight that second comes twice: the day ends with the later one.
    return datetime.combine(day, time(23, 59, 59, fold=1), timezone.get_default_timezone()).astimezone(UTC)
