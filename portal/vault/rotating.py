"""Rotation of epoch generations: a new key for each epoch, and every wrap moved under it; bodies are never touched.

What is to be done lies in the database, so a run that was cut short is taken up where it was: a row of Generation says
that an epoch's generation is superseded, and what is left to do is the wraps that are still under such a one. The old
generation stays for backups of the database (LETTERLOCK_RESTORE_DAYS), then it is destroyed whole.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet

from portal.audit.record import record
from portal.keys.epochs import EpochId
from portal.keys.errors import KeyDestroyed, NoSuchKey, WrapRefused
from portal.keys.service import keys
from portal.keys.wraps import unwrap, wrap
from portal.vault.errors import KeyringOlder
from portal.vault.models import Epoch, Generation, Message, Wrap

BATCH = 1000
"""Wraps that are moved in one transaction."""
_TRIES = 8
_Leaf = tuple[EpochId, int, int]


@dataclass
class Moved:
    """How many wraps were moved, and how many could not be."""

    moved: int = 0
    dead: int = 0
    """Their leaf is destroyed: their reader or message is, or is about to be."""
    damaged: int = 0
    """They open nothing, and stay as they are; `keys verify` names their messages."""
    stuck: set[EpochId] = field(default_factory=set)
    """The generations that the damaged ones are under."""


class _Held(NamedTuple):
    """A wrap as it lies in the database, with what it is bound to."""

    id: int
    wrapped: bytes | memoryview
    reader: UUID
    reader_number: int
    message: UUID
    epoch: EpochId
    number: int


class _New(NamedTuple):
    id: int
    reader: UUID
    epoch: int
    """The row of portal.vault.models.Epoch."""
    wrapped: bytes


def base_of(epoch: EpochId) -> str:
    """What all generations of an epoch share."""
    return epoch.rpartition(".")[0]


def next_generation(epoch: EpochId) -> EpochId:
    """The generation after one."""
    base, _, number = epoch.rpartition(".")
    return f"{base}.{int(number) + 1}"


def used_epochs() -> list[EpochId]:
    """The newest generation of every living epoch that anything is wrapped under, sorted."""
    used = {base_of(name) for name in _names(Epoch.objects.filter(wraps__isnull=False))}
    living = {base_of(name) for name in keys().epochs()}
    return sorted(keys().current(base) for base in used & living)


def unfinished() -> list[EpochId]:
    """The superseded generations that living wraps are still under, or whose successor is not made yet."""
    superseded = _superseded()
    waiting = set(_names(Epoch.objects.filter(epoch__in=superseded, wraps__in=outstanding())))
    there = set(keys().epochs())
    # A day that is over has lost all its generations: there is nothing left to make for it.
    unmade = {name for name in superseded if name in there and base_newest(name, there) == name}
    return sorted(waiting & there | unmade)


def base_newest(epoch: EpochId, there: Iterable[EpochId]) -> EpochId:
    """The newest generation among `there` of an epoch's day."""
    numbers = [int(name.rpartition(".")[2]) for name in there if base_of(name) == base_of(epoch)]
    return f"{base_of(epoch)}.{max(numbers)}"


def outstanding() -> QuerySet[Wrap]:
    """The living wraps that are under a superseded generation which is not destroyed."""
    return Wrap.objects.filter(
        epoch__epoch__in=_superseded(), epoch__message__destroying_at=None, reader__destroying_at=None
    )


def begin(epochs: Sequence[EpochId], now: datetime) -> None:
    """Supersede these generations, all or none; `make` then makes the next ones."""
    with transaction.atomic():
        Generation.objects.bulk_create(
            [Generation(epoch=epoch, superseded_at=now) for epoch in epochs], ignore_conflicts=True
        )
        record("keys.rotation_begun", epochs=len(epochs))


def make() -> None:
    """Make the next generation of every superseded one that has none; new messages use it from now on."""
    there = set(keys().epochs())
    for name in _superseded():
        if name in there and base_newest(name, there) == name:
            # A generation number that was destroyed by hand is passed over: no epoch is ever made again.
            following = next_generation(name)
            while True:
                try:
                    keys().make(following)
                    break
                except KeyDestroyed:
                    following = next_generation(following)


def move(step: Callable[[int], None], batch: int = BATCH) -> Moved:
    """Move every outstanding wrap under the newest generation; `step` is told how many were looked at.

    Raises:
        KeyringOlder: the keyring lacks a generation that wraps are under.
        ProviderUnavailable and other key errors: nothing of the present batch is written; run it again.
    """
    done = Moved()
    last = 0
    newest = {name: keys().current(base_of(name)) for name in _superseded()}
    while True:
        # In the order of their own ids, whatever they are under: the database walks one index, once.
        rows = list(Wrap.objects.filter(pk__gt=last).order_by("pk").values_list("pk", "epoch__epoch")[:batch])
        if not rows:
            return done
        last = rows[-1][0]
        ids = [pk for pk, epoch in rows if epoch in newest]
        if not ids:
            continue
        for attempt in range(_TRIES):
            try:
                with transaction.atomic():
                    moved = _move_batch(ids, newest)
                break
            except IntegrityError:
                # A new message drew one of our numbers between our look and our writing.
                if attempt == _TRIES - 1:
                    raise
        done.moved += moved.moved
        done.dead += moved.dead
        done.damaged += moved.damaged
        done.stuck |= moved.stuck
        step(len(ids))


def finish(epochs: Iterable[EpochId], moved: Moved) -> None:
    """Write down that a rotation is through."""
    record("keys.rotated", epochs=len(list(epochs)), wraps=moved.moved, damaged=moved.damaged)


def retire(now: datetime, restore_days: int) -> list[EpochId]:
    """Destroy the generations that were superseded more than `restore_days` ago and that nothing living needs.

    Idempotent. Wraps that a writer put under them meanwhile are moved first.
    """
    due = Generation.objects.filter(destroyed_at=None, superseded_at__lt=now - timedelta(days=restore_days))
    names = list(due.order_by("epoch").values_list("epoch", flat=True))
    if not names:
        return []
    make()
    stuck = move(lambda _: None).stuck
    retired = []
    for name in names:
        if name in stuck:
            continue  # what mends a damaged wrap may come from a backup: never destroyed over somebody's head
        keys().destroy_epoch(name)
        with transaction.atomic():
            Generation.objects.filter(epoch=name).update(destroyed_at=now)
            record("keys.generation_destroyed", epoch=name)
        retired.append(name)
    return retired


def _move_batch(ids: Sequence[int], newest: dict[EpochId, EpochId]) -> Moved:
    """In a transaction of its own: what is destroyed waits for it, or it passes what is being destroyed by."""
    done = Moved()
    messages = Wrap.objects.filter(pk__in=ids).values_list("epoch__message", flat=True).distinct()
    living = dict(
        Message.objects.select_for_update()
        .filter(pk__in=list(messages), destroying_at=None)
        .order_by("pk")
        .values_list("pk", "rights")
    )
    held = [
        _Held(*row)
        for row in Wrap.objects.filter(pk__in=ids, epoch__message__in=living, reader__destroying_at=None)
        .order_by("pk")
        .values_list("id", "wrapped", "reader", "reader__number", "epoch__message", "epoch__epoch", "epoch__number")
    ]
    opened: list[tuple[_Held, bytes]] = []
    for item in held:
        try:
            leaf = keys().leaf(item.epoch, item.number, item.reader_number)
            digest = hashlib.sha256(bytes(living[item.message])).digest()
            key = unwrap(leaf, bytes(item.wrapped), item.epoch, item.message, item.reader, digest)
        except KeyDestroyed:
            done.dead += 1
        except NoSuchKey:
            raise KeyringOlder from None
        except WrapRefused:
            done.damaged += 1
            done.stuck.add(item.epoch)
        else:
            opened.append((item, key))
    leaves: dict[_Leaf, bytes] = {}
    wanted = {(item.message, newest[item.epoch]): (item.number, item.reader_number) for item, _ in opened}
    places = _places(wanted, leaves)
    rows = []
    for item, key in opened:
        name = newest[item.epoch]
        epoch, number = places[item.message, name]
        leaf = leaves.get((name, number, item.reader_number)) or keys().leaf(name, number, item.reader_number)
        digest = hashlib.sha256(bytes(living[item.message])).digest()
        wrapped = wrap(leaf, key, name, item.message, item.reader, digest)
        rows.append(_New(item.id, item.reader, epoch, wrapped))
    _write(rows)
    done.moved = len(rows)
    return done


def _places(
    wanted: dict[tuple[UUID, EpochId], tuple[int, int]], leaves: dict[_Leaf, bytes]
) -> dict[tuple[UUID, EpochId], tuple[int, int]]:
    """Epoch row and number of each message in a new generation; the number it had before, where that is free.

    `wanted` has that number, and one of the message's readers; the leaves derived on the way are kept in `leaves`.
    """
    found = {
        (message, name): (pk, number)
        for pk, message, name, number in Epoch.objects.filter(
            message__in={message for message, _ in wanted}, epoch__in={name for _, name in wanted}
        ).values_list("pk", "message", "epoch", "number")
    }
    missing = {place: number for place, number in wanted.items() if place not in found}
    names = {name for _, name in missing}
    taken = set(
        Epoch.objects.filter(epoch__in=names, number__in={number for number, _ in missing.values()}).values_list(
            "epoch", "number"
        )
    )
    rows = []
    for (message, name), (number, reader) in missing.items():
        drawn = number
        while (name, drawn) in taken or not _alive((name, drawn, reader), leaves):
            drawn = secrets.randbits(32)
        taken.add((name, drawn))
        rows.append(Epoch(message_id=message, epoch=name, number=drawn))
    for row in Epoch.objects.bulk_create(rows):
        found[row.message_id, row.epoch] = (row.pk, row.number)
    return found


def _alive(leaf: _Leaf, leaves: dict[_Leaf, bytes]) -> bool:
    """Whether a leaf can be derived, and with it, as far as one can tell, its message's others."""
    with suppress(KeyDestroyed):
        leaves[leaf] = keys().leaf(*leaf)
        return True
    return False


def _write(rows: Sequence[_New]) -> None:
    """New epoch and wrap of each: nothing else of them is written."""
    # By reader alone: asked for both, SQLite would try every reader with every epoch.
    have = set(Wrap.objects.filter(reader__in={row.reader for row in rows}).values_list("reader", "epoch"))
    changes, spare = [], []
    for row in sorted(rows, key=lambda row: row.id, reverse=True):
        if (row.reader, row.epoch) in have:
            # An extension or a later generation has wrapped it there: the older wrap has nothing left to say.
            spare.append(row.id)
        else:
            have.add((row.reader, row.epoch))
            changes.append((row.epoch, row.wrapped, row.id))
    if changes:
        with connection.cursor() as cursor:
            cursor.executemany("UPDATE vault_wrap SET epoch_id = %s, wrapped = %s WHERE id = %s", changes)
    Wrap.objects.filter(pk__in=spare).delete()


def _superseded() -> list[EpochId]:
    return list(Generation.objects.filter(destroyed_at=None).order_by("epoch").values_list("epoch", flat=True))


def _names(epochs: QuerySet[Epoch]) -> list[EpochId]:
    return list(epochs.order_by("epoch").values_list("epoch", flat=True).distinct())
