"""Backups of the keyring as files: written whole, never over another, and put back only where there is no keyring."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from portal.audit.models import Entry
from portal.audit.record import record
from portal.keys.backup import Backup, back_up, open_backup
from portal.keys.disk import sync_folder, write_durably
from portal.keys.errors import VersionConflict
from portal.keys.objects import Contents
from portal.keys.provider import LocalFile
from portal.keys.providers.addresses import local_files_in
from portal.keys.recovery import RecoveryPrivate, RecoveryPublic
from portal.keys.service import configured
from portal.keys.tree import Tree
from portal.operations.errors import KeysRefused
from portal.vault.models import Epoch
from portal.vault.rotating import base_of

KEPT = timedelta(days=7)
"""Keys are made eight days before they are needed, so a backup of this age holds all that is in use."""
BACKED_UP = "keys.backed_up"
_OBJECT = "epoch-"


def write_backup(path: Path, recovery: Path) -> int:
    """Write a backup of the keyring as it stands to a new file; its size in bytes."""
    public = RecoveryPublic.load(recovery)
    _, keyring, _ = configured()
    stored = back_up(keyring, public, timezone.now())
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        write_durably(unfinished, stored)
        # A link refuses to replace what is there: a backup that fails must not cost the one before.
        os.link(unfinished, path)
        sync_folder(path.parent)
    except FileExistsError:
        raise KeysRefused("There is a file of that name already. Name a new one.") from None
    except OSError as error:
        raise KeysRefused(f"The backup cannot be written there ({error.strerror}).") from None
    finally:
        with suppress(OSError):
            unfinished.unlink()
    record(BACKED_UP, size=len(stored))
    return len(stored)


def read_backup(path: Path, recovery: Path) -> Backup:
    """Open a backup with the recovery key's private half."""
    private = RecoveryPrivate.load(recovery)
    try:
        stored = path.read_bytes()
    except OSError as error:
        raise KeysRefused(f"The backup cannot be read ({error.strerror}).") from None
    return open_backup(stored, private)


def put_back(backup: Backup, lost: list[str]) -> None:
    """Make the keyring anew from a backup, where there is none; `lost` epochs are marked as destroyed in it.

    Raises:
        VersionConflict: there is a keyring.
        KeyringDamaged: there are parts of one.
    """
    provider, keyring, _ = configured()
    for root_key in local_files_in(settings.LETTERLOCK.key_url):
        # The contents are sealed anew, so a new root key does where the old one is lost.
        with suppress(VersionConflict):
            LocalFile.create(root_key)
    provider.health()
    keyring.initialise(backup.anchor, _without(backup.rest, lost))


def lost_epochs(backup: Backup) -> list[str]:
    """The epochs that messages in the database are wrapped under and that the backup never heard of, sorted."""
    known = {name.removeprefix(_OBJECT) for name in (*backup.rest.objects, *backup.rest.gone)}
    today = datetime.now(UTC).date().isoformat()
    used = set(Epoch.objects.filter(wraps__isnull=False).values_list("epoch", flat=True).distinct())
    return sorted(name for name in used - known if base_of(name) >= today)


def last_backup() -> datetime | None:
    """When the keyring was last backed up by our own command."""
    newest = Entry.objects.filter(kind=BACKED_UP).order_by("-id").first()
    return newest.at if newest else None


def _without(rest: Contents, lost: list[str]) -> Contents:
    """The contents, with `lost` epochs as destroyed ones and a generation after each for what comes."""
    # Made anew under their old names they would look as if every wrap under them were damaged, and one day as well.
    objects = dict(rest.objects)
    gone = set(rest.gone) | {_OBJECT + name for name in lost}
    for base in {base_of(name) for name in lost}:
        numbers = [int(name.rpartition(".")[2]) for name in lost if base_of(name) == base]
        name = f"{_OBJECT}{base}.{max(numbers) + 1}"
        if name not in gone:
            objects.setdefault(name, Tree.fresh().encode())
    return Contents(objects, rest.public, sorted(gone))
