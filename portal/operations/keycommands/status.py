"""`keys status`: which keys there are, where the root key is, and what is due."""

from __future__ import annotations

from argparse import ArgumentParser
from collections import Counter
from typing import Any

from portal.keys.service import configured
from portal.operations.terminal import Terminal

HELP = "Say which root key and keyring are in use, whether they work, and how many keys there are."


def add_arguments(parser: ArgumentParser) -> None:
    """It takes none."""


def run(options: dict[str, Any], terminal: Terminal) -> int:
    """Read-only. KeysError when the root key or the keyring cannot be used."""
    provider, keyring, _ = configured()
    terminal.say(f"Root key: {provider.describe()}.")
    provider.health()
    kinds = Counter(name.partition("-")[0] for name in keyring.names())
    terminal.say(f"Keyring: {kinds['epoch']} epochs, {kinds['door']} door keys.")
    return 0
