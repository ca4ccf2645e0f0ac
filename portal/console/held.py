"""What the office says of held mails: which rule holds each, since when, and who sent it, behind a mask."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _

from portal.audit.models import Entry
from portal.ingest import spool
from portal.ingest.errors import IngestError
from portal.ingest.models import Spooled
from portal.keys.errors import KeysError
from portal.mime.addresses import mask
from portal.vault.errors import VaultError

SECONDS = 2.0
"""So long a page opens the envelopes of mails, which lie in their spool files; a bucket may be slow."""


@dataclass(frozen=True)
class Held:
    """One held mail. `rule` is the name of the rule that asks for approval, "" where none does; `why` is then the
    reason in a sentence of ours."""

    id: UUID
    since: datetime
    sender: str
    recipients: int
    rule: str
    why: str
    approval: bool


def described(rows: Sequence[Spooled]) -> list[Held]:
    """The held mails of these rows, in their order."""
    rules, until = _rules([row.pk for row in rows if _asks(row)]), time.monotonic() + SECONDS
    return [
        Held(
            row.pk,
            row.held_at or row.received_at,
            _sender(row) if time.monotonic() < until else _("(not looked up: that takes too long just now)"),
            row.recipients,
            rules.get(row.pk, "") if _asks(row) else "",
            row.last_error,
            _asks(row),
        )
        for row in rows
    ]


def one(id_: UUID) -> Held | None:
    """One mail, while it is held."""
    row = Spooled.objects.filter(pk=id_, state=Spooled.State.HELD).first()
    return described([row])[0] if row else None


def _asks(row: Spooled) -> bool:
    return row.approval == Spooled.Approval.ASKED


def _rules(ids: Sequence[UUID]) -> Mapping[UUID, str]:
    """The rule by which each was decided on last, as the record has it."""
    entries = Entry.objects.filter(message__in=ids, kind="message.accepted").order_by("id")
    return {entry.message: str(entry.facts.get("rule", "")) for entry in entries if entry.message is not None}


def _sender(row: Spooled) -> str:
    try:
        sender = spool.open_spooled(row).envelope.sender
    except (KeysError, OSError):
        return _("(hidden: the keys or the spool are away)")
    except (IngestError, VaultError):
        return _("(its file cannot be opened)")
    return mask(sender) if sender else _("nobody: it is a bounce")
