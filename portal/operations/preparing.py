"""Everything a start needs, made once and looked after at every start: folder, keys, database, brand, static files."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from branding import catalogues
from branding.models import Brand
from portal.access import grants
from portal.configuration import Configuration
from portal.keys.errors import VersionConflict
from portal.keys.provider import LocalFile
from portal.keys.providers.addresses import local_files_in
from portal.keys.service import KeyService, configured, keys
from portal.operations import administrators
from portal.operations.errors import StartRefused
from portal.vault import agreement

STATIC_STAMP = ".made-from"


def prepare(configuration: Configuration) -> str | None:
    """Prepare all; safe to repeat. Returns the first administrator's one-time link when one was made now.

    Raises:
        StartRefused: a key, keyring or database is missing where the others are there.
        KeysError, VaultError: the root key or keyring cannot be used, or is not this database's.
    """
    make_data_folder(configuration)
    make_keys(configuration, used_database=database_is_used())
    migrate()
    agreement.check()
    grants.seal_once()
    make_default_brand(configuration)
    if configuration.demo:
        from portal.operations.demo_data import load_brands  # a real installation never loads the demo's code

        load_brands()
    keys().prepare(datetime.now(UTC).date(), usual_open_days(configuration))
    collect_static()
    make_words()
    return administrators.first_link()


def make_data_folder(configuration: Configuration) -> None:
    """The data folder, for this user only."""
    configuration.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    configuration.data.chmod(0o700)


def make_keys(configuration: Configuration, *, used_database: bool) -> None:
    """At the very first start a root key and an empty keyring. Whatever is missing later is asked for, never made."""
    missing = [path for path in local_files_in(configuration.key_url) if not path.exists()]
    provider, keyring, cache_seconds = configured()
    has_keyring = keyring.exists()
    if has_keyring and missing:
        raise StartRefused(
            f"The root key {missing[0]} is missing, but the keyring it opens is there. Restore the key from its backup "
            "or name it in LETTERLOCK_KEY_URL; without it nothing that is stored can be read."
        )
    if has_keyring:
        return
    if used_database:
        raise StartRefused(
            "The keyring is missing, but the database is in use. Restore the keyring from its newest backup "
            "or name it in LETTERLOCK_KEYRING_URL; a new one could open none of the stored messages."
        )
    # Only files: a key service's key is made there, by whoever may (docs/keys.md).
    for root_key in missing:
        # Another process may make its first start at the same moment; the keyring's lock decides below.
        with suppress(VersionConflict):
            LocalFile.create(root_key)
    with suppress(VersionConflict):
        KeyService.initialise(provider, keyring, cache_seconds)


def database_is_used() -> bool:
    """Whether anything was ever stored: then keys that are missing are lost, not yet to be made."""
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        for table in ("vault_message", "ingest_spooled", "access_person"):
            if table in tables:
                cursor.execute(f"SELECT 1 FROM {connection.ops.quote_name(table)} LIMIT 1")  # noqa: S608 # own names
                if cursor.fetchone():
                    return True
    return False


def migrate() -> None:
    """Bring the database's tables up to date; asks for the plan first, because that is all most starts need."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", interactive=False, verbosity=0)


def make_default_brand(configuration: Configuration) -> None:
    """A brand for the host of the public address, so that the first page can be shown, when there is none."""
    if Brand.objects.filter(is_default=True).exists():
        return
    Brand.objects.create(
        slug="default",
        name="Letterlock",
        host=configuration.public_host,
        domains=list(configuration.inside_domains),
        open_days=configuration.open_days,
        is_default=True,
    )


def usual_open_days(configuration: Configuration) -> Collection[int | None]:
    """How long keys are usually needed, in days: each brand's own number and its grace, and the setting's. None is for
    ever."""
    brands = {days + grace for days, grace in Brand.objects.values_list("open_days", "grace_days") if days}
    return {configuration.open_days, None, *brands}


def collect_static() -> None:
    """Copy, hash and compress the static files when any of them changed. An image has them built in."""
    root = Path(settings.STATIC_ROOT)
    if root == settings.BUILT_STATIC:
        return
    stamp = root / STATIC_STAMP
    now = _fingerprint()
    if stamp.exists() and stamp.read_text() == now:
        return
    root.mkdir(parents=True, exist_ok=True)
    call_command("collectstatic", interactive=False, verbosity=0, clear=True)
    stamp.write_text(now)


def make_words() -> None:
    """The translations as gettext loads them, when a catalogue changed. An image has them built in."""
    target = Path(settings.LOCALE_PATHS[0])
    if target != settings.BUILT_WORDS:
        catalogues.make_all(settings.CATALOGUES, target)


def _fingerprint() -> str:
    """Of names, sizes and times: reading every file would cost each start more than it is worth."""
    digest = hashlib.sha256()
    for line in sorted(_static_files()):
        digest.update(line.encode())
    return digest.hexdigest()


def _static_files() -> Iterator[str]:
    for finder in get_finders():
        for name, storage in finder.list([]):
            status = Path(storage.path(name)).stat()
            yield f"{name} {status.st_size} {status.st_mtime_ns}\n"
