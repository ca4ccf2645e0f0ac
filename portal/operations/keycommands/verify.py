"""`keys verify [--sample N]`: open every object of the keyring and every wrap, and say what does not open."""

from __future__ import annotations

from argparse import ArgumentParser
from contextlib import suppress
from typing import Any

from portal.keys.errors import KeyDestroyed, KeyringDamaged, KeyringForeign
from portal.keys.service import configured
from portal.operations.terminal import Pace, Terminal
from portal.vault.verifying import living, verify

HELP = "Open every object of the keyring and every wrap of a living message; exit status 1 when one does not open."
_SENTENCES = {
    "damaged": "are damaged: restore their rows from a backup of the database",
    "missing": "need a key that the keyring never held: it is older than the database; restore its newest backup",
    "destroyed": "are of messages that should be open, but their keys are destroyed",
}


def add_arguments(parser: ArgumentParser) -> None:
    """--sample, --rate."""
    parser.add_argument("--sample", type=int, metavar="N", help="only N wraps, by chance")
    parser.add_argument("--rate", type=float, metavar="N", help="at most N wraps a second")


def run(options: dict[str, Any], terminal: Terminal) -> int:
    """Changes nothing."""
    _, keyring, _ = configured()
    names = keyring.names()
    bad = []
    for name in names:
        try:
            with suppress(KeyDestroyed):
                keyring.read(name)
        except (KeyringDamaged, KeyringForeign) as error:
            bad.append(name)
            terminal.say(f"{name}: {error}")
    terminal.say(f"Keyring: {len(names) - len(bad):,} of {len(names):,} objects open.")
    if bad:
        return 1
    count = living().count()
    sample = options["sample"]
    pace = Pace(options["rate"])
    with terminal.bar("Opening wraps", count if sample is None else min(sample, count)) as bar:

        def step(done: int) -> None:
            bar.step(done)
            pace.step(done)

        found = verify(step, sample)
    looked_at = found.opened + found.troubles.total()
    terminal.say(f"Wraps: {found.opened:,} of {looked_at:,} open{'' if sample is None else f' ({count:,} in all)'}.")
    for kind, number in sorted(found.troubles.items()):
        terminal.say(f"{number:,} {_SENTENCES[kind]}. Messages: {', '.join(map(str, found.messages[kind]))}.")
    return 1 if found.troubles else 0
