"""Rows that are sealed, changed as only somebody can who holds the keyring too: with a seal that fits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db.models import QuerySet

from portal.access import grants
from portal.keys import service
from portal.keys.installation import Secrets
from portal.keys.keyring import FolderKeyring
from portal.keys.provider import LocalFile
from portal.keys.service import KeyService


def change(rows: QuerySet[Any], **values: Any) -> None:
    """Give rows other values, if any, and seal them anew."""
    numbers = list(rows.values_list("pk", flat=True))
    if values:
        rows.update(**values)
    kind = next(kind for kind in grants.kinds() if kind.model is rows.model)
    for row in kind.model._default_manager.select_related(*kind.related).filter(pk__in=numbers):
        grants.seal(row)
        kind.model._default_manager.filter(pk=row.pk).update(seal=row.seal)
        if kind.posted:
            grants.post(row)


def keyring_of_before(folder: Path, monkeypatch: pytest.MonkeyPatch) -> KeyService:
    """A keyring as it was made before there were seals, used by this process until the test ends."""
    provider = LocalFile.create(folder / "root.key")
    keyring = FolderKeyring(folder / "keyring", provider)
    keyring.initialise(Secrets.fresh().encode())
    made = KeyService(provider, keyring)
    monkeypatch.setattr(service, "_service", made)
    return made
