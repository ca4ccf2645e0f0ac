"""More time: a reader of a closed message asks for it, its sender or the office opens it again, or does not.

Only while its keys are still kept, by the brand's days of grace. The sender's mail holds a link that works once; to
look at it shows what is asked, and only a choice that was made there opens anything.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from portal.audit.record import record
from portal.delivery.letters import can_be_sent_to
from portal.delivery.models import Outbound
from portal.delivery.queue import enqueue
from portal.keys.service import keys
from portal.lifecycle import changing
from portal.lifecycle.actors import Actor
from portal.lifecycle.asking_errors import AskedEnough, AskedToday, NothingAsked, NotOffered
from portal.lifecycle.models import MoreTime
from portal.lifecycle.rows import locked
from portal.mime.addresses import normalise
from portal.mime.errors import BadAddress
from portal.vault.models import Message, Reader
from portal.vault.readers import envelope_of, is_closed
from portal.vault.sealing import end_of_day

PAUSE = timedelta(days=1)
MOST = 3
"""Requests of one reader for one message."""
CHOICES = (7, 30)
"""Days that the sender is offered; another date is the office's."""
LABEL = "more-time"
S = MoreTime.State


def is_offered(reader: Reader, now: datetime) -> bool:
    """Whether a reader may ask: it closed by its date, is withdrawn from nobody who asks, and its keys still live."""
    message = reader.message
    if reader.role != Reader.Role.RECIPIENT or reader.withdrawn_at or message.direction != Message.Direction.OUT:
        return False
    if message.state != Message.State.OPEN or message.destroying_at is not None or not is_closed(message, now):
        return False
    return message.keys_until is not None and now < message.keys_until and bool(_sender(message))


def asked(reader: Reader) -> MoreTime | None:
    """The newest request of a reader, since it closed."""
    since = reader.message.open_until
    found = MoreTime.objects.filter(reader=reader).order_by("-asked_at")
    return (found.filter(asked_at__gte=since) if since else found).first()


def ask(reader: Reader) -> None:
    """Tell the sender. Raises NotOffered, AskedToday, AskedEnough, and what `locked` does; nothing is kept then."""
    with transaction.atomic():
        reader.message = locked(reader.message_id)
        now = timezone.now()
        if not is_offered(reader, now):
            raise NotOffered
        before = MoreTime.objects.filter(reader=reader)
        if before.count() >= MOST:
            raise AskedEnough
        if before.filter(asked_at__gt=now - PAUSE).exists():
            raise AskedToday
        token = secrets.token_urlsafe(32)
        row = MoreTime.objects.create(reader=reader, asked_at=now, token_lookup=keys().lookup(LABEL, token))
        record("message.time_asked", message=reader.message_id, reader=reader.id)
        enqueue(
            Outbound.Kind.MORE_TIME,
            address=_sender(reader.message),
            message=reader.message_id,
            reader=reader,
            subject_row=row.id,
            words=token,
        )


def by_token(token: str) -> MoreTime | None:
    """The request that a sender's link is about, with its message; None when it was answered, or never was."""
    lookup = keys().lookup(LABEL, token[:64])
    known = MoreTime.objects.select_related("reader__message__brand").defer("reader__message__container")
    return known.filter(token_lookup=lookup, state=S.OPEN).first()


def waiting() -> QuerySet[MoreTime]:
    """Requests that nobody has answered while something can still be done, the oldest first."""
    known = MoreTime.objects.select_related("reader__message__brand").defer("reader__message__container")
    return known.filter(
        state=S.OPEN, reader__message__keys_until__gt=timezone.now(), reader__message__destroying_at=None
    ).order_by("asked_at")


def grant(row: MoreTime, days: int, by: Actor) -> datetime:
    """Open the message again, for all it was sent to, and tell who asked. Raises NothingAsked and as `change_date`."""
    until = end_of_day(timezone.localdate() + timedelta(days=days))
    with transaction.atomic():
        _take(row)
        changing.change_date(row.reader.message_id, until, by=by)
    return until


def decline(row: MoreTime, by: Actor) -> None:
    """It stays closed. Who asked is told by the page alone. Raises NothingAsked."""
    with transaction.atomic():
        _take(row)
        MoreTime.objects.filter(pk=row.pk).update(state=S.DECLINED, token_lookup=None, answered_at=timezone.now())
        record("message.time_declined", message=row.reader.message_id, reader=row.reader_id, **by.facts())


def _take(row: MoreTime) -> None:
    """Locked against a second answer. The message first, as everybody does."""
    locked(row.reader.message_id)
    if not MoreTime.objects.select_for_update().filter(pk=row.pk, state=S.OPEN).exists():
        raise NothingAsked


def _sender(message: Message) -> str:
    address = envelope_of(message).sender_address
    try:
        normalise(address)
    except BadAddress:
        return ""
    return address if can_be_sent_to(address) else ""


def request_of(id_: UUID | None) -> MoreTime | None:
    """A request by its row, with its message and brand."""
    known = MoreTime.objects.select_related("reader__message__brand").defer("reader__message__container")
    return known.filter(pk=id_).first() if id_ else None
