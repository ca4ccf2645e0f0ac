"""Which kind of keyring a setting names."""

from __future__ import annotations

from portal.keys.keyring import FolderKeyring, Keyring
from portal.keys.places import file_of
from portal.keys.postgresql import PostgresqlKeyring
from portal.keys.provider import Provider


def keyring_of(url: str, provider: Provider) -> Keyring:
    """The keyring that LETTERLOCK_KEYRING_URL names; opens nothing."""
    if url.startswith(("postgresql:", "postgres:")):
        return PostgresqlKeyring(url, provider)
    return FolderKeyring(file_of(url, "LETTERLOCK_KEYRING_URL"), provider)
