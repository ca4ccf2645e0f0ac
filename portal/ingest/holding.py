"""What an administrator does with held mail: see it, let it try again, or end it and tell its sender."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from portal.audit.record import COMMAND_LINE, record
from portal.celery import PROCESS, PROCESS_BULK, SEND_BULK, SEND_MAIL, ring
from portal.delivery import naming
from portal.delivery.models import Outbound
from portal.delivery.queue import enqueue
from portal.ingest import spool, states
from portal.ingest.errors import AwaitsApproval, IngestError, NotHeld, Overtaken, ReasonMissing
from portal.ingest.models import Spooled
from portal.keys.errors import KeysError
from portal.vault.errors import VaultError
from portal.vault.models import Message

MOST_REASON_CHARACTERS = 500
_PAGE = 500
S = Spooled.State


def held(reason_like: str = "") -> QuerySet[Spooled]:
    """Held mails, those held longest first; `reason_like` is a part of their reason, in any case of letters."""
    found = Spooled.objects.filter(state=S.HELD).order_by("held_at", "pk")
    return found.filter(last_error__icontains=reason_like) if reason_like else found


def release(row: Spooled) -> None:
    """Let a held mail try again; who has a relayed mail already gets it once.

    Raises NotHeld, and AwaitsApproval for one that a rule holds: trying again is no approval.
    """
    row.refresh_from_db()
    if row.state == S.HELD and row.approval == Spooled.Approval.ASKED:
        raise AwaitsApproval
    relayed = Outbound.objects.filter(kind="relay", message=row.pk)
    with transaction.atomic():
        event = "release"
        if Message.objects.filter(pk=row.pk).exists():
            event = "release-sealed"
        elif relayed.exists():
            event = "release-relaying"
        _move(row, event, attempts=0, unfinished=0, due_at=timezone.now(), held_at=None)
        relayed.filter(state=Outbound.State.FAILED).update(
            state=Outbound.State.DUE, attempts=0, due_at=timezone.now(), leased_until=None
        )
        record("message.released", message=row.pk)
        ring(PROCESS_BULK if row.bulk else PROCESS)
        ring(SEND_BULK if row.bulk else SEND_MAIL)


NAMED = "named"
"""Of the record's `who`: somebody whom the rule names to approve it, and no administrator."""


def asking(message: UUID) -> Spooled | None:
    """The mail that one of the portal's own messages asks to approve; None where it asks nothing."""
    return Spooled.objects.filter(asked_in=message).first()


def approve(row: Spooled, by: str = COMMAND_LINE, who: str = "") -> None:
    """Let a mail go on that a rule holds, by what the rules order besides holding it. Raises NotHeld.

    `by` is the id of whoever did it, for the record, and `who` NAMED where that is no administrator.
    """
    with transaction.atomic():
        row.refresh_from_db()
        if row.approval != Spooled.Approval.ASKED:
            raise NotHeld(row.state)
        _move(row, "release", attempts=0, unfinished=0, due_at=timezone.now(), held_at=None, approval="given")
        said: dict[str, Any] = {"who": who} if who else {}
        record("message.approved", message=row.pk, by=by, **said)
        ring(PROCESS_BULK if row.bulk else PROCESS)


def release_all(reason_like: str = "") -> Iterator[UUID]:
    """The same for all that are held now but those that wait for approval; yields each as it is released."""
    now = timezone.now()
    found = held(reason_like).exclude(approval=Spooled.Approval.ASKED)
    waiting = found.filter(held_at__lte=now) | found.filter(held_at=None)
    while page := list(waiting[:_PAGE]):
        for row in page:
            try:
                release(row)
            except NotHeld:
                continue  # another administrator was quicker
            yield row.pk


def refuse(row: Spooled, reason: str, *, by: str = "", why: str = "", who: str = "") -> bool:
    """End a held mail for good and tell its sender why; whether there is anybody to tell. `by`, `why` and `who` are for
    the record: the id of whoever did it, a reason from a list, and as `approve` has it.

    Nobody is told of a mail with the null sender (a bounce: answering those makes loops, RFC 5321 section 4.5.5), of
    one whose sender is neither ours nor came from our networks (they may be forged), or of one that cannot be opened.

    Raises:
        NotHeld, ReasonMissing: nothing was done.
        KeysError, OSError: the keys or the spool folder are away, so its sender is not known now; nothing was done.
    """
    words = " ".join(reason.split())
    if not 0 < len(words) <= MOST_REASON_CHARACTERS:
        raise ReasonMissing(MOST_REASON_CHARACTERS)
    sender = _sender(row)
    with transaction.atomic():
        _move(row, "refuse")
        unsent = (Outbound.State.DUE, Outbound.State.SENDING)
        Outbound.objects.filter(kind="relay", message=row.pk, state__in=unsent).update(state=Outbound.State.DROPPED)
        said: dict[str, Any] = {"by": by, "reason": why} if by else {}
        said |= {"who": who} if who else {}
        record("message.refused", message=row.pk, told=bool(sender), **said)
        if sender:
            enqueue("refusal", address=sender, message=row.pk, words=words)
    with suppress(OSError):  # a file that is left is swept: its row is in a final state
        spool.remove(row)
    return bool(sender)


def _sender(row: Spooled) -> str:
    try:
        envelope = spool.open_spooled(row).envelope
    except (KeysError, OSError):
        raise
    except (IngestError, VaultError):
        return ""
    return envelope.sender if envelope.trusted or naming.is_inside(envelope.sender) else ""


def _move(row: Spooled, event: str, **changes: object) -> None:
    row.refresh_from_db()
    if row.state != S.HELD:
        raise NotHeld(row.state)
    try:
        states.move(row, event, lease=False, **changes)
    except Overtaken:  # decided by somebody else in this moment
        row.refresh_from_db()
        raise NotHeld(row.state) from None
