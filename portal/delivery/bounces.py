"""Mail that comes back: news of a delivery is noted, and what a person or their machine answers goes to the sender."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from portal.audit.record import record
from portal.delivery import heard, large, naming, telling, verp
from portal.delivery.models import Outbound
from portal.delivery.queue import address_of, reader_of
from portal.mime.addresses import normalise, parse_list
from portal.mime.errors import BadAddress
from portal.mime.fields import header_end, raw_fields
from portal.vault.readers import envelope_of

log = logging.getLogger(__name__)

K, N = Outbound.Kind, Outbound.News


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
    ours = [address for address in recipients if verp.is_one(address)]
    if not ours:
        return None
    pass_on: list[str] = []
    outside: list[str] = []
    answers: UUID | None = None
    said = heard.read(raw, envelope_sender)
    for address in ours:
        id_ = verp.mail_of(address, datetime.now(UTC).date())
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
