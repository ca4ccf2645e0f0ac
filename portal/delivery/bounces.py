"""Mail that comes back: an envelope sender of its own for each mail, by which a bounce is matched to it.

Address  bounce+<55 letters>@domain; the letters are base32 of: Outbound id, 16 bytes | day u16 | keyed hash, first 16.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from django.conf import settings

from branding import addresses
from branding.models import Brand
from portal.audit.record import record
from portal.delivery import heard, large, naming, telling
from portal.delivery.models import Outbound
from portal.delivery.queue import address_of, reader_of
from portal.keys.service import keys
from portal.mime.addresses import normalise, parse_list
from portal.mime.errors import BadAddress
from portal.mime.fields import header_end, raw_fields
from portal.vault.readers import envelope_of

log = logging.getLogger(__name__)

PREFIX = "bounce+"
GOOD_FOR = timedelta(days=30)
"""A server gives up after five days; a holiday reply may come later."""
_TAG_BYTES = 16
_EPOCH = date(2020, 1, 1)
_LETTERS = 55
K, N = Outbound.Kind, Outbound.News


def address_for(outbound: Outbound, brand: Brand) -> str:
    """The envelope sender of one mail."""
    signed = outbound.id.bytes + (outbound.made_at.astimezone(UTC).date() - _EPOCH).days.to_bytes(2, "big")
    token = base64.b32encode(signed + _tag(signed)).decode().rstrip("=").lower()
    return f"{PREFIX}{token}@{addresses.bounce_domain(brand)}"


def domain_of_form(address: str) -> str:
    """The domain, in lower case, of an address whose local part has the form of ours; "" when it has another."""
    local, _, domain = address.lower().rpartition("@")
    if not local.startswith(PREFIX) or len(local) != len(PREFIX) + _LETTERS:
        return ""
    return domain.removesuffix(".")


def is_one(address: str) -> bool:
    """Whether an address has the form of ours, true or forged, and a domain of ours: other installations, and senders
    of mass mail, have bounce addresses too, and what our people answer to those has to reach them."""
    domain = domain_of_form(address)
    if not domain:
        return False
    if domain in (settings.LETTERLOCK.bounce_domain, settings.LETTERLOCK.public_host):
        return True
    # The last is for mail that left while another domain was set.
    return domain in addresses.bounce_domains() or mail_of(address, datetime.now(UTC).date()) is not None


def mail_of(address: str, today: date) -> UUID | None:
    """The mail an address was made for; None when it was not made here, or too long ago."""
    try:
        letters = normalise(address).rpartition("@")[0].removeprefix(PREFIX).upper()
        raw = base64.b32decode(letters + "=" * (-len(letters) % 8))
    except (BadAddress, binascii.Error, ValueError):
        return None
    signed, tag = raw[:18], raw[18:]
    if len(raw) != 18 + _TAG_BYTES or not hmac.compare_digest(tag, _tag(signed)):
        return None
    made = _EPOCH + timedelta(days=int.from_bytes(signed[16:], "big"))
    return UUID(bytes=signed[:16]) if made <= today + timedelta(days=1) and today - made <= GOOD_FOR else None


def _tag(signed: bytes) -> bytes:
    return keys().lookup("bounce", signed.hex())[:_TAG_BYTES]


@dataclass(frozen=True)
class Returned:
    """What is left to do of a mail that came back."""

    others: tuple[str, ...] = field(repr=False)
    """Recipients that are no bounce addresses, and guests whom our people answer: it goes on to them as any other."""
    pass_on: tuple[str, ...] = field(repr=False)
    """Other senders whom the mail is for, a holiday reply say: passed on as it came, with no envelope sender."""
    answers: UUID | None = None
    """The message of such a guest: what leaves here in answer to it is protected too."""


def take(recipients: Sequence[str], envelope_sender: str, raw: bytes) -> Returned | None:
    """Take in what came to bounce addresses, in the caller's transaction; None when none is among the recipients.

    Safe to do twice with the same mail. Key errors mean that nothing was taken in.
    """
    ours = [address for address in recipients if is_one(address)]
    if not ours:
        return None
    pass_on: list[str] = []
    outside: list[str] = []
    answers: UUID | None = None
    said = heard.read(raw, envelope_sender)
    for address in ours:
        id_ = mail_of(address, datetime.now(UTC).date())
        row = Outbound.objects.filter(pk=id_).first() if id_ else None
        if row is None:
            log.info("mail came to a bounce address that is not one of ours, or no more; it is dropped")
        elif said.news == N.FAILED and large.came_back(row, said.status):
            continue
        elif said.news:
            telling.note_heard(row, said.news, said.status)
        elif (sender := _sender_of(row)) and row.kind in (K.NOTICE, K.REPLY):
            record("wrapper.answered", message=row.message, reader=row.reader_id, mail=row.kind)
            between_guests = not naming.is_inside(address_of(row)) and _is_by_a_stranger(raw, envelope_sender)
            if naming.is_inside(sender) or between_guests:
                pass_on.append(sender)
            else:
                # Our reader's holiday reply to a guest names what it answers, and may quote it. Between two guests it
                # goes on as it is: as messages, two holiday replies would answer each other for ever. That is no way
                # for our own people, whom a stranger may have told the address.
                outside.append(sender)
                answers = row.message
    others = [address for address in recipients if address not in ours]
    return Returned(tuple(dict.fromkeys(others + outside)), tuple(dict.fromkeys(pass_on)), answers)


def _is_by_a_stranger(raw: bytes, envelope_sender: str) -> bool:
    """Whether a mail is from outside, by its envelope and by all that it says of its authors."""
    block = raw[: header_end(raw)[0]]
    written = [value for name, value in raw_fields(block) if name.lower() in ("from", "sender")]
    authors = [box.address for value in written for box in parse_list(value)]
    return bool(authors) and not any(map(naming.is_inside, (envelope_sender, *authors)))


def _sender_of(row: Outbound) -> str:
    reader = reader_of(row)
    sender = envelope_of(reader.message).sender_address if reader else ""
    try:
        normalise(sender)
    except BadAddress:
        return ""
    return sender
