"""`keys restore FILE --with PRIVATE`: make the keyring from a backup, where there is none."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.utils import timezone

from portal.audit.record import record
from portal.keys.granting import OBJECT as GRANTS
from portal.keys.service import configured
from portal.operations.errors import KeysRefused
from portal.operations.keycopies import KEPT, lost_epochs, put_back, read_backup
from portal.operations.terminal import Terminal
from portal.vault.destroying import repeat

HELP = "Make the keyring from a backup, where there is none. Without --yes it only says what would be done."


def add_arguments(parser: ArgumentParser) -> None:
    """FILE, --with, --yes, --even-old."""
    parser.add_argument("file", type=Path, help="what `keys backup` wrote")
    parser.add_argument(
        "--with", dest="private", type=Path, required=True, metavar="PRIVATE", help="the recovery key's private half"
    )
    parser.add_argument("--yes", action="store_true", help="do it")
    parser.add_argument("--even-old", action="store_true", help="even though messages are lost by it")


def run(options: dict[str, Any], terminal: Terminal) -> int:
    """Afterwards all that the database says is destroyed is destroyed in this keyring too."""
    _, keyring, _ = configured()
    if keyring.exists():
        raise KeysRefused(
            "There is a keyring, or a part of one, where LETTERLOCK_KEYRING_URL points, and it may hold keys that the "
            "backup lacks. Stop Letterlock, and move it away if it is really of no use."
        )
    backup = read_backup(options["file"], options["private"])
    lost = lost_epochs(backup)
    age = timezone.now() - backup.made_at
    terminal.say(f"A backup of {backup.made_at:%Y-%m-%d %H:%M} UTC with {len(backup.rest.objects) + 1} objects.")
    if lost:
        terminal.say(f"It lacks {len(lost)} epochs that messages are sealed under: {', '.join(lost[:6])}.")
        terminal.say("Whatever nothing else opens of those is lost. Look for a newer backup.")
    elif age > KEPT:
        terminal.say(f"It is {age.days} days old. No message in this database needs a key that it lacks.")
    if lost and not options["even_old"] and options["yes"]:
        raise KeysRefused("Nothing was changed. Add --even-old when there is no newer backup.")
    if not options["yes"]:
        needed = "--yes --even-old" if lost else "--yes"
        terminal.say(f"Nothing was changed. Add {needed} to do it.")
        return 0
    put_back(backup, lost)
    record("keys.restored", lost=len(lost), age_days=age.days)
    asked = repeat()
    terminal.say(f"The keyring is back. {asked:,} destructions since the database's beginning were done in it again.")
    if GRANTS not in backup.rest.objects:
        terminal.say("It is older than the seals of rows by which people sign in. See manage.py grants list.")
    terminal.say("Make a new backup now, and start Letterlock.")
    return 0
