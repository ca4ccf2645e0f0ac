"""Which kind of keyring a setting names."""

from __future__ import annotations

from portal.keys.keyring import FolderKeyring, Keyring
from portal.keys.places import file_of
from portal.keys.provider import Provider


def keyring_of(url: str, provider: Provider) -> Keyring:
    """The keyring that LETTERLOCK_KEYRING_URL names; opens nothing."""
    if url.startswith(("postgresql:", "postgres:")):
        # Imported only where it is used: the client library costs 10 MB, and the door has 80 in all.
        from portal.keys.postgresql import PostgresqlKeyring

        return PostgresqlKeyring(url, provider)
    return FolderKeyring(file_of(url, "LETTERLOCK_KEYRING_URL"), provider)
