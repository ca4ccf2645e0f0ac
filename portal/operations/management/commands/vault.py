"""`manage.py vault check|export|gc|bucket`: is it whole, one message for elsewhere, unnamed blobs, new buckets."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from portal.keys.recovery import RecoveryPublic
from portal.operations.commands import sentences
from portal.operations.errors import OperationsError
from portal.operations.terminal import Pace, Terminal
from portal.vault import garbage
from portal.vault.blobs import store, store_at
from portal.vault.checking import Checked, check
from portal.vault.exporting import export
from portal.vault.models import Message

_BATCH = 500
_UNKNOWN = "No message with this id is stored here. The id is in the door’s answer 250; see manage.py trace ID."


class Command(BaseCommand):
    help = "Check what is stored end to end, export one message to the recovery key, remove blobs that no row names."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        chosen = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
        _check_arguments(chosen.add_parser("check", help="Open every wrap and read every stream; changes nothing."))
        _export_arguments(chosen.add_parser("export", help="Write one message to a file for the recovery key."))
        _gc_arguments(chosen.add_parser("gc", help="Find blobs that no row names; delete them with --delete."))
        chosen.add_parser("bucket", help="Make the buckets that the settings name, where they are not there yet.")

    def handle(self, *_: object, **options: Any) -> None:
        terminal = Terminal(self.stdout, sys.stderr)
        with sentences():
            verbs = {"check": _check, "export": _export, "gc": _collect, "bucket": _make_buckets}
            status = verbs[options["verb"]](options, terminal)
        if status:
            sys.exit(status)


def _id(typed: str) -> UUID:
    """An id as it stands in the door's answer; argparse.ArgumentTypeError says what one looks like."""
    try:
        return UUID(typed)
    except ValueError:
        raise ArgumentTypeError(
            "an id looks like 019b2f6e-3c1a-7d11-8a50-4f2d9c0a7e31; it is in the door’s answer 250"
        ) from None


def _check_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("ids", nargs="*", type=_id, metavar="ID", help="only these messages; all when none is named")
    parser.add_argument("--rate", type=float, help="at most so many messages a second")


def _check(options: dict[str, Any], terminal: Terminal) -> int:
    """A line for each problem, then what was done; exit status 1 when there was a problem."""
    wanted: list[UUID] = options["ids"]
    total = len(wanted) or Message.objects.count()
    pace = Pace(options["rate"])
    all_ = Checked()
    seen = opened = split = away = closed = damaged = 0
    with terminal.bar("Checking", total) as bar:
        for id_ in wanted or _all_ids():
            found = _checked(id_, asked_for=bool(wanted))
            for problem in found.problems:
                terminal.say(f"{id_}  {problem}")
            seen += 1
            opened += found.opened
            split += found.split
            away += found.away
            closed += not (found.opened or found.split or found.away or found.problems)
            damaged += bool(found.problems)
            all_.wraps += found.wraps
            all_.streams += found.streams
            all_.bytes += found.bytes
            bar.step()
            pace.step(1)
    terminal.say(
        f"{seen:,} messages seen, {opened:,} opened whole ({all_.wraps:,} wraps, {all_.streams:,} streams, "
        f"{all_.bytes / 1e6:,.1f} MB), {split:,} split and seen from outside, {closed:,} withdrawn or closed, "
        f"{away:,} kept by their recipients alone; {damaged:,} with problems."
    )
    return 1 if damaged else 0


def _checked(id_: UUID, *, asked_for: bool) -> Checked:
    found = Checked()
    # Twice when something is wrong: it may have been withdrawn, rotated or destroyed between two looks of the first.
    for _ in range(2):
        message = Message.objects.filter(pk=id_).first()
        if message is None:
            if asked_for:
                raise OperationsError(_UNKNOWN)
            return Checked()
        found = check(message)
        if not found.problems:
            break
    return found


def _all_ids() -> Iterator[UUID]:
    """Every message's id, a batch at a time: neither memory nor a transaction grows with their number."""
    rows = Message.objects.order_by("pk").values_list("pk", flat=True)
    batch = list(rows[:_BATCH])
    while batch:
        yield from batch
        batch = list(rows.filter(pk__gt=batch[-1])[:_BATCH])


def _export_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("id", type=_id, metavar="ID")
    parser.add_argument("file", type=Path, metavar="FILE", help="new file")
    parser.add_argument("--to", type=Path, required=True, metavar="RECOVERY.pub", help="made by manage.py keys pair")


def _export(options: dict[str, Any], terminal: Terminal) -> int:
    recovery = RecoveryPublic.load(options["to"])
    message = Message.objects.filter(pk=options["id"]).first()
    if message is None:
        raise OperationsError(_UNKNOWN)
    try:
        size = export(message, options["file"], recovery)
    except FileExistsError:
        raise OperationsError("This file is there already and is not replaced; name a new one.") from None
    terminal.say(
        f"{size:,} bytes, sealed to the recovery key. Where its private half is: "
        "python tools/open_export.py FILE RECOVERY.key FOLDER"
    )
    return 0


def _gc_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--delete", action="store_true", help="without this it only says what it would do")
    parser.add_argument("--even-most", action="store_true", help="also when the database names less than half of them")


def _collect(options: dict[str, Any], terminal: Terminal) -> int:
    """Blobs younger than a day are never touched: their rows may be on the way."""
    place = store()
    terminal.say(f"Blobs are in {place.describe()}.")
    if not options["delete"]:
        found = garbage.look(place, timezone.now())
        terminal.say(
            f"{found.stored:,} are older than a day; {found.unnamed:,} of them ({found.unnamed_bytes / 1e6:,.1f} MB) "
            "are named by no row. Nothing was deleted; --delete does it."
        )
        return 0
    found = garbage.collect(place, timezone.now(), even_most=options["even_most"])
    terminal.say(f"{found.deleted:,} that no row names were deleted, and {found.unfinished:,} unfinished ones.")
    return 0


def _make_buckets(_options: dict[str, Any], terminal: Terminal) -> int:
    """For an S3 server of one's own; where buckets are made by others, there is nothing to do."""
    from portal.vault.bucket import BucketStore

    for url in (settings.LETTERLOCK.blob_url, settings.LETTERLOCK.spool_url):
        place = store_at(url)
        if isinstance(place, BucketStore):
            terminal.say(f"{'Made' if place.create() else 'There already'}: {place.describe()}.")
    return 0
