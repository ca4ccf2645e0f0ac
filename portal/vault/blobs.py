"""The blob store of this installation: sealed streams too large for a database row, one object each."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from django.conf import settings

from portal.vault.blobstore import Store
from portal.vault.errors import BlobSettingRefused
from portal.vault.folder import FolderStore

_stores: dict[str, Store] = {}


def store() -> Store:
    """The store of this installation, one for each process."""
    return store_at(settings.LETTERLOCK.blob_url)


def store_at(url: str) -> Store:
    """The store at an address, one for each process and address."""
    if url not in _stores:
        _stores[url] = store_of(url)
    return _stores[url]


def store_of(url: str) -> Store:
    """The store that LETTERLOCK_BLOB_URL names; opens nothing. BlobSettingRefused when it is none."""
    parts = urlsplit(url)
    if parts.scheme == "file" and not parts.netloc and parts.path.startswith("/"):
        # As it stands: a folder's name may hold what an address would escape.
        return FolderStore(Path(url.removeprefix("file:").removeprefix("//")))
    if parts.scheme == "s3" and parts.hostname:
        from portal.vault.bucket import BucketStore  # loads half a second of libraries, so only where it is used

        options = parse_qs(parts.query)
        if parts.username or parts.password or not set(options) <= {"endpoint", "region"}:
            raise BlobSettingRefused
        return BucketStore(
            parts.netloc,
            parts.path.strip("/"),
            endpoint=options.get("endpoint", [None])[0],
            region=options.get("region", [None])[0],
        )
    raise BlobSettingRefused


# A child of a process that uses a store makes its own: two processes must not share one connection.
os.register_at_fork(after_in_child=_stores.clear)
