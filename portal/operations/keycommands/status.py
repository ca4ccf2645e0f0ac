"""`keys status`: which keys there are, where the root key is, and what is due."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from portal.keys.provider import Renewable
from portal.keys.renewing import under_older
from portal.keys.service import configured, keys
from portal.operations.keycopies import KEPT, last_backup
from portal.operations.terminal import Terminal
from portal.vault import rotating
from portal.vault.models import Generation

HELP = "Say which root key and keyring are in use, whether they work, and what is due."


def add_arguments(parser: ArgumentParser) -> None:
    """--all."""
    parser.add_argument("--all", action="store_true", help="list every object of the keyring")


def run(options: dict[str, Any], terminal: Terminal) -> int:
    """Read-only. KeysError when the root key or the keyring cannot be used."""
    provider, keyring, _ = configured()
    terminal.say(f"In use: {provider.describe()}.")
    keys().health()
    names = keyring.names()
    epochs = keys().epochs()
    doors = [name.removeprefix("door-") for name in names if name.startswith("door-")]
    terminal.say(
        f"Keyring: works. {len(epochs):,} epochs, {len(doors):,} door keys, {len(keyring.gone()):,} destroyed."
    )
    if doors:
        terminal.say(f"Door keys are made until {max(doors)}.")
    if options["all"]:
        for name in names:
            terminal.say(f"  {name}, version {keyring.header(name).version}")
    _renewal(provider, keyring, terminal)
    _generations(terminal)
    _backup(terminal)
    return 0


def _renewal(provider: object, keyring: Any, terminal: Terminal) -> None:
    if isinstance(provider, Renewable) and provider.renewing():
        left = len(under_older(provider, keyring))
        terminal.say(
            f"The root key is being renewed, {left} objects to go. Finish it: manage.py keys rotate --root --yes."
        )


def _generations(terminal: Terminal) -> None:
    if rotating.unfinished():
        left = rotating.outstanding().count()
        terminal.say(f"A rotation is unfinished, {left:,} wraps to go. Finish it: manage.py keys rotate --yes.")
    days = timedelta(days=settings.LETTERLOCK.restore_days)
    for generation in Generation.objects.filter(destroyed_at=None).order_by("superseded_at", "epoch"):
        until = generation.superseded_at + days
        terminal.say(f"{generation.epoch} is superseded, and kept for backups until {until:%Y-%m-%d}.")


def _backup(terminal: Terminal) -> None:
    newest = last_backup()
    if newest is None:
        terminal.say("No backup of the keyring was made yet by manage.py keys backup.")
    elif timezone.now() - newest > KEPT:
        terminal.say(f"The last backup of the keyring is of {newest:%Y-%m-%d}. Make one now: manage.py keys backup.")
    else:
        terminal.say(f"The last backup of the keyring is of {newest:%Y-%m-%d %H:%M} UTC.")
