"""`keys move --to ADDRESS`: seal every keyring object under another root key, while the portal runs."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings

from portal.audit.record import record
from portal.keys.errors import SettingRefused
from portal.keys.keyrings import keyring_of
from portal.keys.moving import left_to_move, move
from portal.keys.providers.addresses import addresses_in, provider_of
from portal.keys.service import configured
from portal.operations.terminal import Pace, Terminal

HELP = "Move the keyring to another root key, which LETTERLOCK_KEY_URL must name already. Without --yes only says so."
_PASSES = 3  # what running processes make meanwhile is new work; more than this means that they still make it


def add_arguments(parser: ArgumentParser) -> None:
    """--to, --yes, --rate."""
    parser.add_argument("--to", required=True, metavar="ADDRESS", help="the new root key, as in LETTERLOCK_KEY_URL")
    parser.add_argument("--yes", action="store_true", help="do it")
    parser.add_argument("--rate", type=float, default=None, help="objects a second at most")


def run(options: dict[str, Any], terminal: Terminal) -> int:
    """Exit status 1 when objects are left. SettingRefused when the running portal could not read what is moved."""
    addresses = addresses_in(settings.LETTERLOCK.key_url)
    wanted = options["to"].strip()
    if wanted not in addresses:
        raise SettingRefused(
            "LETTERLOCK_KEY_URL does not name that address, so the portal could not open what is moved. Write it there "
            "after the present one, with a space between, restart every host, then move."
        )
    _, keyring, _ = configured()
    to = provider_of(wanted, "--to")
    to.health()
    left = left_to_move(keyring, to)
    terminal.say(f"{len(left):,} of {len(keyring.names()):,} objects are to be moved to the {to.describe()}.")
    if not options["yes"]:
        terminal.say("Nothing was changed. Add --yes to do it.")
        return 0
    moved = keyring_of(settings.LETTERLOCK.keyring_url, to)
    pace = Pace(options["rate"])
    for _ in range(_PASSES):
        if not left:
            break
        with terminal.bar("Moving", len(left)) as bar:
            for _name in move(keyring, moved, to, left):
                bar.step()
                pace.step(1)
        left = left_to_move(keyring, to)
        record("keys.moved", objects=bar.done, left=len(left))
    return _conclude(addresses, wanted, len(left), terminal)


def _conclude(addresses: list[str], wanted: str, left: int, terminal: Terminal) -> int:
    if left:
        terminal.say(f"{left:,} objects are still to be moved, because the portal is making new ones. Run this again.")
        return 1
    terminal.say("All objects are moved.")
    if addresses == [wanted]:
        return 0
    if addresses[0] != wanted:
        terminal.say(
            "New ones are still sealed under the first address of LETTERLOCK_KEY_URL. Put the new address first, "
            "restart every host, and run this once more."
        )
    else:
        terminal.say("Take the other addresses out of LETTERLOCK_KEY_URL and restart every host, then end the old key.")
    return 0
