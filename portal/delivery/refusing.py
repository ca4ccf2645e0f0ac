"""Mail that addresses do not take: counted by address and reason, tried again, and addresses that get no more.

A bounce is one row an address and reason, written when it happens: no list has to count through all mail.
"""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from portal.audit.record import record
from portal.celery import SEND_MAIL, ring
from portal.delivery.models import Bounce, Outbound, Suppressed
from portal.delivery.queue import address_of
from portal.keys.errors import KeysError
from portal.keys.service import keys
from portal.mime.errors import BadAddress
from portal.vault.models import Message
from portal.vault.readers import address_lookup

log = logging.getLogger(__name__)

SUPPRESSED = "suppressed here"
"""What stands in place of a server's answer for mail that is not sent at all."""
KEPT = timedelta(days=90)
K, S, N = Outbound.Kind, Outbound.State, Outbound.News
Sort = Bounce.Sort
HELD_BACK = frozenset({K.NOTICE, K.REMINDER, K.REOPENED, K.WITHDRAWN, K.NOTE})
"""What an address that is suppressed does not get: what nobody asked for in this moment, and nobody is warned by."""
AGAIN = (K.NOTICE, K.REPLY)
_COUNTED = frozenset({*HELD_BACK, K.REPLY, K.RELAY, K.PASSCODE, K.PASSKEY, K.KEPT})
_ENHANCED = re.compile(r"(?:\d{3} )?([245]\.\d{1,3}\.\d{1,3})")
_TRUST = re.compile(r"4\.7\.\d+|5\.7\.(?:2[0-7])")
"""Codes that speak of who sends (RFC 7372, RFC 7505), and all that put off for reasons of policy."""


def status_of(answer: str) -> str:
    """The enhanced code in an answer, else its plain code, else "none"."""
    found = _ENHANCED.search(answer)
    if found:
        return found[1]
    return answer[:3] if answer[:3].isdecimal() else "none"


def sort_of(status: str) -> Bounce.Sort:
    """What kind of trouble a status speaks of (RFC 3463 section 3)."""
    if _TRUST.fullmatch(status):
        return Sort.REPUTATION
    if status.startswith("4") or status in ("5.2.2", "none"):
        return Sort.SOFT
    return Sort.BLOCKED if status.startswith("5.7.") else Sort.HARD


def note(row: Outbound, answer: str) -> None:
    """Count one refusal or delay of a mail. A count that fails stops no mail."""
    status = status_of(answer)
    if row.kind not in _COUNTED or answer == SUPPRESSED or (status == "none" and row.state != S.FAILED):
        return
    try:
        with transaction.atomic():
            _count(row, status)
    except (KeysError, BadAddress) as error:
        log.warning("a refusal was not counted: %s", type(error).__name__)


def _count(row: Outbound, status: str) -> None:
    address, now = address_of(row), timezone.now()
    today = now.astimezone(UTC).date()
    id_, lookup = uuid4(), address_lookup(address)
    first = {
        "id": id_,
        "address": keys().seal_field("bounce-address", id_, address.encode()),
        "lane": row.lane,
        "sort": sort_of(status),
        "first_at": now,
        "last_at": now,
        "day": today,
        "mail": row.id,
    }
    found, _ = Bounce.objects.get_or_create(address_lookup=lookup, status=status, defaults=first)
    rows = Bounce.objects.filter(pk=found.pk)
    rows.exclude(day=today).update(day=today, on_day=0)
    rows.update(count=F("count") + 1, on_day=F("on_day") + 1, last_at=now, mail=row.id)


def bounced_address(bounce: Bounce) -> str:
    """The whole address."""
    return keys().open_field("bounce-address", bounce.id, bytes(bounce.address)).decode()


def is_suppressed(address: str) -> bool:
    """Whether mail to an address is held back; an address that is none never is."""
    try:
        return Suppressed.objects.filter(address_lookup=address_lookup(address)).exists()
    except BadAddress:
        return False


def is_held_back(row: Outbound) -> bool:
    """Whether this mail is not to leave: its address is suppressed, and nobody waits for it."""
    return row.kind in HELD_BACK and is_suppressed(address_of(row))


def suppress(lookup: bytes, by: UUID, reason: str) -> bool:
    """No more mail to that address; False when that was so."""
    with transaction.atomic():
        _, made = Suppressed.objects.get_or_create(
            address_lookup=lookup, defaults={"made_at": timezone.now(), "by": by, "reason": reason}
        )
        if made:
            record("address.suppressed", person=str(by), reason=reason)
    return made


def lift(lookup: bytes, by: UUID, reason: str) -> bool:
    """Mail to that address again; False when it was not suppressed."""
    with transaction.atomic():
        gone = Suppressed.objects.filter(address_lookup=lookup).delete()[0]
        if gone:
            record("address.lifted", person=str(by), reason=reason)
    return bool(gone)


def may_try_again(row: Outbound | None) -> bool:
    """Whether a mail that did not arrive can be sent once more as it was: the code of a split message is gone from
    here once its notice has left or failed."""
    if row is None or row.kind not in AGAIN or row.message is None:
        return False
    if row.state != S.FAILED and not (row.state == S.SENT and row.news == N.FAILED):
        return False
    return Message.objects.filter(pk=row.message, split="", state=Message.State.OPEN).exists()


def try_again(id_: UUID, by: UUID) -> bool:
    """Put a mail back into the queue; False when it cannot be, or was already."""
    row = Outbound.objects.filter(pk=id_).first()
    if row is None or not may_try_again(row):
        return False
    with transaction.atomic():
        came_back = Q(state=S.FAILED) | Q(state=S.SENT, news=N.FAILED)
        due = Outbound.objects.filter(came_back, pk=id_).update(
            state=S.DUE, due_at=timezone.now(), attempts=0, news="", heard="", sent_at=None, told_failure_at=None
        )
        if due:
            record("wrapper.requeued", message=row.message, reader=row.reader_id, person=str(by))
            ring(SEND_MAIL)
    return bool(due)


def forget_old(now: datetime) -> int:
    """Remove what did not happen again for 90 days; of addresses that are suppressed it stays."""
    held = Suppressed.objects.values("address_lookup")
    return Bounce.objects.filter(last_at__lt=now - KEPT).exclude(address_lookup__in=held).delete()[0]
