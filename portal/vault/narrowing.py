"""Narrowing: when a reader may do less than before, their key is wrapped under leaves that no older wrap knows.

An older wrap holds the same key, bound to the rights of then, and whoever kept its row could put it back. So new wraps
come first, in one transaction with the rights and with a note of every leaf that is left. Then those leaves are
destroyed, all that are due in one write of their epoch. Each step may be repeated: a crash only delays.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from portal.audit.record import record_all
from portal.keys.epochs import EpochId
from portal.keys.errors import KeyDestroyed, NoSuchKey, WrapRefused
from portal.keys.service import keys
from portal.keys.wraps import unwrap, wrap
from portal.vault.errors import KeyringOlder, SealBroken
from portal.vault.models import Epoch, Leaf, Message, Reader, Wrap
from portal.vault.puncturing import Target, puncture
from portal.vault.wrapping import numbered, rights_digest

BATCH = 1000
"""Leaves that are destroyed in one write of their epoch's object."""
_SOME = 500
"""Rows that one statement names."""


def narrow(message: Message, narrowed: Sequence[tuple[Reader, bytes]]) -> None:
    """Wrap what readers hold under fresh leaves, bound to their new rights, in the caller's transaction, who holds the
    message's row. `message` and the readers still have the rights that their wraps are bound to.

    A reader none of whose wraps opens any more gets none.

    Raises:
        KeyringOlder: the keyring lacks an epoch of them. Nothing of this is to be committed then.
        SealBroken: a wrap does not open by the rights as they are stored.
        KeyDestroyed: an epoch that they are wrapped under takes nothing new, for its day is over.
    """
    held = _held(message, {reader.pk: reader for reader, _ in narrowed})
    digests = {reader.pk: hashlib.sha256(rights).digest() for reader, rights in narrowed}
    made: list[Wrap] = []
    for name, opened in held.items():
        try:
            epoch, leaves = numbered(message, [reader for reader, _ in opened.values()], name, narrowed=True)
        except KeyDestroyed:
            continue  # a past day's, of which the nodes of older messages alone are left
        made += (
            Wrap(
                reader=reader,
                epoch=epoch,
                wrapped=wrap(leaf, key, name, message.id, reader.id, digests[reader.pk]),
            )
            for (reader, key), leaf in zip(opened.values(), leaves, strict=True)
        )
    moved = {item.reader_id: item.reader for item in made}
    if moved.keys() != {reader for opened in held.values() for reader in opened}:
        raise KeyDestroyed
    _leave(message, list(moved.values()))
    Wrap.objects.bulk_create(made, batch_size=_SOME)
    Leaf.objects.bulk_create((Leaf(epoch_id=item.epoch_id, reader=item.reader) for item in made), batch_size=_SOME)


def _held(message: Message, by_id: Mapping[UUID, Reader]) -> dict[EpochId, dict[UUID, tuple[Reader, bytes]]]:
    """By epoch, whose wraps under it open and what those hold."""
    rows: dict[Epoch, list[Wrap]] = {}
    for some in _batches(list(by_id)):
        for found in Wrap.objects.filter(reader__in=some).select_related("epoch").order_by("pk"):
            rows.setdefault(found.epoch, []).append(found)
    held: dict[EpochId, dict[UUID, tuple[Reader, bytes]]] = {}
    for epoch, wraps in rows.items():
        name = epoch.epoch
        try:
            leaves = keys().leaves(name, [(epoch.number, by_id[found.reader_id].number) for found in wraps])
        except KeyDestroyed:
            continue
        except NoSuchKey:
            raise KeyringOlder from None
        for found, leaf in zip(wraps, leaves, strict=True):
            if leaf is None:
                continue
            reader = by_id[found.reader_id]
            digest = rights_digest(message, reader)
            try:
                key = unwrap(leaf, bytes(found.wrapped), name, message.id, reader.id, digest)
            except WrapRefused:
                raise SealBroken from None
            held.setdefault(name, {})[reader.pk] = reader, key
    return held


def _leave(message: Message, readers: Sequence[Reader]) -> None:
    """Take readers' wraps away, and note every leaf that they ever had one under, in each epoch and generation."""
    now = timezone.now()
    # Whoever wrote it gains nothing by their own older rights. As long as backups are kept their leaf stays, so that
    # one from before opens for somebody: for all others it is as dead as what was withdrawn.
    later = now + timedelta(days=settings.LETTERLOCK.restore_days)
    due = {reader.pk: later if reader.role == Reader.Role.AUTHOR else now for reader in readers}
    usual = list(Epoch.objects.filter(message=message, narrowed=False).values_list("pk", flat=True))
    places = {(row, reader) for row in usual for reader in due}
    for some in _batches(list(due)):
        wraps = Wrap.objects.filter(reader__in=some)
        places |= set(wraps.values_list("epoch_id", "reader_id"))
        wraps.delete()
        used = Leaf.objects.filter(reader__in=some, due_at=None)
        places |= set(used.values_list("epoch_id", "reader_id"))
        used.delete()
    Leaf.objects.bulk_create(
        (Leaf(epoch_id=row, reader_id=reader, due_at=due[reader]) for row, reader in sorted(places)),
        batch_size=_SOME,
        ignore_conflicts=True,
    )


def destroy_left(now: datetime, failures: set[EpochId], message: UUID | None = None) -> int:
    """Destroy the leaves that were left, of one message or of all, but those of what a legal hold keeps; how many.

    Epochs that the keyring has never held are added to `failures`; their leaves are tried again.

    Raises:
        ProviderUnavailable and other key errors: try again later.
    """
    due = Leaf.objects.filter(destroyed_at=None, due_at__lte=now, epoch__message__held_at=None)
    if message is not None:
        due = due.filter(epoch__message=message)
    columns = ("pk", "epoch__epoch", "epoch__number", "reader__number", "epoch__message")
    done, last = 0, 0
    while rows := list(due.filter(pk__gt=last).order_by("pk").values_list(*columns)[:BATCH]):
        last = rows[-1][0]
        failed = puncture(by_epoch((epoch, number, reader) for _, epoch, number, reader, _ in rows))
        failures |= failed
        gone = {pk: of for pk, epoch, _, _, of in rows if epoch not in failed}
        with transaction.atomic():
            # Two workers may have destroyed the same: one of them says so.
            still = Leaf.objects.select_for_update().filter(pk__in=list(gone), destroyed_at=None)
            ours = list(still.values_list("pk", flat=True))
            Leaf.objects.filter(pk__in=ours).update(destroyed_at=now)
            record_all("message.rights_bound", [(of, None) for of in sorted({gone[pk] for pk in ours})])
        done += len(ours)
    return done


def left_in(epoch: EpochId) -> list[Target]:
    """The leaves of an epoch that were destroyed, or are to be now: for after an older keyring was put back."""
    rows = Leaf.objects.filter(epoch__epoch=epoch, due_at__lte=timezone.now(), epoch__message__held_at=None)
    return list(rows.values_list("epoch__number", "reader__number"))


def by_epoch(leaves: Iterable[tuple[EpochId, int, int | None]]) -> dict[EpochId, list[Target]]:
    """Targets of a puncture, those of one epoch together."""
    targets: dict[EpochId, list[Target]] = {}
    for epoch, number, reader in leaves:
        targets.setdefault(epoch, []).append((number, reader))
    return targets


def _batches(found: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    return (found[start : start + _SOME] for start in range(0, len(found), _SOME))
