"""Moving the wraps of one superseded generation under a newer one, batch by batch; bodies are never touched."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import Q

from portal.keys.epochs import EpochId
from portal.keys.errors import KeyDestroyed, NoSuchKey, WrapRefused
from portal.keys.service import keys
from portal.keys.wraps import unwrap, wrap
from portal.vault.errors import KeyringOlder
from portal.vault.models import Epoch, Message, Wrap

_TRIES = 8
_SAME_NUMBER = """
    INSERT INTO vault_epoch (message_id, epoch, number)
    SELECT message_id, %s, number FROM vault_epoch WHERE epoch = %s AND number = %s
"""
_MOVE = "UPDATE vault_wrap SET epoch_id = %s, wrapped = %s WHERE id = %s"


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

    def add(self, other: Moved) -> None:
        self.moved += other.moved
        self.dead += other.dead
        self.damaged += other.damaged
        self.stuck |= other.stuck


class _Held(NamedTuple):
    """A wrap as it lies in the database, with what it is bound to."""

    id: int
    wrapped: bytes | memoryview
    reader: UUID
    reader_number: int
    message: UUID
    number: int
    rights: bytes | memoryview

    @property
    def digest(self) -> bytes:
        return hashlib.sha256(self.rights).digest()


class _Opened(NamedTuple):
    held: _Held
    key: bytes


class _Place(NamedTuple):
    """A message in the newer generation: its row of portal.vault.models.Epoch, and its number there."""

    row: int
    number: int


def move_generation(old: EpochId, new: EpochId, step: Callable[[int], None], batch: int) -> Moved:
    """Move every living wrap from `old` to `new`, `batch` wraps a transaction; `step` is told how many were looked at.

    Raises:
        KeyringOlder: the keyring lacks one of the two.
        ProviderUnavailable and other key errors: nothing of the present batch is written; run it again.
    """
    done = Moved()
    # In the order of the tree: the database walks one index once, and neighbouring leaves share their way down.
    last = (-1, -1)
    while page := _page(old, last, batch):
        last = page[-1][2:]
        for attempt in range(_TRIES):
            try:
                with transaction.atomic():
                    moved = _move_page(page, old, new)
                break
            except IntegrityError:
                # A new message drew one of our numbers between our look and our writing.
                if attempt == _TRIES - 1:
                    raise
        done.add(moved)
        step(len(page))
    return done


def _page(old: EpochId, last: tuple[int, int], batch: int) -> list[tuple[int, UUID, int, int]]:
    """The next wraps under a generation: wrap, message, and the numbers of message and reader."""
    number, reader = last
    after = Q(epoch__number__gte=number) & ~Q(epoch__number=number, reader__number__lte=reader)
    rows = Wrap.objects.filter(after, epoch__epoch=old).order_by("epoch__number", "reader__number")
    return list(rows.values_list("pk", "epoch__message", "epoch__number", "reader__number")[:batch])


def _move_page(page: Sequence[tuple[int, UUID, int, int]], old: EpochId, new: EpochId) -> Moved:
    """In a transaction of its own: what is destroyed waits for it, or it passes what is being destroyed by."""
    opened, moved = _opened(_locked(page, old), old)
    _rewrap(opened, old, new, moved)
    return moved


def _locked(page: Sequence[tuple[int, UUID, int, int]], old: EpochId) -> list[_Held]:
    """What still lives of a page, its messages' rows held until the transaction ends."""
    if connection.features.has_select_for_update:  # elsewhere one transaction writes at a time
        messages = {message for _, message, _, _ in page}
        list(Message.objects.select_for_update().filter(pk__in=messages).order_by("pk").values_list("pk"))
    living = Wrap.objects.filter(
        pk__in=[pk for pk, _, _, _ in page],
        epoch__epoch=old,
        epoch__message__destroying_at=None,
        reader__destroying_at=None,
    )
    columns = ("id", "wrapped", "reader", "reader__number", "epoch__message", "epoch__number", "epoch__message__rights")
    return [_Held(*row) for row in living.order_by("epoch__number", "reader__number").values_list(*columns)]


def _opened(held: Sequence[_Held], old: EpochId) -> tuple[list[_Opened], Moved]:
    opened: list[_Opened] = []
    passed = Moved()
    try:
        leaves = _leaves(old, [(item.number, item.reader_number) for item in held])
    except KeyDestroyed:  # the whole generation
        leaves = [None] * len(held)
    for item, leaf in zip(held, leaves, strict=True):
        if leaf is None:
            passed.dead += 1
            continue
        try:
            key = unwrap(leaf, bytes(item.wrapped), old, item.message, item.reader, item.digest)
        except WrapRefused:
            passed.damaged += 1
            passed.stuck.add(old)
        else:
            opened.append(_Opened(item, key))
    return opened, passed


def _leaves(epoch: EpochId, places: Sequence[tuple[int, int]]) -> list[bytes | None]:
    try:
        return keys().leaves(epoch, places)
    except NoSuchKey:
        raise KeyringOlder from None


def _rewrap(opened: Sequence[_Opened], old: EpochId, new: EpochId, moved: Moved) -> None:
    """Write each wrap's new epoch and bytes: nothing else of it."""
    leaves = _leaves(new, [(item.number, item.reader_number) for item, _ in opened])
    punctured = {item.message for (item, _), leaf in zip(opened, leaves, strict=True) if leaf is None}
    places, have = _places(opened, punctured, old, new)
    changes, spare = [], []
    for (item, key), same in zip(opened, leaves, strict=True):
        row, number = places[item.message]
        leaf = same if number == item.number else _leaves(new, [(number, item.reader_number)])[0]
        if (item.reader, row) in have:
            # An extension or a later generation has wrapped it there: the older wrap has nothing left to say.
            spare.append(item.id)
        elif leaf is None:
            moved.dead += 1
        else:
            changes.append((row, wrap(leaf, key, new, item.message, item.reader, item.digest), item.id))
    with connection.cursor() as cursor:
        cursor.executemany(_MOVE, changes)
    Wrap.objects.filter(pk__in=spare).delete()
    moved.moved = len(changes) + len(spare)


def _places(
    opened: Sequence[_Opened], punctured: Collection[UUID], old: EpochId, new: EpochId
) -> tuple[dict[UUID, _Place], set[tuple[UUID, int]]]:
    """Each message's place in the newer generation; and, by reader and row, the wraps that are in it already.

    A message keeps its number where that is free there, and none of its leaves is punctured.
    """
    numbers = {item.message: item.number for item, _ in opened}
    there = Epoch.objects.filter(epoch=new, message__in=numbers).values_list("message", "pk", "number")
    places = {message: _Place(pk, number) for message, pk, number in there}
    rows = [place.row for place in places.values()]
    have = set(Wrap.objects.filter(epoch__in=rows).values_list("reader", "epoch")) if rows else set()
    missing = {number: message for message, number in numbers.items() if message not in places}
    taken = set(Epoch.objects.filter(epoch=new, number__in=missing).values_list("number", flat=True))
    taken |= {number for number, message in missing.items() if message in punctured}
    same = [number for number in missing if number not in taken]
    with connection.cursor() as cursor:
        cursor.executemany(_SAME_NUMBER, [(new, old, number) for number in same])
    for pk, number in Epoch.objects.filter(epoch=new, number__in=same).values_list("pk", "number"):
        places[missing[number]] = _Place(pk, number)
    for message in (missing[number] for number in taken):
        readers = [item.reader_number for item, _ in opened if item.message == message]
        places[message] = _drawn(message, new, readers)
    return places, have


def _drawn(message: UUID, new: EpochId, readers: Sequence[int]) -> _Place:
    """A place under a fresh number of which no reader's leaf is punctured."""
    while True:
        number = secrets.randbits(32)
        if None not in _leaves(new, [(number, reader) for reader in readers]):
            row = Epoch.objects.create(message_id=message, epoch=new, number=number)
            return _Place(row.pk, number)
