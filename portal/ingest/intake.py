"""What is checked of every mail on its way in, whichever way it comes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from django.conf import settings
from django.utils import timezone

from portal.delivery.letters import can_be_sent_to
from portal.ingest.errors import (
    NEVER_REFUSED,
    AddressRefused,
    NoRecipients,
    NoSender,
    TooComplex,
    TooLarge,
    TooManyRecipients,
    TriggerRefused,
)
from portal.ingest.received import Trace
from portal.ingest.spool import Envelope, SpoolWriter
from portal.mime.addresses import normalise, parse_list, parse_whole_list
from portal.mime.editing import with_header, without_headers
from portal.mime.errors import BadAddress, LimitExceeded
from portal.mime.fields import raw_fields, read_headers
from portal.mime.limits import Watcher
from portal.rules.errors import BadTrigger
from portal.rules.triggers import HEADER as TRIGGER
from portal.rules.triggers import parse_trigger

HIDDEN = ("Bcc", "Resent-Bcc")
"""Header fields that a mail loses when a program hands it in; a mail server's mail had them removed by its client."""
_RECIPIENT_FIELDS = ("to", "cc", "bcc")
_MAX_ADDRESS_CHARACTERS = 320
Admit = Callable[[bytes, Envelope], None]
"""Whether whoever hands a mail in may do so, by its header block and envelope. Raises NotTaken."""


class Intake:
    """One mail, fed in chunks of any size, checked and sealed into the spool as it comes.

    Nothing is written before the header block is complete and has passed (at most 256 KiB wait for that).
    `addressed` makes the envelope from the header block, or refuses the mail by it. `hide` names header fields that the
    mail loses; `trace` is what is put in front of a mail that came by SMTP.
    """

    def __init__(
        self,
        addressed: Callable[[bytes], Envelope],
        expected_size: int = 0,
        *,
        hide: Collection[str] = (),
        trace: Trace | None = None,
    ) -> None:
        self.size = 0
        self._addressed = addressed
        self._trace = trace
        self._expected_size = expected_size
        self._hide = hide
        self._maximum: int = settings.LETTERLOCK.max_message_bytes
        self._watcher = Watcher()
        self._held: list[bytes] = []
        self._writer: SpoolWriter | None = None
        self.no_end_for: str | None = None
        """The sender of a mail that asks to stay open: then `finish` asks the database whether that is let."""

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes. Raises NotTaken or SpoolUnavailable; call `discard` then."""
        if not chunk:
            return
        self.size += len(chunk)
        if self.size > self._maximum:
            raise TooLarge(self._maximum)
        try:
            self._watcher.feed(chunk)
        except LimitExceeded as exceeded:
            raise TooComplex(exceeded) from None
        if self._writer is not None:
            self._writer.write(chunk)
            return
        self._held.append(chunk)
        if (block := self._watcher.header_block()) is not None:
            self._begin(block)

    def finish(self) -> SpoolWriter:
        """The mail is complete: its writer, now the caller's to end. Raises NotTaken or SpoolUnavailable."""
        try:
            self._watcher.close()
        except LimitExceeded as exceeded:
            raise TooComplex(exceeded) from None
        writer = self._writer or self._begin(self._watcher.header_block() or b"")
        self._check_end()
        self._writer = None
        return writer

    def discard(self) -> None:
        """Leave nothing behind; does nothing after `finish`."""
        self._held = []
        if self._writer is not None:
            self._writer.discard()

    def _check_end(self) -> None:
        if self.no_end_for is not None:
            from portal.ingest import unending  # few mails ask for it, and it loads all that rules are made of

            if unending.is_hopeless(self.no_end_for):
                raise TriggerRefused(NEVER_REFUSED)

    def _begin(self, block: bytes) -> SpoolWriter:
        if self._trace is not None:
            self._trace.check(block)
        envelope = self._addressed(block)
        if envelope.trusted:
            self.no_end_for = envelope.sender if check_trigger(block) else None
        self._writer = SpoolWriter.begin(envelope, self._expected_size)
        held, self._held = b"".join(self._held), []
        if self._hide:
            held = b"".join(without_headers([block], self._hide)) + held[len(block) :]
        if self._trace is not None:
            held = with_header(held, self._trace.header(self._writer.id, timezone.now()))
        self._writer.write(held)
        return self._writer


def check_trigger(block: bytes) -> bool:
    """Refuse a mail whose X-Letterlock-Protect header cannot be obeyed, while its sender still waits for the answer."""
    if TRIGGER.encode("ascii") not in block.lower():
        return False
    today, never = timezone.localdate(), False
    for name, value in read_headers(block):
        if name.lower() == TRIGGER:
            try:
                asked = parse_trigger(value, today)
            except BadTrigger as refused:
                raise TriggerRefused(str(refused)) from None
            never = never or asked.never
    return never


def check_address(address: str) -> str:
    """The address as given, once it is sure that every later step can use it. Raises AddressRefused."""
    if len(address) > _MAX_ADDRESS_CHARACTERS or not can_be_sent_to(address.strip()):
        raise AddressRefused
    try:
        normalise(address)
    except BadAddress:
        raise AddressRefused from None
    return address.strip()


def check_recipients(addresses: Iterable[str]) -> tuple[str, ...]:
    """Each address once, in order. Raises NoRecipients, TooManyRecipients, AddressRefused."""
    unique: dict[str, str] = {}
    for address in addresses:
        unique.setdefault(normalise(check_address(address)), address.strip())
    if not unique:
        raise NoRecipients
    maximum = settings.LETTERLOCK.max_recipients
    if len(unique) > maximum:
        raise TooManyRecipients(maximum)
    return tuple(unique.values())


@dataclass(frozen=True)
class Named:
    """Sender and recipients that a program names itself; what is None is read from the mail's own header."""

    source: str
    sender: str | None = None
    recipients: tuple[str, ...] | None = None

    def __repr__(self) -> str:
        return f"Named({self.source})"

    def envelope(self, block: bytes) -> Envelope:
        """Raises NotTaken."""
        fields = [(name.lower(), value) for name, value in raw_fields(block)]
        sender = self.sender if self.sender is not None else _sender(fields)
        recipients = self.recipients if self.recipients is not None else _recipients(fields)
        return Envelope(
            sender=check_address(sender) if sender else "",
            recipients=check_recipients(recipients),
            source=self.source,
            trusted=True,
        )

    def admitted(self, admit: Admit | None) -> Callable[[bytes], Envelope]:
        """`envelope`, and then whether that may be handed in."""

        def addressed(block: bytes) -> Envelope:
            envelope = self.envelope(block)
            if admit is not None:
                admit(block, envelope)
            return envelope

        return addressed


def _sender(fields: list[tuple[str, str]]) -> str:
    """The Sender, or the first of From (RFC 5322 §3.6.2)."""
    for wanted in ("sender", "from"):
        for name, value in fields:
            if name == wanted and (boxes := parse_list(value)):
                return boxes[0].address
    raise NoSender


def _recipients(fields: list[tuple[str, str]]) -> list[str]:
    lists = [value for name, value in fields if name in _RECIPIENT_FIELDS]
    try:
        return [box.address for value in lists for box in parse_whole_list(value)]
    except BadAddress:
        raise AddressRefused from None
