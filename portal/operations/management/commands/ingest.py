"""`manage.py ingest`: take mail in from files, a few or very many."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from portal.ingest.data import LineEnds
from portal.ingest.errors import IngestError
from portal.ingest.intake import HIDDEN, Intake, Named
from portal.operations.bulkfiles import take_in
from portal.operations.commands import sentences
from portal.operations.terminal import Terminal

_CHUNK = 256 * 1024


class Command(BaseCommand):
    help = "Take mail in from files (RFC 5322), through the same checks as the door. Prints one id a line. "
    help += "With --bulk: all mails of one NDJSON file, zip archive or folder of .eml files, safe to repeat."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="*", type=Path, metavar="FILE.eml")
        parser.add_argument(
            "--from", dest="sender", metavar="A", help="envelope sender; else the Sender or From header"
        )
        parser.add_argument(
            "--to", dest="recipients", metavar="B", nargs="+", action="extend",
            help="envelope recipients; else those of To, Cc and Bcc",
        )  # fmt: skip
        parser.add_argument("--bulk", metavar="FILE|FOLDER|-", help="a bulk run: NDJSON or zip, a folder, or stdin")
        parser.add_argument("--key", metavar="TEXT", help="its idempotency key; else made from what it holds")

    def handle(self, *args: Any, bulk: str | None, key: str | None, **options: Any) -> None:
        if bulk is not None:
            if options["files"] or options["sender"] or options["recipients"]:
                raise CommandError("--bulk takes one source, and its mails name their own senders and recipients.")
            with sentences():
                terminal = Terminal(self.stdout, sys.stderr)
                if take_in(bulk, key, terminal, Terminal(self.stderr, sys.stderr)):
                    raise CommandError("Not every mail was taken.", returncode=1)
            return
        if not options["files"] or key is not None:
            raise CommandError("Name files, or --bulk with one source (and --key only with that).")
        self._each(options["files"], options["sender"], options["recipients"])

    def _each(self, files: list[Path], sender: str | None, recipients: list[str] | None) -> None:
        named = Named("command", sender, None if recipients is None else tuple(recipients))
        failed = 0
        for path in files:
            try:
                self.stdout.write(str(ingest(path, named)))
            except IngestError as error:
                failed += 1
                self.stderr.write(f"{path}: {error}")
            except OSError as error:
                failed += 1
                self.stderr.write(f"{path}: The file cannot be read ({error.strerror}).")
        if failed:
            raise CommandError(f"{failed} of {len(files)} files were not taken.", returncode=1)


def ingest(path: Path, named: Named) -> UUID:
    """Take one file in; returns its id once it is durable. Raises IngestError, or OSError when it cannot be read."""
    with path.open("rb", buffering=0) as file:
        intake = Intake(named.envelope, path.stat().st_size, hide=HIDDEN)
        line_ends = LineEnds()
        try:
            while chunk := file.read(_CHUNK):
                intake.feed(line_ends.feed(chunk))
            intake.feed(line_ends.finish())
            return intake.finish().commit()
        finally:
            intake.discard()
