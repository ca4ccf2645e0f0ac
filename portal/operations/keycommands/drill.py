"""`keys drill FILE --key PRIVATE`: reads out the code of a recovery drill, where the private half is."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from portal.keys.recovery import RecoveryPrivate
from portal.operations import drills
from portal.operations.errors import KeysRefused
from portal.operations.terminal import Terminal

HELP = "Read out the code of a recovery drill that was begun on the page of keys. Needs no database and no keyring."
_MOST_BYTES = 4096


def add_arguments(parser: ArgumentParser) -> None:
    """FILE and --key."""
    parser.add_argument("file", type=Path, help="the file from the page of keys")
    parser.add_argument("--key", type=Path, required=True, metavar="PRIVATE", help="the recovery key's private half")


def run(options: dict[str, Any], terminal: Terminal) -> int:
    """Prints the code, to be typed into the page."""
    try:
        with options["file"].open("rb") as file:
            sealed = file.read(_MOST_BYTES)
    except OSError as error:
        raise KeysRefused(f"The file cannot be read ({error.strerror}).") from None
    terminal.say(drills.read(sealed, RecoveryPrivate.load(options["key"])))
    return 0
