"""`manage.py ingest`: take mail in from files."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from portal.ingest.data import LineEnds
from portal.ingest.errors import IngestError
from portal.ingest.intake import Intake, Named

_CHUNK = 256 * 1024


class Command(BaseCommand):
    help = "Take mail in from files (RFC 5322), through the same checks as the door. Prints one id a line."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE.eml")
        parser.add_argument(
            "--from", dest="sender", metavar="A", help="envelope sender; else the Sender or From header"
        )
        parser.add_argument(
            "--to", dest="recipients", metavar="B", nargs="+", action="extend",
            help="envelope recipients; else those of To, Cc and Bcc",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        recipients: list[str] | None = options["recipients"]
        named = Named("command", options["sender"], None if recipients is None else tuple(recipients))
        failed = 0
        for path in options["files"]:
            try:
                self.stdout.write(str(ingest(path, named)))
            except IngestError as error:
                failed += 1
                self.stderr.write(f"{path}: {error}")
            except OSError as error:
                failed += 1
                self.stderr.write(f"{path}: The file cannot be read ({error.strerror}).")
        if failed:
            raise CommandError(f"{failed} of {len(options['files'])} files were not taken.", returncode=1)


def ingest(path: Path, named: Named) -> UUID:
    """Take one file in; returns its id once it is durable. Raises IngestError, or OSError when it cannot be read."""
    with path.open("rb", buffering=0) as file:
        intake = Intake(named.envelope, path.stat().st_size, hide=True)
        line_ends = LineEnds()
        try:
            while chunk := file.read(_CHUNK):
                intake.feed(line_ends.feed(chunk))
            intake.feed(line_ends.finish())
            return intake.finish().commit()
        finally:
            intake.discard()
