"""The portal's log: who asked for access to which message and what they did there, read off the record.

The names of the operations are those of the log that Microsoft 365 keeps of its own portal (record type OMEPortal), so
that what reads that one reads this; the last two are ours. No entry holds a subject, a file's name or a whole address.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from portal.audit import finding
from portal.audit.models import Entry
from portal.vault.masking import masked
from portal.vault.models import Message, Reader
from portal.vault.readers import address_of, envelope_of

PAGE = 100
CHUNK = 500
OPERATIONS: Mapping[str, Mapping[str, bool]] = {
    "AuthenticateRequest": {
        "recipient.passcode_asked": True,
        "recipient.passcode_failed": False,
        "recipient.code_refused": False,
        "recipient.confirmed": True,
        "recipient.sign_in_refused": False,
        "recipient.factor_proved": True,
        "recipient.factor_failed": False,
        "recipient.passkey_refused": False,
        "recipient.throttled": False,
    },
    "MessageAccess": {"message.opened": True, "message.damaged": False},
    "AttachmentReview": {"file.previewed": True},
    "AttachmentDownload": {"file.downloaded": True},
    "MessageForward": {"message.replied": True, "message.forwarded": True},
    "MoreTimeRequest": {"message.time_asked": True},
    "SignOut": {"recipient.signed_out": True},
}
"""Operation to the kinds of entries that it is, and whether they are a success."""
_OF_KIND = {kind: (operation, well) for operation, kinds in OPERATIONS.items() for kind, well in kinds.items()}
_METHODS = {"recipient.passcode_asked": "passcode", "recipient.passcode_failed": "passcode"}
COLUMNS = (
    "time", "id", "operation", "event", "result", "message", "recipient_id", "recipient", "sender",
    "authentication_method", "provider", "attachment", "device",
)  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One line of the log; addresses are masked, and "" where they are not known any more."""

    time: datetime
    id: int
    operation: str
    event: str
    result: str
    """Success or Failure."""
    message: UUID | None
    recipient_id: UUID | None
    recipient: str
    sender: str
    authentication_method: str
    provider: str
    attachment: int | None
    """The file's number in the message."""
    device: str

    def cells(self) -> tuple[object, ...]:
        """In the order of COLUMNS."""
        return tuple(getattr(self, name) for name in COLUMNS)


@dataclass(frozen=True)
class Asked:
    """From one moment to before another; of one operation, or "" for all."""

    since: datetime
    until: datetime
    operation: str = ""


@dataclass(frozen=True)
class Page:
    """`older` is the id that the next page begins below, None on the last one."""

    lines: list[Line]
    older: int | None


def page(asked: Asked, before: int | None = None) -> Page:
    """One page, newest first."""
    rows = _rows(asked, before, PAGE + 1)
    return Page(_lines(rows[:PAGE]), rows[PAGE - 1].pk if len(rows) > PAGE else None)


def every(asked: Asked, most: int) -> Iterator[Line]:
    """Up to `most` lines, newest first, a few hundred at a time."""
    before: int | None = None
    while most > 0:
        rows = _rows(asked, before, min(CHUNK, most))
        yield from _lines(rows)
        most -= len(rows)
        if len(rows) < CHUNK:
            return
        before = rows[-1].pk


def _rows(asked: Asked, before: int | None, number: int) -> list[Entry]:
    kinds = OPERATIONS.get(asked.operation) or _OF_KIND
    found = finding.of_kinds(kinds, finding.Asked(since=asked.since, until=asked.until, before=before))
    return list(found.order_by("-id")[:number])


def _lines(rows: Sequence[Entry]) -> list[Line]:
    readers = Reader.objects.only("id", "address").in_bulk([row.reader for row in rows if row.reader])
    messages = Message.objects.only("id", "envelope").in_bulk([row.message for row in rows if row.message])
    senders = {pk: masked(_sender, message) for pk, message in messages.items()}
    recipients = {pk: masked(address_of, reader) for pk, reader in readers.items()}
    return [_line(row, recipients, senders) for row in rows]


def _line(row: Entry, recipients: Mapping[UUID, str], senders: Mapping[UUID, str]) -> Line:
    operation, well = _OF_KIND[row.kind]
    facts = row.facts
    file = facts.get("file")
    return Line(
        row.at,
        row.pk,
        operation,
        row.kind,
        "Success" if well else "Failure",
        row.message,
        row.reader,
        recipients.get(row.reader, "") if row.reader else "",
        senders.get(row.message, "") if row.message else "",
        str(facts.get("method") or facts.get("factor") or _METHODS.get(row.kind, "")),
        str(facts.get("provider", "")),
        file if isinstance(file, int) else None,
        str(facts.get("device", "")),
    )


def _sender(message: Message) -> str:
    return envelope_of(message).sender_address
