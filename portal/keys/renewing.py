"""A new root key for a whole keyring: every object is sealed anew, then the old root key is destroyed."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from portal.keys.errors import KeyDestroyed, VersionConflict
from portal.keys.keyring import Keyring
from portal.keys.postgresql import PostgresqlKeyring
from portal.keys.provider import Provider, Renewable

SETTLE_SECONDS = 5.0
"""Longer than a writer can take between wrapping an object's key and having written the object."""
_ATTEMPTS = 100


def renew_root(
    provider: Provider, keyring: Keyring, step: Callable[[], None], settle_seconds: float = SETTLE_SECONDS
) -> bool:
    """Seal every object under a new root version; `step` is called after each. True when the old one is destroyed.

    A provider that is not Renewable seals under its newest version: its own service makes versions and destroys them.
    """
    if not isinstance(provider, Renewable):
        for name in keyring.names():
            reseal(keyring, name)
            step()
        _sweep(keyring)
        return False
    provider.renew()
    while late := under_older(provider, keyring):
        for name in late:
            reseal(keyring, name)
            step()
        # A writer that wrapped under the old version before may be about to write; afterwards all is the new one's.
        time.sleep(settle_seconds)
    _sweep(keyring)
    provider.retire()
    return True


def under_older(provider: Renewable, keyring: Keyring) -> list[str]:
    """The objects that are not sealed under the newest root version."""
    found = []
    for name in keyring.names():
        with suppress(KeyDestroyed):
            if not provider.is_newest(keyring.header(name).wrapped):
                found.append(name)
    return found


def reseal(keyring: Keyring, name: str) -> None:
    """Write an object again as it is, under a fresh object key that the provider wraps now."""
    for _ in range(_ATTEMPTS):
        with suppress(VersionConflict):
            try:
                version, content = keyring.read(name)
                keyring.replace(name, content, version)
            except KeyDestroyed:
                return
            return
    raise VersionConflict


def _sweep(keyring: Keyring) -> None:
    if isinstance(keyring, PostgresqlKeyring):
        keyring.sweep()
