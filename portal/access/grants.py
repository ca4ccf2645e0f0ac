"""Rows by which people sign in or hand mail in are sealed by the keyring: no database alone makes one that grants.

Each kind says what its rows claim. A row is sealed by what makes or changes it, from what was found whole, and looked
at where it grants; nothing seals a row that does not fit but an operator's command (`manage.py grants`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from django.db import models, transaction
from django.db.models import Model, Q

from portal.audit.models import Entry
from portal.audit.record import record
from portal.keys import posting
from portal.keys.granting import Standing
from portal.keys.service import keys

FORGED = "grant.forged"
PIECE = 500
"""Rows that are sealed, or looked at, in one transaction."""


@dataclass(frozen=True)
class Kind:
    """One table of rows that grant, with a column `seal`."""

    name: str
    """For the seal, the record and commands; it never changes."""
    model: type[Model]
    claims: Callable[[Any], Sequence[bytes]] = field(repr=False)
    """All that a row grants and to whom; what it says at length, and never the seal."""
    words: Callable[[Any], str]
    """What it would grant, and to whom, for an operator who looks at one that does not fit."""
    related: tuple[str, ...] = ()
    """What claims are read from besides the row."""
    only: Q = field(default_factory=Q)
    """Which rows grant at all; the others need no seal."""
    posted: bool = False
    """Whether they are looked at where no key is: by the list in clear that the keyring has beside its seals."""


_KINDS: dict[type[Model], Kind] = {}


def register(*kinds: Kind) -> None:
    """Rooms name theirs when Django starts."""
    _KINDS.update({kind.model: kind for kind in kinds})


def kinds() -> list[Kind]:
    """All of them, in the order in which they were named."""
    return list(_KINDS.values())


def seal(row: Any) -> None:
    """Seal a row as it stands in memory, to be saved by the caller. Only what is new, or was found whole, is sealed."""
    kind = _KINDS[type(row)]
    row.seal = keys().grants.seal(kind.name, kind.claims(row))


def claims(row: Any) -> Sequence[bytes]:
    """All that it is sealed over."""
    return _KINDS[type(row)].claims(row)


def standing(row: Any) -> Standing:
    """How a row, read with what its kind relates it to, stands to its seal."""
    kind = _KINDS[type(row)]
    return keys().grants.standing(kind.name, kind.claims(row), bytes(row.seal))


def fits(row: Any) -> bool:
    """Whether it is as it was sealed, and still counts. Records nothing."""
    return standing(row) is Standing.WHOLE


def is_under_old(row: Any) -> bool:
    """Whether it is whole under a secret that is being renewed."""
    kind = _KINDS[type(row)]
    return fits(row) and not keys().grants.is_newest(kind.name, kind.claims(row), bytes(row.seal))


def is_whole(row: Any) -> bool:
    """Whether it is as it was sealed, and still counts. Any other is recorded, once as it is."""
    found = standing(row)
    if found is Standing.WHOLE:
        return True
    kind = _KINDS[type(row)]
    # Keyed, so that it says nothing of the row: the same row written to otherwise is told anew.
    told = b"".join((*kind.claims(row), bytes(row.seal))).hex()
    _tell(row, found.value, keys().lookup("forged", told)[:8])
    return False


def tell_put_back(what: str, row: Any, digest: bytes) -> None:
    """Record, once, that something of a row was put back that counts once and was used: known by a digest."""
    _tell(row, Standing.ENDED.value, keys().lookup("forged", digest.hex())[:8], what)


def _tell(row: Any, how: str, mark: bytes, what: str = "") -> None:
    name = what or _KINDS[type(row)].name
    facts: dict[str, Any] = {"what": name, "row": str(row.pk), "how": how, "mark": mark.hex()}
    if not Entry.objects.filter(kind=FORGED, facts=facts).exists():
        record(FORGED, **facts)


def end(*rows: Any) -> None:
    """What these rows said counts no more, should anybody put them back. Call last in the transaction that changes or
    deletes them: written to the keyring and then not committed, it lets nobody in; the other way round it would.
    """
    keys().grants.end(bytes(row.seal) for row in rows)
    if any(_KINDS[type(row)].posted for row in rows):
        post()


# ---------------------------------------------------------------------------------------- where there is no key


def post(*rows: Any) -> None:
    """Have processes without keys believe these rows, which were sealed just now. Call last in the transaction, after
    `end`: an entry for a row that was then not committed lets nobody in."""
    keys().grants.post([_entry(row) for row in rows])
    keys().posted.forget()


def post_whole() -> None:
    """Put every row on the list that is as it was sealed and belongs there. Idempotent, and safe beside changes."""
    post()  # what another host ended is known here from now on
    post(*(row for row in _posted_rows() if fits(row)))


def unposted() -> int:
    """How many rows are as they were sealed, and yet not on the list: a keyring was put back, or a list removed."""
    posted = keys().grants.posted()
    return sum(fits(row) and _entry(row) not in posted for row in _posted_rows())


def is_posted(row: Any, posted: frozenset[bytes]) -> bool:
    """Whether it stands on the list, which `keys().grants.posted()` gives. Needs no root key; records nothing."""
    return bool(row.seal) and _entry(row) in posted


def is_believed(row: Any) -> bool:
    """The same, by the list as this process knows it (portal.keys.posting.Posted). Needs no root key; records nothing.
    Raises KeysError while the list was never read."""
    return bool(row.seal) and keys().posted.has(_entry(row))


def state_of(row: Any) -> bytes:
    """By which a row that is written to otherwise is told from what it was, 8 bytes; needs no key."""
    return _entry(row)[-8:]


def tell_unposted(row: Any) -> None:
    """Record, once as it is, that a row is not on the list."""
    _tell(row, Standing.UNSEALED.value if not row.seal else "unlisted", state_of(row))


def _posted_rows() -> Iterator[Any]:
    return (row for kind in kinds() if kind.posted for row in rows_of(kind))


def _entry(row: Any) -> bytes:
    kind = _KINDS[type(row)]
    return posting.entry(kind.name, kind.claims(row), bytes(row.seal))


# ----------------------------------------------------------------------------------------------- rows of before


def seal_once() -> dict[str, int]:
    """Seal the rows of kinds that were never sealed before; how many of each. The keyring remembers that it was done,
    so that afterwards no row without a seal is given one. Idempotent, and safe when several hosts do it at once.
    """
    held = keys().grants
    held.begin()
    done = held.done()
    waiting = [kind for kind in kinds() if kind.name not in done]
    # A row with a seal is left as it is: under a keyring that does not know it, it was not made here.
    made = {kind.name: _seal_all(kind, Q(seal=b"")) for kind in waiting}
    if waiting:
        held.note_done([kind.name for kind in waiting])
    if rows := sum(made.values()):
        record("grants.sealed", rows=rows, by="upgrade")
    post_whole()
    return made


def unfit(kind: Kind, most: int | None = None) -> Iterator[tuple[Any, Standing]]:
    """The rows of a kind that grant nothing, for their seal does not fit. Of more than `most` so many are looked at
    that follow a random one, where ids are random.
    """
    rows = rows_of(kind)
    if most is not None and isinstance(kind.model._meta.pk, models.UUIDField) and rows.count() > most:
        rows = rows.filter(pk__gte=uuid4())[:most]
    for row in rows.iterator(chunk_size=PIECE):
        found = standing(row)
        if found is not Standing.WHOLE:
            yield row, found


def rows_of(kind: Kind) -> models.QuerySet[Any]:
    """The rows of a kind that grant, with what their claims are read from."""
    found: models.QuerySet[Any] = kind.model._default_manager.filter(kind.only)
    return found.select_related(*kind.related).order_by("pk") if kind.related else found.order_by("pk")


def _seal_all(kind: Kind, which: Q) -> int:
    numbers = list(rows_of(kind).filter(which).values_list("pk", flat=True))
    count = 0
    for start in range(0, len(numbers), PIECE):
        with transaction.atomic():
            # Locked and read again: the old software may be changing one in this moment.
            found = rows_of(kind).filter(which, pk__in=numbers[start : start + PIECE])
            rows = list(found.select_for_update(of=("self",)))
            write_seals(kind, rows)
            count += len(rows)
    return count


def write_seals(kind: Kind, rows: Sequence[Any]) -> None:
    """Seal rows of a kind and write nothing else of them."""
    for row in rows:
        seal(row)
    # Ten times as quick as bulk_update, whose statement has a case for every row.
    kind.model._default_manager.bulk_create(rows, update_conflicts=True, unique_fields=["pk"], update_fields=["seal"])


# ------------------------------------------------------------------------------------------- how claims are written


def moment(at: datetime | None) -> bytes:
    """A moment, or that there is none."""
    return at.astimezone(UTC).isoformat().encode() if at else b""


def number(value: int | None) -> bytes:
    return b"" if value is None else str(value).encode()


def as_json(value: object) -> bytes:
    """SHA-256 of lists and objects, whatever order a database gives the names of an object back in."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).digest()


def flags(values: Iterable[bool]) -> bytes:
    return bytes(values)
