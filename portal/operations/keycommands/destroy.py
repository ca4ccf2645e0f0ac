"""`keys destroy EPOCH`: destroy one generation of an epoch for good, with all that nothing else opens."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from portal.operations import keyending
from portal.operations.errors import KeysRefused
from portal.operations.terminal import Terminal

HELP = "Destroy one epoch key for good. Without --yes it only says what would be lost."


def add_arguments(parser: ArgumentParser) -> None:
    """EPOCH, --yes, --with-messages."""
    parser.add_argument("epoch", help="with its generation, like 2026-12-17.0; `keys status --all` lists them")
    parser.add_argument("--yes", action="store_true", help="do it")
    parser.add_argument("--with-messages", action="store_true", help="even though messages are lost by it")


def run(options: dict[str, Any], terminal: Terminal) -> int:
    """Refuses to take messages along that are open or held, unless that is said."""
    epoch = options["epoch"]
    lost = keyending.lost_with(epoch)
    terminal.say(f"{epoch}: {lost:,} messages that are open or under a legal hold can be opened by nothing else.")
    if not options["yes"]:
        terminal.say("Nothing was changed. Add --yes to do it.")
        return 0
    if lost and not options["with_messages"]:
        raise KeysRefused(
            "Nothing was changed. Add --with-messages to lose them for good, or withdraw them one by one."
        )
    keyending.destroy(epoch)
    terminal.say("Destroyed. Backups of the keyring from before still hold it: delete them.")
    return 0
