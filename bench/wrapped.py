"""A vault of its own, in a process of its own: fills it, does what is asked, prints what that took as JSON.

The argument is a JSON list of steps; printed is the JSON list of their answers, seconds where nothing else is said.
["fill", N] makes N messages of two readers each. ["rotate"] makes a new generation and moves every wrap, ["bare"] is
the loop it is compared with. ["changed"] rotates and gives the bytes of rows that this changed, in all; ["content"]
those of messages, readers and blobs that changed since it was asked last in this process, and ["contained"] all that
these hold. ["withdraw", N] destroys N messages that are due, ["delete", N] is what it is compared with.
["puncture", N] destroys N numbers' keys in one write, ["alone"] those of a single message, ["leaf"] derives one leaf.
["peak"] gives the most memory ever resident and ["written"] what was written to files so far, both in bytes.
"""

from __future__ import annotations

import json
import os
import random
import resource
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import django

BATCH = 1000
READERS = 2


def fill(messages: int) -> float:
    """Rows as sealing writes them, their wraps real; the content is one byte, for nothing here looks at it."""
    from django.db import transaction

    from branding.models import Brand
    from portal.ids import new_id
    from portal.keys.service import keys
    from portal.keys.wraps import wrap
    from portal.vault.models import Epoch, Message, Reader, Wrap
    from portal.vault.readers import Envelope, seal_envelope
    from portal.vault.rights import Rights

    began = time.perf_counter()
    brand, rights, now = Brand.objects.get(is_default=True), Rights(), _now()
    until, epoch = now + timedelta(days=30), keys().current(_base())
    first, taken = Epoch.objects.count(), set(Epoch.objects.filter(epoch=epoch).values_list("number", flat=True))
    numbers = [number for number in random.sample(range(1 << 32), 2 * messages) if number not in taken][:messages]
    for start in range(0, messages, BATCH):
        key, made, readers, wraps = os.urandom(32), [], [], []
        places: list[Epoch] = []
        for number in sorted(numbers[start : start + BATCH]):
            id_ = new_id()
            envelope = seal_envelope(id_, Envelope("Maya", "maya@bench.example", now, "<bench@bench.example>"))
            made.append(
                Message(
                    id=id_, brand=brand, thread=id_, made_at=now, open_until=until, rights=rights.encode(),
                    envelope=envelope, padded_size=1, container=b"\xa0",
                )
            )  # fmt: skip
            places.append(Epoch(id=first + len(places) + start + 1, message_id=id_, epoch=epoch, number=number))
            for seat in range(READERS):
                readers.append(
                    Reader(
                        id=new_id(), message_id=id_, number=seat, address=b"a" * 60, address_lookup=os.urandom(32),
                        link=b"l" * 50, link_lookup=os.urandom(32),
                    )
                )  # fmt: skip
        leaves = keys().leaves(epoch, [(place.number, seat) for place in places for seat in range(READERS)])
        for at, (reader, leaf) in enumerate(zip(readers, leaves, strict=True)):
            if leaf is None:
                raise AssertionError("a number of a message that was destroyed here was drawn again")
            wrapped = wrap(leaf, key, epoch, reader.message_id, reader.id, rights.digest())
            wraps.append(Wrap(reader_id=reader.id, epoch_id=places[at // READERS].id, wrapped=wrapped))
        with transaction.atomic():
            for rows in (made, readers, places, wraps):
                _insert(rows)
    _let_count(Epoch)
    return time.perf_counter() - began


def _insert(rows: list[Any]) -> None:
    """What bulk_create does, at a fifth of its cost."""
    from django.db import connection

    fields = [
        field for field in rows[0]._meta.concrete_fields if getattr(rows[0], field.attname) is not None or field.null
    ]
    columns, marks = ",".join(field.column for field in fields), ",".join(["%s"] * len(fields))
    statement = f"INSERT INTO {rows[0]._meta.db_table} ({columns}) VALUES ({marks})"  # noqa: S608 names of our own
    with connection.cursor() as cursor:
        cursor.executemany(
            statement,
            [[field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields] for row in rows],
        )


def _let_count(model: Any) -> None:
    """PostgreSQL hands out ids after those that were given here."""
    from django.core.management.color import no_style
    from django.db import connection

    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), [model]):
            cursor.execute(statement)


def rotate() -> float:
    from portal.vault import rotating
    from portal.vault.models import Wrap

    epochs, count = rotating.used_epochs(), Wrap.objects.count()
    rotating.begin(epochs, _now())
    rotating.make()
    began = time.perf_counter()
    moved = rotating.move(lambda _: None)
    took = time.perf_counter() - began
    if (moved.moved, moved.dead, moved.damaged) != (count, 0, 0):
        raise AssertionError("not every wrap was moved")
    rotating.finish(epochs, moved)
    return took


def bare() -> float:
    """Unwrap, wrap and UPDATE in batches, with the keys at hand and nothing asked or bound: the least a rotation does.

    On a copy of the table with the same columns and indexes, made before the clock starts.
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from django.db import connection, transaction

    old, new, nonce = os.urandom(32), os.urandom(32), os.urandom(12)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bare_wrap")
        blob = "bytea" if connection.vendor == "postgresql" else "blob"
        cursor.execute(
            f"CREATE TABLE bare_wrap (id bigint PRIMARY KEY, reader_id text, epoch_id bigint, wrapped {blob})"
        )
        cursor.execute("INSERT INTO bare_wrap SELECT id, reader_id, epoch_id, wrapped FROM vault_wrap")
        cursor.execute("UPDATE bare_wrap SET wrapped = %s", [nonce + AESGCM(old).encrypt(nonce, bytes(32), None)])
        cursor.execute("CREATE UNIQUE INDEX bare_one ON bare_wrap (reader_id, epoch_id)")
        cursor.execute("CREATE INDEX bare_reader ON bare_wrap (reader_id)")
        cursor.execute("CREATE INDEX bare_epoch ON bare_wrap (epoch_id)")
    began, last = time.perf_counter(), 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "SELECT id, epoch_id, wrapped FROM bare_wrap WHERE id > %s ORDER BY id LIMIT %s", [last, BATCH]
            )
            rows = cursor.fetchall()
            if not rows:
                return time.perf_counter() - began
            changed = []
            for id_, epoch, wrapped in rows:
                nonce = os.urandom(12)
                key = AESGCM(old).decrypt(bytes(wrapped[:12]), bytes(wrapped[12:]), None)
                changed.append((epoch + 1, nonce + AESGCM(new).encrypt(nonce, key, None), id_))
            cursor.executemany("UPDATE bare_wrap SET epoch_id = %s, wrapped = %s WHERE id = %s", changed)
            last = rows[-1][0]


_seen: dict[str, dict[Any, Any]] = {}
CONTENT, KEYS = ("vault_message", "vault_reader", "vault_blob"), ("vault_wrap", "vault_epoch")


def content() -> int:
    return sum(_changed(table) for table in CONTENT)


def contained() -> int:
    return sum(_size(cell) for table in CONTENT for row in _rows(table).values() for cell in row)


def changed() -> int:
    for table in KEYS:
        _changed(table)
    rotate()
    return sum(_changed(table) for table in KEYS)


def _changed(table: str) -> int:
    """Bytes of the cells that are new or others than when it was asked last; rows that went count nothing."""
    before, now = _seen.get(table, {}), _rows(table)
    _seen[table] = now
    return sum(
        _size(cell)
        for key, row in now.items()
        for cell, old in zip(row, before.get(key) or (None,) * len(row), strict=True)
        if cell is not None and cell != old
    )


def _rows(table: str) -> dict[Any, tuple[Any, ...]]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table}")  # noqa: S608 names of our own
        at = [column[0] for column in cursor.description].index("id")
        return {row[at]: row for row in cursor.fetchall()}


def _size(cell: Any) -> int:
    """Of whole numbers and times as most databases keep them."""
    return len(cell) if isinstance(cell, bytes | str) else 8


def withdraw(messages: int) -> float:
    from portal.vault import destroying
    from portal.vault.models import Message

    now = _now()
    chosen = list(Message.objects.filter(destroyed_at=None).order_by("id").values_list("pk", flat=True)[:messages])
    Message.objects.filter(pk__in=chosen).update(state="withdrawn", withdrawn_at=now, destroy_after=now)
    began = time.perf_counter()
    done = destroying.destroy_due(now)
    if done.messages != messages:
        raise AssertionError("not every message was destroyed")
    return time.perf_counter() - began


def delete(rows: int) -> float:
    from django.db import connection, transaction

    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bare_message")
        cursor.execute("CREATE TABLE bare_message AS SELECT id, envelope FROM vault_message LIMIT %s", [rows])
        cursor.execute("CREATE UNIQUE INDEX bare_message_id ON bare_message (id)")
        cursor.execute("SELECT id FROM bare_message")
        ids = cursor.fetchall()
    began = time.perf_counter()
    with transaction.atomic(), connection.cursor() as cursor:
        for row in ids:
            cursor.execute("DELETE FROM bare_message WHERE id = %s", row)
    return time.perf_counter() - began


def puncture(numbers: int) -> float:
    from portal.keys.service import keys

    began = time.perf_counter()
    keys().puncture_all(keys().current(_base()), [(number, None) for number in random.sample(range(1 << 32), numbers)])
    return time.perf_counter() - began


def alone() -> float:
    return puncture(1)


def leaf() -> float:
    from portal.keys.service import keys

    epoch = keys().current(_base())
    keys().leaf(epoch, 1, 0)  # the object is opened once and kept
    numbers = random.sample(range(1 << 32), 2000)
    began = time.thread_time()
    for number in numbers:
        keys().leaf(epoch, number, 0)
    return (time.thread_time() - began) / len(numbers)


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def written() -> int:
    """proc_pid_io(5): what this process has had written to the block layer."""
    fields = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(fields["wchar"])


STEPS: dict[str, Callable[..., float]] = {
    step.__name__: step
    for step in (
        fill,
        rotate,
        bare,
        changed,
        content,
        contained,
        withdraw,
        delete,
        puncture,
        alone,
        leaf,
        peak,
        written,
    )
}


def _now() -> datetime:
    from django.utils import timezone

    return timezone.now()


def _base() -> str:
    from portal.vault.wrapping import base_of

    return base_of(_now() + timedelta(days=30))


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    from django.conf import settings

    from portal.operations import preparing

    preparing.prepare(settings.LETTERLOCK)
    print(json.dumps([STEPS[name](*arguments) for name, *arguments in json.loads(sys.argv[1])]))


if __name__ == "__main__":
    main()
