"""Readers of a message: found by their link or address, and what may be told before anyone has proved anything."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import cbor2
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from branding.models import Brand
from portal.keys.errors import WrapRefused
from portal.keys.service import keys
from portal.mime.addresses import normalise
from portal.vault.models import Message, Parked, Reader
from portal.vault.rights import Rights

LINK_CHARACTERS = 22
"""22 characters of 5 bits: 110 random bits."""
_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
_READ_AS = str.maketrans({"o": "0", "i": "1", "l": "1", "-": "", " ": ""})


@dataclass(frozen=True)
class Envelope:
    """What R1 and the notice may say. `subject` is empty unless the brand shows subjects."""

    sender_name: str
    sender_address: str
    sent_at: datetime
    message_id: str
    references: tuple[str, ...] = ()
    subject: str = ""
    note: str = ""

    def __repr__(self) -> str:
        return "Envelope(…)"


def new_link() -> str:
    """A fresh link: 110 random bits in lower-case Crockford base32."""
    bits = secrets.randbits(5 * LINK_CHARACTERS)
    return "".join(_CROCKFORD[(bits >> (5 * place)) & 31] for place in range(LINK_CHARACTERS))


def canonical_link(typed: str) -> str | None:
    """A link as typed or pasted, in its one form; None when it cannot be one. `o` reads as 0, `i` and `l` as 1."""
    link = typed.strip().lower().translate(_READ_AS)
    return link if len(link) == LINK_CHARACTERS and set(link) <= set(_CROCKFORD) else None


def by_link(typed: str) -> Reader | None:
    """The reader a link was made for, or who a handle stands for, with message and brand; None when there is none."""
    link = canonical_link(typed)
    # A malformed link costs the same look-up as a well-formed one, so that the answer's time tells nothing.
    lookup = keys().lookup("link", link or "")
    reader = Reader.objects.select_related("message__brand").filter(link_lookup=lookup).first()
    return reader or _by_handle(link or "", lookup)


def _by_handle(handle: str, lookup: bytes) -> Reader | None:
    """The reader whose message.html was posted under a handle, while that lives."""
    living = Parked.objects.select_related("reader__message__brand").filter(expires_at__gt=timezone.now())
    parked = living.filter(handle_lookup=lookup).first()
    if parked is None:
        return None
    reader: Reader = parked.reader
    reader.parked, reader.handle = parked.blob, handle
    return reader


def address_lookup(address: str) -> bytes:
    """The keyed hash an address is found by; BadAddress when it is none."""
    return keys().lookup("address", normalise(address))


def of_person(lookup: bytes, brand: Brand) -> QuerySet[Reader]:
    """An address's messages under one brand, newest first."""
    # Asked for and ordered by expressions that no index has. SQLite keeps no statistics: by the columns alone it walks
    # through all messages of a brand, in their order, to find the few of one person.
    # What they wrote and sent split opens for everyone but them: they have no share of it.
    split = Q(role=Reader.Role.AUTHOR, message__direction=Message.Direction.OUT) & ~Q(message__split="")
    newest, under = (Coalesce(f"message__{name}", f"message__{name}") for name in ("made_at", "brand_id"))
    return (
        Reader.objects.alias(under=under)
        .filter(~split, address_lookup=lookup, under=brand.pk)
        .select_related("message__brand")
        .order_by(newest.desc(), "-message_id")
    )


def seal_link(reader: UUID, link: str) -> bytes:
    return keys().seal_field("link", reader, link.encode())


def link_of(reader: Reader) -> str:
    """The 22 characters of a reader's link, or of the handle they came by."""
    return reader.handle or keys().open_field("link", reader.id, bytes(reader.link)).decode()


def seal_address(reader: UUID, address: str) -> bytes:
    return keys().seal_field("reader", reader, address.encode())


def address_of(reader: Reader) -> str:
    """A reader's address, as it stood on the envelope. WrapRefused where the row is found by that of somebody else."""
    address = keys().open_field("reader", reader.id, bytes(reader.address)).decode()
    # The address is bound to the row by its seal, and what it is found by is bound to nothing but the address: whoever
    # writes the database would else put their own there, and prove that.
    if not hmac.compare_digest(address_lookup(address), bytes(reader.address_lookup)):
        raise WrapRefused
    return address


def seal_envelope(message: UUID, envelope: Envelope) -> bytes:
    document = cbor2.dumps(
        [
            envelope.sender_name,
            envelope.sender_address,
            envelope.sent_at,
            envelope.message_id,
            list(envelope.references),
            envelope.subject,
            envelope.note,
        ]
    )
    return keys().seal_field("envelope", message, document)


def envelope_of(message: Message) -> Envelope:
    """Sender and date of a message, which its notice says and its sign-in page shows."""
    name, address, sent_at, message_id, references, subject, note = cbor2.loads(
        keys().open_field("envelope", message.id, bytes(message.envelope))
    )
    return Envelope(name, address, sent_at, message_id, tuple(references), subject, note)


def rights_of(reader: Reader) -> Rights:
    """What a reader may do: their own rights where those were changed, else the message's. SealBroken for none."""
    return Rights.decode(bytes(reader.message.rights if reader.rights is None else reader.rights))


def is_closed(message: Message, now: datetime) -> bool:
    """Whether it can no longer be read: withdrawn, gone, or past its time."""
    return message.state != Message.State.OPEN or (message.open_until is not None and now >= message.open_until)


def is_closed_to(reader: Reader, now: datetime) -> bool:
    """Whether this reader can no longer read it: closed for all, or withdrawn from them."""
    return reader.withdrawn_at is not None or is_closed(reader.message, now)


def may_still_download(reader: Reader) -> bool:
    """Whether a running download may go on, by what is stored now: its own row may be older than a change."""
    found = Reader.objects.filter(pk=reader.pk).select_related("message").defer("message__container").first()
    return found is not None and not is_closed_to(found, timezone.now()) and rights_of(found).download


def mark_opened(reader: Reader) -> bool:
    """Note the first opening; True when this was it. Call only after a proof and once the page is ready to be sent."""
    if reader.first_opened_at is not None:  # never taken back, so this saves the database a write at every later look
        return False
    reader.first_opened_at = now = timezone.now()
    return bool(Reader.objects.filter(pk=reader.pk, first_opened_at=None).update(first_opened_at=now))
