"""Moving wraps from superseded generations under the newest, batch by batch; bodies are never touched."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from portal.keys.epochs import EpochId
from portal.keys.errors import KeyDestroyed, NoSuchKey, WrapRefused
from portal.keys.service import keys
from portal.keys.wraps import unwrap_bound, wrap_bound
from portal.vault.errors import KeyringOlder
from portal.vault.models import Epoch, Message, Wrap

_TRIES = 8
# Written as SQL, in few large statements: through the model classes a rotation took three times as long.
_LIVING = """
    SELECT e.epoch, e.number, r.number, w.id, w.wrapped, w.reader_id, e.message_id, e.id, COALESCE(r.rights, m.rights)
    FROM vault_wrap w JOIN vault_epoch e ON e.id = w.epoch_id
    JOIN vault_reader r ON r.id = w.reader_id JOIN vault_message m ON m.id = e.message_id
    WHERE w.id IN ({}) AND m.destroying_at IS NULL AND r.destroying_at IS NULL
"""
_THERE = """
    SELECT message_id, epoch, id, number, narrowed FROM vault_epoch
    WHERE message_id IN (SELECT message_id FROM vault_epoch WHERE id IN ({})) ORDER BY id
"""
_SAME_NUMBER = """
    INSERT INTO vault_epoch (message_id, epoch, number) SELECT message_id, %s, number FROM vault_epoch WHERE id IN ({})
    ON CONFLICT (epoch, number) DO NOTHING RETURNING message_id, id, number
"""
_WRAPPED = "SELECT reader_id, epoch_id FROM vault_wrap WHERE epoch_id IN ({})"
_LEFT = "SELECT reader_id, epoch_id FROM vault_leaf WHERE epoch_id IN ({})"
_MOVE = """
    UPDATE vault_wrap SET epoch_id = v.column2, wrapped = v.column3 FROM (VALUES {}) v WHERE vault_wrap.id = v.column1
"""


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
    """A wrap as it lies in the database, with what it is bound to. Ids are as the database writes them."""

    epoch: EpochId
    number: int
    reader_number: int
    id: int
    wrapped: bytes | memoryview
    reader: UUID | str
    message: UUID | str
    row: int
    """Of portal.vault.models.Epoch."""
    rights: bytes | memoryview


class _Opened(NamedTuple):
    held: _Held
    key: bytes
    bound: tuple[bytes, bytes, bytes]
    """Message, reader and rights, as wraps are bound to them."""
    new: EpochId


class _Place(NamedTuple):
    """A message in the newer generation: its row of portal.vault.models.Epoch, and its number there."""

    row: int
    number: int


def move_wraps(newest: Mapping[EpochId, EpochId], step: Callable[[int], None], batch: int) -> Moved:
    """Move every living wrap that is under a key of `newest` under its value, at most `batch` wraps a transaction.

    `step` is told how many were looked at.

    Raises:
        KeyringOlder: the keyring lacks one of the generations.
        ProviderUnavailable and other key errors: nothing of the present batch is written; run it again.
    """
    done = Moved()
    last = 0
    while True:
        # In the order of their own ids, whatever they are under: the database walks one index once, and what it writes
        # lies together (in the order of the tree every wrap was on a page of its own: four times as slow).
        rows = list(Wrap.objects.filter(pk__gt=last).order_by("pk").values_list("pk", "epoch__epoch")[:batch])
        if not rows:
            return done
        last = rows[-1][0]
        page = [pk for pk, epoch in rows if epoch in newest]
        if page:
            done.add(_moved(page, newest))
            step(len(page))


def _moved(page: Sequence[int], newest: Mapping[EpochId, EpochId]) -> Moved:
    for attempt in range(_TRIES):
        try:
            with transaction.atomic():
                opened, moved = _opened(_locked(page), newest)
                _rewrap(opened, moved)
                return moved
        except IntegrityError:
            # A new message has drawn the very number that we drew.
            if attempt == _TRIES - 1:
                raise
    raise AssertionError("a last try returns or raises")


def _locked(page: Sequence[int]) -> list[_Held]:
    """What still lives of a page, in the order of the tree; its messages' rows are held until the transaction ends:
    what is destroyed waits for it, or it passes what is being destroyed by."""
    if connection.features.has_select_for_update:  # elsewhere one transaction writes at a time
        with connection.cursor() as cursor:
            # Every row is found by its id. A planner whose statistics lag behind would read whole tables for each page.
            cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off")
        messages = Epoch.objects.filter(wraps__in=page).values("message")
        list(Message.objects.select_for_update().filter(pk__in=messages).order_by("pk").values_list("state"))
    return sorted(_Held(*row) for row in _rows(_LIVING, page))


def _rows(statement: str, numbers: Iterable[int], *parameters: str) -> list[tuple[Any, ...]]:
    """Run a statement with whole numbers written into it: a thousand parameters cost more than what they ask for."""
    with connection.cursor() as cursor:
        cursor.execute(statement.format(",".join(map(int.__repr__, numbers))), parameters)
        return cursor.fetchall() if cursor.description else []


def _opened(held: Iterable[_Held], newest: Mapping[EpochId, EpochId]) -> tuple[list[_Opened], Moved]:
    opened: list[_Opened] = []
    passed = Moved()
    for old, group in groupby((item for item in held if item.epoch in newest), key=lambda item: item.epoch):
        items = list(group)
        try:
            leaves = _leaves(old, [(item.number, item.reader_number) for item in items])
        except KeyDestroyed:  # the whole generation
            leaves = [None] * len(items)
        for item, leaf in zip(items, leaves, strict=True):
            if leaf is None:
                passed.dead += 1
                continue
            bound = _id_bytes(item.message), _id_bytes(item.reader), hashlib.sha256(item.rights).digest()
            try:
                key = unwrap_bound(leaf, bytes(item.wrapped), old, *bound)
            except WrapRefused:
                passed.damaged += 1
                passed.stuck.add(old)
            else:
                opened.append(_Opened(item, key, bound, newest[old]))
    return opened, passed


def _id_bytes(id_: UUID | str) -> bytes:
    """PostgreSQL gives a UUID, SQLite its 32 hexadecimal digits."""
    return bytes.fromhex(id_) if isinstance(id_, str) else id_.bytes


def _leaves(epoch: EpochId, places: Sequence[tuple[int, int]]) -> list[bytes | None]:
    try:
        return keys().leaves(epoch, places)
    except NoSuchKey:
        raise KeyringOlder from None


def _rewrap(opened: Sequence[_Opened], moved: Moved) -> None:
    """Write each wrap's new epoch and bytes: nothing else of it."""
    # At the numbers they have had. `opened` is sorted by old generation, and so by new one.
    leaves = [
        leaf
        for new, group in groupby(opened, key=lambda item: item.new)
        for leaf in _leaves(new, [(item.held.number, item.held.reader_number) for item in group])
    ]
    punctured = {item.held.message for item, leaf in zip(opened, leaves, strict=True) if leaf is None}
    there = _there(opened, punctured)
    changes: list[tuple[int, int]] = []
    wrapped: list[bytes] = []
    spare = []
    for (held, key, bound, new), same in zip(opened, leaves, strict=True):
        if (held.reader, new) in there.have:
            # An extension or a later generation has wrapped it there: the older wrap has nothing left to say.
            spare.append(held.id)
            continue
        row, number = there.place_of(held, new)
        leaf = same if number == held.number else _leaves(new, [(number, held.reader_number)])[0]
        if leaf is None:
            moved.dead += 1
        else:
            there.have.add((held.reader, new))
            changes.append((held.id, row))
            wrapped.append(wrap_bound(leaf, key, new, *bound))
    if changes:
        with connection.cursor() as cursor:
            cursor.execute(_MOVE.format(",".join(f"({id_},{row},%s)" for id_, row in changes)), wrapped)
    if spare:
        Wrap.objects.filter(pk__in=spare).delete()
    moved.moved = len(changes) + len(spare)


@dataclass
class _There:
    """The newer generations, as far as they hold something of a page's messages."""

    places: dict[tuple[UUID | str, EpochId], list[_Place]]
    """Each message's, oldest first, but for those that were made for readers whose rights were narrowed. More than one
    where such a reader has left the first."""
    have: set[tuple[UUID | str, EpochId]]
    """The readers who have a wrap there already."""
    left: set[tuple[UUID | str, int]]
    """Readers and rows: whose leaf there is destroyed, or about to be, while they read on by another."""

    def place_of(self, held: _Held, new: EpochId) -> _Place:
        """The first whose leaf a reader has not left."""
        places = self.places[held.message, new]
        for place in places:
            if (held.reader, place.row) not in self.left:
                return place
        places.append(_drawn(held.message, new, [held.reader_number]))
        return places[-1]


def _there(opened: Sequence[_Opened], punctured: Collection[UUID | str]) -> _There:
    """What is in the newer generations of a page's messages; each has a place there afterwards.

    A message keeps its number where that is free there and none of its leaves is punctured.
    """
    wanted = {(item.held.message, item.new): item.held for item in opened}
    places: dict[tuple[UUID | str, EpochId], list[_Place]] = {}
    names: dict[int, EpochId] = {}
    for message, name, row, number, narrowed in _rows(_THERE, {one.row for one in wanted.values()}) if wanted else []:
        if (message, name) in wanted:
            names[row] = name
            if not narrowed:
                places.setdefault((message, name), []).append(_Place(row, number))
    have = {(reader, names[row]) for reader, row in _rows(_WRAPPED, names)} if names else set()
    left = set(_rows(_LEFT, names)) if names else set()
    missing: dict[EpochId, list[int]] = {}
    for (message, name), held in wanted.items():
        if (message, name) not in places and message not in punctured:
            missing.setdefault(name, []).append(held.row)
    for name, rows in missing.items():
        for message, row, number in _rows(_SAME_NUMBER, rows, name):
            places[message, name] = [_Place(row, number)]
    for message, name in wanted.keys() - places.keys():
        readers = [item.held.reader_number for item in opened if (item.held.message, item.new) == (message, name)]
        places[message, name] = [_drawn(message, name, readers)]
    return _There(places, have, left)


def _drawn(message: UUID | str, new: EpochId, readers: Sequence[int]) -> _Place:
    """A place under a fresh number of which no reader's leaf is punctured."""
    while True:
        number = secrets.randbits(32)
        if None not in _leaves(new, [(number, reader) for reader in readers]):
            row = Epoch.objects.create(message_id=message, epoch=new, number=number)
            return _Place(row.pk, number)
