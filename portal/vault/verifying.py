"""Whether the keys still open what they should: every wrap of every living message, or a sample of them."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from portal.keys.epochs import EpochId
from portal.keys.errors import KeyDestroyed, NoSuchKey, WrapRefused
from portal.keys.service import keys
from portal.keys.wraps import unwrap
from portal.vault.models import Wrap

BATCH = 1000
NAMED = 20
"""Messages that are named for each kind of trouble; more are only counted."""


@dataclass
class Findings:
    """What opening them showed. A message can be in trouble for one reader and well for another."""

    opened: int = 0
    troubles: Counter[str] = field(default_factory=Counter)
    """`destroyed`: the key is, though the message should open; `missing`: the keyring is older than the database;
    `damaged`: the wrap, or the rights it is bound to, changed since."""
    messages: dict[str, list[UUID]] = field(default_factory=dict)
    """Kind of trouble to the first messages that have it."""

    def count(self, trouble: str | None, message: UUID) -> None:
        if trouble is None:
            self.opened += 1
            return
        self.troubles[trouble] += 1
        named = self.messages.setdefault(trouble, [])
        if len(named) < NAMED and message not in named:
            named.append(message)


class _Row(NamedTuple):
    id: int
    wrapped: bytes | memoryview
    reader: UUID
    reader_number: int
    message: UUID
    own: bytes | memoryview | None
    """The reader's own rights, where they have some."""
    rights: bytes | memoryview
    epoch: EpochId
    number: int


_COLUMNS = (
    *("pk", "wrapped", "reader", "reader__number", "epoch__message"),
    *("reader__rights", "epoch__message__rights", "epoch__epoch", "epoch__number"),
)


def living() -> QuerySet[Wrap]:
    """The wraps of messages that are open, can be opened again or are under a legal hold, and of readers of theirs who
    are not destroyed or about to be."""
    now = timezone.now()
    kept = Q(epoch__message__open_until=None) | Q(epoch__message__open_until__gt=now)
    kept |= Q(epoch__message__keys_until__gt=now) | Q(epoch__message__held_at__isnull=False)
    return Wrap.objects.filter(kept, epoch__message__destroying_at=None, reader__destroying_at=None)


def verify(step: Callable[[int], None], sample: int | None = None) -> Findings:
    """Open each living wrap and keep nothing; `sample` of them by chance when given. `step` is told how many were done.

    Raises:
        ProviderUnavailable, KeyringMissing and the like: nothing can be said without the keys.
    """
    found = Findings()
    for batch in _batches(sample):
        for row in batch:
            trouble = _trouble(row)
            # A message that was extended keeps a wrap whose day is over, and opens by the later one.
            if trouble == "destroyed" and any(_trouble(other) is None for other in _others(row)):
                trouble = None
            found.count(trouble, row.message)
        step(len(batch))
    return found


def _batches(sample: int | None) -> Iterator[list[_Row]]:
    chosen: list[int] | None = None
    if sample is not None:
        everyone = list(living().values_list("pk", flat=True))
        chosen = sorted(random.sample(everyone, min(sample, len(everyone))))
    last = 0
    while chosen is None or chosen:
        rows = living().filter(pk__gt=last).order_by("pk")
        if chosen is not None:
            rows, chosen = rows.filter(pk__in=chosen[:BATCH]), chosen[BATCH:]
        batch = [_Row(*row) for row in rows.values_list(*_COLUMNS)[:BATCH]]
        if batch:
            last = batch[-1].id
            yield batch
        elif chosen is None:
            return


def _others(row: _Row) -> list[_Row]:
    others = Wrap.objects.filter(reader=row.reader).exclude(pk=row.id)
    return [_Row(*other) for other in others.values_list(*_COLUMNS)]


def _trouble(row: _Row) -> str | None:
    """What keeps a wrap from opening; None when it opens."""
    digest = hashlib.sha256(bytes(row.rights if row.own is None else row.own)).digest()
    try:
        leaf = keys().leaf(row.epoch, row.number, row.reader_number)
        unwrap(leaf, bytes(row.wrapped), row.epoch, row.message, row.reader, digest)
    except KeyDestroyed:
        return "destroyed"
    except NoSuchKey:
        return "missing"
    except WrapRefused:
        return "damaged"
    return None
