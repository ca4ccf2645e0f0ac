"""Wraps in the database: a message's key, wrapped for its readers under the epochs it is to be readable by."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db import IntegrityError, transaction

from branding.models import Brand
from portal.inserting import insert
from portal.keys.epochs import EpochId, base_name
from portal.keys.errors import KeyDestroyed, NoSuchKey, WrapRefused
from portal.keys.service import keys
from portal.keys.wraps import unwrap, wrap
from portal.vault.errors import KeyringOlder, SealBroken
from portal.vault.models import Epoch, Leaf, Message, Reader, Wrap

_NUMBER_TRIES = 8


def last_day(open_until: datetime | None) -> date | None:
    """The day (UTC) whose epoch a message that closes then belongs to; None for one that stays open."""
    return open_until.astimezone(UTC).date() if open_until else None


def base_of(open_until: datetime | None) -> str:
    """The name that all generations of that epoch share."""
    return base_name(last_day(open_until))


def keys_until(brand: Brand, open_until: datetime | None) -> datetime | None:
    """Until when the keys outlive a message's last moment, where its brand wants that; else None."""
    return open_until + timedelta(days=brand.grace_days) if open_until and brand.grace_days else None


def rights_digest(message: Message, reader: Reader | None = None) -> bytes:
    """Digest of the rights as stored, a reader's own where they have some: a changed row opens no wrap."""
    own = reader.rights if reader is not None else None
    return hashlib.sha256(bytes(message.rights if own is None else own)).digest()


def add_wraps(message: Message, readers: Sequence[Reader], held: Sequence[bytes], base: str) -> int:
    """Wrap what each of `readers` holds under the newest generation of an epoch, in the caller's transaction.

    `held` is as long: the message key for each of them, or of a split message each one's inner key.

    Readers that have such a wrap already keep it. Returns how many wraps were made. The caller holds the message's
    row, not claimed for destruction, or nobody else knows the message yet.

    Raises:
        KeyDestroyed: that epoch's day is over, or the message was destroyed in it.
        KeyringOlder: the keyring lacks an epoch that others are wrapped under.
    """
    name = _living(base)
    have = set(Wrap.objects.filter(epoch__message=message, epoch__epoch=name).values_list("reader_id", flat=True))
    wanted = [(reader, key) for reader, key in zip(readers, held, strict=True) if reader.id not in have]
    made: list[Wrap] = []
    for epoch, some in _placed(message, name, wanted).items():
        leaves = _leaves(name, epoch.number, [reader for reader, _ in some])
        made += (
            Wrap(
                reader=reader,
                epoch=epoch,
                wrapped=wrap(leaf, key, name, message.id, reader.id, rights_digest(message, reader)),
            )
            for (reader, key), leaf in zip(some, leaves, strict=True)
        )
    Wrap.objects.bulk_create(made)
    return len(made)


def _placed(
    message: Message, name: EpochId, wanted: Sequence[tuple[Reader, bytes]]
) -> dict[Epoch, list[tuple[Reader, bytes]]]:
    """Which of the message's numbers in an epoch each is wrapped under: the first whose leaf they have not left."""
    there = list(Epoch.objects.filter(message=message, epoch=name, narrowed=False).order_by("pk"))
    left = set(Leaf.objects.filter(epoch__in=there).values_list("epoch_id", "reader_id")) if there else set()
    placed: dict[Epoch, list[tuple[Reader, bytes]]] = {}
    nowhere = []
    for reader, key in wanted:
        epoch = next((row for row in there if (row.pk, reader.id) not in left), None)
        if epoch is None:
            nowhere.append((reader, key))
        else:
            placed.setdefault(epoch, []).append((reader, key))
    if nowhere:
        placed[numbered(message, [reader for reader, _ in nowhere], name)[0]] = nowhere
    return placed


@dataclass(frozen=True)
class Fresh:
    """A message that is just being made, its readers, what each reader's wrap holds, and the epoch it belongs to."""

    message: Message
    readers: Sequence[Reader]
    held: Sequence[bytes]
    base: str

    def __repr__(self) -> str:
        return f"Fresh({self.message.pk})"


def add_first_wraps(fresh: Sequence[Fresh]) -> None:
    """`add_wraps` for several new messages with two statements for all. Raises what that does."""
    names = {base: _living(base) for base in {one.base for one in fresh}}
    numbers = [secrets.randbits(32) for _ in fresh]
    try:
        leaves = [_leaves(names[one.base], number, one.readers) for one, number in zip(fresh, numbers, strict=True)]
        with transaction.atomic():
            epochs = Epoch.objects.bulk_create(
                Epoch(message=one.message, epoch=names[one.base], number=number)
                for one, number in zip(fresh, numbers, strict=True)
            )
    except (KeyDestroyed, IntegrityError):
        # A number is taken or was destroyed: which one, and another for it, is found one by one.
        for one in fresh:
            add_wraps(one.message, one.readers, one.held, one.base)
        return
    made = []
    for one, epoch, of_readers in zip(fresh, epochs, leaves, strict=True):
        name, digest = names[one.base], rights_digest(one.message)
        for reader, key, leaf in zip(one.readers, one.held, of_readers, strict=True):
            wrapped = wrap(leaf, key, name, one.message.id, reader.id, digest)
            made.append(Wrap(reader=reader, epoch=epoch, wrapped=wrapped))
    insert(made)


def bind_again(message: Message, reader: Reader, rights: bytes) -> int:
    """Bind a reader's wraps to more rights, in the caller's transaction, who holds the message's row: the same key
    under the same leaves (portal.vault.narrowing for fewer). `reader` and `message` still have the rights that they are
    bound to. How many were.

    A wrap whose leaf is destroyed opens nothing, and stays.

    Raises:
        KeyringOlder: the keyring lacks an epoch of them. Nothing of this is to be committed then.
        SealBroken: one does not open by the rights as they are stored.
    """
    old, new = rights_digest(message, reader), hashlib.sha256(rights).digest()
    changed = []
    for held in Wrap.objects.filter(reader=reader).select_related("epoch"):
        name = held.epoch.epoch
        try:
            leaf = keys().leaf(name, held.epoch.number, reader.number)
            key = unwrap(leaf, bytes(held.wrapped), name, message.id, reader.id, old)
        except KeyDestroyed:
            continue
        except NoSuchKey:
            raise KeyringOlder from None
        except WrapRefused:
            raise SealBroken from None
        held.wrapped = wrap(leaf, key, name, message.id, reader.id, new)
        changed.append(held)
    Wrap.objects.bulk_update(changed, ["wrapped"])
    return len(changed)


def numbered(
    message: Message, readers: Sequence[Reader], name: EpochId, *, narrowed: bool = False
) -> tuple[Epoch, list[bytes]]:
    """A fresh number for the message in an epoch, and its readers' leaves there.

    Raises KeyDestroyed where none is to be had: the epoch is destroyed, or reduced to what is in it.
    """
    for _ in range(_NUMBER_TRIES):
        number = secrets.randbits(32)
        try:
            leaves = _leaves(name, number, readers)
            with transaction.atomic():
                made = Epoch.objects.create(message=message, epoch=name, number=number, narrowed=narrowed)
            return made, leaves
        except (KeyDestroyed, IntegrityError):
            continue  # the number is taken or was destroyed: draw again
    raise KeyDestroyed


def _leaves(epoch: EpochId, number: int, readers: Sequence[Reader]) -> list[bytes]:
    """The leaves of one message's readers, found in one walk down the tree. Raises KeyDestroyed when one is gone."""
    found = keys().leaves(epoch, [(number, reader.number) for reader in readers])
    leaves = [leaf for leaf in found if leaf is not None]
    if len(leaves) < len(found):
        raise KeyDestroyed
    return leaves


def _living(base: str) -> EpochId:
    """The newest generation; a day that nobody usually asks for is made. One that was in use is never made again."""
    name = keys().current(base)
    try:
        keys().leaf(name, 0, 0)
    except KeyDestroyed:
        pass  # number 0 was drawn and destroyed, or the epoch is gone: drawing a number tells
    except NoSuchKey:
        if Epoch.objects.filter(epoch=name).exists():
            raise KeyringOlder from None
        keys().make(name)
    return name
