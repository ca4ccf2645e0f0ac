"""`keys pair`: makes the recovery key, whose private half then leaves this machine."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from portal.keys.recovery import make_files
from portal.operations.errors import OperationsError
from portal.operations.terminal import Terminal

HELP = "Make the two halves of a recovery key: exports and backups are sealed to the public one."


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("public", type=Path, metavar="PUBLIC", help="new file for the public half, which stays here")
    parser.add_argument("private", type=Path, metavar="PRIVATE", help="new file for the private half, to be kept away")


def run(options: dict[str, Any], terminal: Terminal) -> int:
    """Writes two new files and replaces none."""
    try:
        make_files(options["public"], options["private"])
    except FileExistsError:
        raise OperationsError("One of these files is there already and is not replaced; name new ones.") from None
    except OSError as error:
        raise OperationsError(f"The recovery key cannot be written ({error.strerror}). Name other files.") from None
    terminal.say(f"Public half: {options['public']}. Keep it here.")
    terminal.say(
        f"Private half: {options['private']}. Move it to two places offline now and erase it here: it opens "
        "every export and backup that is sealed to the public half."
    )
    return 0
