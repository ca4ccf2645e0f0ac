"""Rotation of epoch generations: a new key for each epoch, and what follows from that for the old one.

What is to be done lies in the database, so a run that was cut short is taken up where it was: a row of Generation says
that an epoch's generation is superseded, and what is left to do is the wraps that are still under such a one. The old
generation stays for backups of the database (LETTERLOCK_RESTORE_DAYS), then it is destroyed whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from portal.audit.record import record
from portal.keys.epochs import EpochId
from portal.keys.errors import KeyDestroyed
from portal.keys.service import keys
from portal.vault.models import Epoch, Generation, Wrap
from portal.vault.rewrapping import Moved, move_wraps

BATCH = 1000
"""Wraps that are moved in one transaction."""


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
            make_after(name)


def make_after(epoch: EpochId) -> None:
    """Make the generation after one; a number that was destroyed is passed over, for no epoch is ever made again."""
    following = next_generation(epoch)
    while True:
        try:
            keys().make(following)
            return
        except KeyDestroyed:
            following = next_generation(following)


def move(step: Callable[[int], None], batch: int = BATCH) -> Moved:
    """Move every outstanding wrap under the newest generation; `step` is told how many were looked at.

    Raises:
        KeyringOlder: the keyring lacks a generation that wraps are under.
        ProviderUnavailable and other key errors: nothing of the present batch is written; run it again.
    """
    living = set(keys().epochs())
    newest = {name: keys().current(base_of(name)) for name in _superseded()}
    # A living generation whose successor is not made yet stays; one that the keyring lacks must be noticed.
    return move_wraps({old: new for old, new in newest.items() if new != old or old not in living}, step, batch)


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


def _superseded() -> list[EpochId]:
    return list(Generation.objects.filter(destroyed_at=None).order_by("epoch").values_list("epoch", flat=True))


def _names(epochs: QuerySet[Epoch]) -> list[EpochId]:
    return list(epochs.order_by("epoch").values_list("epoch", flat=True).distinct())
