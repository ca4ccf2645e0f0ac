"""`keys backup FILE --to PUBLIC`: a copy of the keyring that only the offline recovery key opens."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from portal.operations.keycopies import KEPT, write_backup
from portal.operations.terminal import Terminal

HELP = "Write a backup of the keyring, sealed to the recovery key."


def add_arguments(parser: ArgumentParser) -> None:
    """FILE and --to."""
    parser.add_argument("file", type=Path, help="a new file")
    parser.add_argument("--to", type=Path, required=True, metavar="PUBLIC", help="the recovery key's public half")


def run(options: dict[str, Any], terminal: Terminal) -> int:
    """Refuses to write over a file."""
    size = write_backup(options["file"], options["to"])
    terminal.say(f"{options['file']}: {size:,} bytes. Delete it after {KEPT.days} days: until then it keeps alive what")
    terminal.say("is destroyed meanwhile (docs/backup-restore.md).")
    return 0
