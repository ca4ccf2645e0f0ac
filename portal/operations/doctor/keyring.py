"""The root key, the keys of the days to come, and the backup without which a lost keyring is lost mail."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from django.utils import timezone

from portal.keys.errors import KeysError
from portal.keys.service import AHEAD_DAYS, configured, keys
from portal.operations.doctor.finding import Finding, notice, well, wrong
from portal.operations.keycopies import KEPT, last_backup
from portal.operations.standing import keys_ahead


def service() -> Iterator[Finding]:
    try:
        keys().health()
    except KeysError as error:
        yield wrong(
            "root key",
            str(error),
            "Nothing can be sealed or opened; mail waits.",
            "Mend what LETTERLOCK_KEY_URL and LETTERLOCK_KEYRING_URL name; manage.py keys status tells more.",
        )
        return
    yield well("root key", f"It opens the keyring: {configured()[0].describe()}.")


def ahead() -> Iterator[Finding]:
    days = keys_ahead(datetime.now(UTC))
    why = "On a day without a door key no mail is taken in."
    fix = "Run manage.py prepare now, and see why the worker for notice does not do it each hour."
    if days < 1:
        yield wrong(
            "keys ahead", "There is no door key for tomorrow." if days == 0 else "No door key for today.", why, fix
        )
    elif days < AHEAD_DAYS - 1:
        yield notice("keys ahead", f"Door keys are made for {days} days only, instead of {AHEAD_DAYS}.", why, fix)
    else:
        yield well("keys ahead", f"Door keys are made for the next {days} days.")


def backups() -> Iterator[Finding]:
    newest = last_backup()
    why = "A keyring that is lost takes every message with it; no backup of the database holds it."
    fix = "Make one each day: manage.py keys backup (docs/backup-restore.md)."
    if newest is None:
        yield notice("keyring backup", "None was made yet by manage.py keys backup.", why, fix)
    elif timezone.now() - newest > KEPT:
        yield wrong("keyring backup", f"The last one is of {newest:%Y-%m-%d}, too old to open all messages.", why, fix)
    else:
        yield well("keyring backup", f"The last one is of {newest:%Y-%m-%d %H:%M} UTC.")
