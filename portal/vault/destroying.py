"""Destruction: keys first, in every epoch a message was ever wrapped under, then wraps and content.

A tombstone without content stays. What is due is claimed first (`destroying_at`), in the same rows that undoing,
holding and extending lock, so that nobody adds a key behind its back. Each step may be repeated: a crash only delays.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from portal.audit.record import record_all
from portal.keys.epochs import EpochId, day_of
from portal.keys.errors import WrapRefused
from portal.keys.service import keys
from portal.vault import readers, unsent
from portal.vault.blobs import store
from portal.vault.errors import KeyringOlder, VaultError
from portal.vault.models import Blob, Epoch, Generation, Leaf, Message, Phrase, Reader, SearchToken, Unsent, Wrap
from portal.vault.narrowing import destroy_left, left_in
from portal.vault.puncturing import Target, puncture

log = logging.getLogger(__name__)

BATCH = 1000
"""Messages that are punctured in one write of their epoch's object."""
_reduced: dict[EpochId, int] = {}
"""Past days' epochs as this process has reduced them: unwrapping each of them every minute would be for nothing."""
_UNCLAIMED = Q(destroying_at=None, destroyed_at=None)


@dataclass
class Destroyed:
    """How much was destroyed."""

    messages: int = 0
    readers: int = 0
    epochs: int = 0
    leaves: int = 0
    """Of readers who may do less than before, and read on by others."""


def grace() -> timedelta:
    """How long after a withdrawal or the closing nothing is destroyed yet, so that it can be undone or extended."""
    return timedelta(minutes=settings.LETTERLOCK.undo_minutes)


def destroy_due(now: datetime) -> Destroyed:
    """Destroy all that is due: past days' epochs, messages and readers. Safe to interrupt, and in several processes.

    Raises:
        KeyringOlder: the keyring lacks epochs that something due is wrapped under; what rests on others is done.
        ProviderUnavailable and other key errors: try again later.
    """
    done = Destroyed(epochs=end_days((now - grace()).astimezone(UTC).date()))
    failures: set[EpochId] = set()
    unfinished = Message.objects.filter(destroying_at__isnull=False, destroyed_at=None)
    for some in _batches(unfinished.values_list("pk", flat=True)):
        done.messages += _destroy_messages(some, failures)
    for some in _batches(_unfinished_readers().values_list("pk", flat=True)):
        done.readers += _destroy_readers(some, failures)
    while claimed := _claim_readers(now):
        done.readers += _destroy_readers(claimed, failures)
    while claimed := _claim_messages(_due_messages(now)):
        done.messages += _destroy_messages(claimed, failures)
    done.leaves = destroy_left(now, failures)
    if failures:
        raise KeyringOlder
    return done


def destroy_now(message: UUID) -> bool:
    """Destroy one withdrawn message without waiting; False when a hold keeps it. Raises as destroy_due does."""
    claimed = _claim_messages(Message.objects.filter(_UNCLAIMED, pk=message, held_at=None))
    _destroy_one(lambda failures: _destroy_messages([message], failures) if claimed else 0)
    return bool(claimed)


def destroy_reader_now(reader: UUID) -> bool:
    """Destroy one withdrawn reader's key without waiting; False when a hold keeps it. Raises as destroy_due does."""
    claimed = Reader.objects.filter(_UNCLAIMED, pk=reader, message__held_at=None).update(destroying_at=timezone.now())
    _destroy_one(lambda failures: _destroy_readers([reader], failures) if claimed else 0)
    return bool(claimed)


def destroy_left_now(message: UUID) -> int:
    """Destroy the leaves that a message's readers have left; none under a hold. Raises as destroy_due does."""
    failures: set[EpochId] = set()
    done = destroy_left(timezone.now(), failures, message)
    if failures:
        raise KeyringOlder
    return done


def end_days(today: date) -> int:
    """Destroy the epochs of days before `today` (UTC), in all generations; returns how many were destroyed whole.

    What was extended or is held lives on in later epochs; a database backup from before that knows only the old one.
    So such messages' nodes stay in it, and nothing else, for as long as backups are kept.
    """
    oldest = today - timedelta(days=settings.LETTERLOCK.restore_days)
    ended = 0
    for epoch in keys().epochs():
        day = day_of(epoch)
        if day is None or day >= today:
            continue
        living = set(_living_numbers(epoch, today)) if day >= oldest else set()
        if not living:
            keys().destroy_epoch(epoch)
            ended += 1
        elif _reduced.get(epoch) != keys().epoch_version(epoch):
            keys().keep_only(epoch, living)
            _reduced[epoch] = keys().epoch_version(epoch)
    return ended


def _living_numbers(epoch: EpochId, today: date) -> Iterable[int]:
    """Numbers of the messages in a past day's epoch that are not to die with it."""
    midnight = datetime.combine(today, time(), UTC)
    lives = Q(message__held_at__isnull=False) | Q(message__open_until=None) | Q(message__open_until__gte=midnight)
    lives |= Q(message__keys_until__gte=midnight)
    return Epoch.objects.filter(lives, epoch=epoch, message__destroying_at=None).values_list("number", flat=True)


def repeat() -> int:
    """Destroy again all that the database says is destroyed; returns how many destructions were asked for.

    For after an older copy of the keyring was put back: it brings to life what died since it was made.
    """
    asked = 0
    end_days((timezone.now() - grace()).astimezone(UTC).date())
    living = set(keys().epochs())
    for epoch in Generation.objects.filter(destroyed_at__isnull=False).values_list("epoch", flat=True):
        if epoch in living:
            keys().destroy_epoch(epoch)
            asked += 1
    for epoch in keys().epochs():
        rows = Epoch.objects.filter(epoch=epoch)
        dead: list[Target] = [
            (number, None)
            for number in rows.filter(message__destroying_at__isnull=False).values_list("number", flat=True)
        ]
        dead += rows.filter(narrowed=False, message__readers__destroying_at__isnull=False).values_list(
            "number", "message__readers__number"
        )
        dead += left_in(epoch)
        if dead:
            keys().puncture_all(epoch, dead)
            asked += len(dead)
    return asked


# ------------------------------------------------------------------------------------------------------- what is due


def _due_messages(now: datetime) -> QuerySet[Message]:
    """Withdrawn with the grace period over, or closed: with its day, or at once where a key outlives that day."""
    then = now - grace()
    midnight = datetime.combine(then.astimezone(UTC).date(), time(), UTC)
    # Of what closes today most needs no puncture: its epoch goes whole when the day is over, for all of them at once.
    # Only dates are compared, not the rest of the names: what order those have is the database's own affair.
    outlives = Epoch.objects.filter(
        message=OuterRef("pk"), epoch__gte=(midnight + timedelta(days=1)).date().isoformat()
    )
    # The brand's own time after the closing comes on top, where a message has it (keys_until).
    usual = Q(keys_until=None, open_until__lte=then) & (Q(open_until__lt=midnight) | Exists(outlives))
    longer = Q(keys_until__lte=then) & (Q(keys_until__lt=midnight) | Exists(outlives))
    closed = Q(state=Message.State.OPEN) & (usual | longer)
    return Message.objects.filter(_UNCLAIMED & (Q(destroy_after__lte=now) | closed), held_at=None)


def _claim_messages(due: QuerySet[Message]) -> list[UUID]:
    found = list(due.values_list("pk", flat=True)[:BATCH])
    with transaction.atomic():
        # Locked and asked again: whoever holds or extends one of them just now comes first or finds it claimed.
        still = list(due.filter(pk__in=found).select_for_update().values_list("pk", flat=True)) if found else []
        Message.objects.filter(pk__in=still).update(destroying_at=timezone.now())
    return still


def _claim_readers(now: datetime) -> list[UUID]:
    due = Reader.objects.filter(_UNCLAIMED, destroy_after__lte=now, message__held_at=None, message__destroying_at=None)
    found = list(due.values_list("pk", flat=True)[:BATCH])
    with transaction.atomic():
        still = list(due.filter(pk__in=found).select_for_update().values_list("pk", flat=True)) if found else []
        Reader.objects.filter(pk__in=still).update(destroying_at=timezone.now())
    return still


def _unfinished_readers() -> QuerySet[Reader]:
    return Reader.objects.filter(destroying_at__isnull=False, destroyed_at=None, message__destroyed_at=None)


def _batches(found: Iterable[UUID]) -> list[list[UUID]]:
    keys_ = list(found)
    return [keys_[start : start + BATCH] for start in range(0, len(keys_), BATCH)]


def _destroy_one(destroy: Callable[[set[EpochId]], int]) -> None:
    failures: set[EpochId] = set()
    destroy(failures)
    if failures:
        raise KeyringOlder


# -------------------------------------------------------------------------------------------------------- destroying


def _destroy_messages(claimed: Sequence[UUID], failures: set[EpochId]) -> int:
    targets: dict[EpochId, list[Target]] = {}
    holders: dict[EpochId, set[UUID]] = {}
    rows = Epoch.objects.filter(message__in=claimed).values_list("epoch", "number", "message")
    for epoch, number, message in rows:
        targets.setdefault(epoch, []).append((number, None))
        holders.setdefault(epoch, set()).add(message)
    failed = puncture(targets)
    failures |= failed
    kept = {message for epoch in failed for message in holders[epoch]}
    return _erase_messages([message for message in claimed if message not in kept])


def _destroy_readers(claimed: Sequence[UUID], failures: set[EpochId]) -> int:
    targets: dict[EpochId, list[Target]] = {}
    holders: dict[EpochId, set[UUID]] = {}
    usual = Reader.objects.filter(pk__in=claimed, message__epochs__narrowed=False)
    own = Leaf.objects.filter(reader__in=claimed)  # made for them when their rights were narrowed
    for epoch, message_number, number, reader in [
        *usual.values_list("message__epochs__epoch", "message__epochs__number", "number", "pk"),
        *own.values_list("epoch__epoch", "epoch__number", "reader__number", "reader"),
    ]:
        targets.setdefault(epoch, []).append((message_number, number))
        holders.setdefault(epoch, set()).add(reader)
    failed = puncture(targets)
    failures |= failed
    kept = {reader for epoch in failed for reader in holders[epoch]}
    return _erase_readers([reader for reader in claimed if reader not in kept])


def _erase_messages(punctured: Collection[UUID]) -> int:
    """Delete wraps and content of messages whose keys are gone. A blob that cannot be deleted now is tried again."""
    kept = set()
    for blob in Blob.objects.filter(message__in=punctured):
        try:
            store().delete(blob.id)
        except (OSError, VaultError) as error:
            log.error("a blob of message %s cannot be deleted yet: %s", blob.message_id, type(error).__name__)
            kept.add(blob.message_id)
    now = timezone.now()
    with transaction.atomic():
        rows = list(
            Message.objects.select_for_update()
            .filter(pk__in=[pk for pk in punctured if pk not in kept], destroyed_at=None)
            .defer("container", "rights")
        )
        gone = [row.pk for row in rows]
        Wrap.objects.filter(reader__message__in=gone).delete()
        unsent.drop_of(Unsent.objects.filter(reader__message__in=gone))
        Phrase.objects.filter(reader__message__in=gone).delete()
        Leaf.objects.filter(epoch__message__in=gone).delete()
        SearchToken.objects.filter(reader__in=Reader.objects.filter(message__in=gone).values("pk")).delete()
        Reader.objects.filter(message__in=gone).exclude(split_key=b"").update(split_key=b"", escrow=b"")
        Blob.objects.filter(message__in=gone).delete()
        Message.objects.bulk_update([row for row in rows if _stripped(row)], ["envelope"], batch_size=100)
        erased = Message.objects.filter(pk__in=gone)
        erased.filter(state=Message.State.OPEN).update(state=Message.State.GONE)
        erased.update(container=b"", destroyed_at=now)
        record_all("message.erased", [(pk, None) for pk in gone])
    return len(gone)


def _erase_readers(punctured: Collection[UUID]) -> int:
    now = timezone.now()
    with transaction.atomic():
        rows = list(
            Reader.objects.select_for_update().filter(pk__in=punctured, destroyed_at=None).only("pk", "message_id")
        )
        gone = [row.pk for row in rows]
        Wrap.objects.filter(reader__in=gone).delete()
        unsent.drop_of(Unsent.objects.filter(reader__in=gone))
        Phrase.objects.filter(reader__in=gone).delete()
        Leaf.objects.filter(reader__in=gone, destroyed_at=None).update(due_at=now, destroyed_at=now)
        SearchToken.objects.filter(reader__in=gone).delete()
        Reader.objects.filter(pk__in=gone).update(destroyed_at=now, split_key=b"", escrow=b"")
        record_all("message.erased", [(row.message_id, row.pk) for row in rows])
        # What nobody can open any more is withdrawn from all, so that its content goes as well.
        left = Wrap.objects.filter(reader__message=OuterRef("pk"))
        Message.objects.filter(
            ~Exists(left), _UNCLAIMED, pk__in={row.message_id for row in rows}, state=Message.State.OPEN
        ).update(state=Message.State.WITHDRAWN, withdrawn_at=now, destroy_after=now)
    return len(gone)


def _stripped(message: Message) -> bool:
    """Take what the sender wrote out of the envelope, for the tombstone; whether there was anything."""
    try:
        envelope = readers.envelope_of(message)
    except WrapRefused:
        envelope = readers.Envelope("", "", message.made_at, "", note="damaged")
    if not envelope.subject and not envelope.note:
        return False
    message.envelope = readers.seal_envelope(message.id, replace(envelope, subject="", note=""))
    return True
