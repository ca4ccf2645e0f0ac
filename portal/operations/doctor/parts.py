"""The parts of the product and what they stand on: door, workers, database, broker, stores."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from django.db import connection
from django.utils import timezone

from portal import viruses
from portal.configuration import Configuration
from portal.operations import health, heartbeats
from portal.operations.doctor.finding import Finding, notice, well, wrong
from portal.reading import sandbox
from portal.values import is_loopback

OFFICE_PACKAGES = ("libreoffice-writer-nogui", "libreoffice-calc-nogui", "libreoffice-impress-nogui")
"""Debian's, without a screen's libraries."""
OLDEST = {"sqlite": (3, 31, 0), "postgresql": (15, 0)}
"""Versions that the suite runs on, or that the SQL needs (SQLite: partial indexes and RETURNING of Django 5.2)."""


def door(configuration: Configuration) -> Iterator[Finding]:
    yield _of_health(
        "door", health.door(configuration.smtp), "Mail waits at your mail server.", "manage.py up starts all."
    )


def workers() -> Iterator[Finding]:
    late = heartbeats.late()
    if late:
        yield wrong(
            "workers",
            f"Nothing was heard of the worker for {' and '.join(late)} for 30 seconds.",
            "What is due in its queue waits.",
            f"Start it: manage.py worker --queues {','.join(late)}; and the scheduler: manage.py beat.",
        )
    else:
        yield well("workers", "Every queue's worker was heard of in the last 30 seconds.")


def database() -> Iterator[Finding]:
    state = health.database()
    if state != health.OK:
        yield _of_health("database", state, "Nothing is known or done without it.", "Start it or mend the setting.")
        return
    version = connection.get_database_version()
    shown = ".".join(map(str, version))
    oldest = OLDEST.get(connection.vendor)
    if oldest is None or version < oldest:
        yield wrong(
            "database",
            f"It is {connection.display_name} {shown}.",
            "Letterlock is not tried with it.",
            "Use PostgreSQL 15 or newer, or the SQLite that comes with Python.",
        )
    else:
        yield well("database", f"{connection.display_name} {shown}.")


def committed() -> Iterator[Finding]:
    """Whether PostgreSQL has a row on its disk when it says so; SQLite is told to by settings."""
    if connection.vendor != "postgresql" or health.database() != health.OK:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit') AND setting = 'off'")
        off = sorted(name for (name,) in cursor.fetchall())
    if off:
        yield wrong(
            "database's disk",
            f"PostgreSQL is told {' and '.join(f'{name} = off' for name in off)}.",
            "After a power cut the rows of mail that was answered 250 can be gone.",
            "Set on for both (postgresql.conf, ALTER SYSTEM, ALTER DATABASE or ALTER ROLE) and reload PostgreSQL.",
        )
    else:
        yield well("database's disk", "A row is on it before PostgreSQL says that it is kept.")


def tables() -> Iterator[Finding]:
    if health.database() != health.OK:
        return  # said already; `prepare` would help nobody
    why = "Parts of this version look for tables that are not there."
    yield _of_health("migrations", health.migrated(), why, "Run: manage.py prepare")


def needed() -> Iterator[Finding]:
    fix = "Start it, or mend LETTERLOCK_BROKER_URL and start all parts anew."
    yield _of_health("broker", health.broker(), "Nobody wakes the workers, so mail and passcodes wait.", fix)
    yield _of_health("storage", health.blobs(), "Large messages wait and cannot be opened.", "Start or mend the store.")
    yield _of_health("spool", health.spool(), "No mail is taken in.", "Make room, or mend the folder's rights.")


def previews() -> Iterator[Finding]:
    """On this host, in this process's own surroundings: a unit or a container may allow less, or more."""
    check = "previews"
    if not sandbox.available():
        yield notice(
            check,
            "No file can be shown as pictures: bubblewrap is missing, or may not make user namespaces here.",
            "What may not be downloaded cannot be seen at all; all else can only be downloaded.",
            "Run: apt-get install bubblewrap. In a container, and where the kernel forbids it: docs/previews.md.",
        )
    elif not sandbox.office_available():
        yield notice(
            check,
            "Office files cannot be shown as pictures: LibreOffice is missing. PDF, pictures, text and tables can.",
            "Office files that may not be downloaded cannot be seen at all.",
            "Run: apt-get install --no-install-recommends " + " ".join(OFFICE_PACKAGES),
        )
    else:
        yield well(check, "PDF, pictures, text, tables and office files are shown from inside the sandbox.")


def scanner(configuration: Configuration) -> Iterator[Finding]:
    if not configuration.virus_scanner:
        yield well("virus scanner", "None is set; nothing is looked at for viruses here.")
        return
    try:
        found = viruses.version()
    except viruses.ScannerError as error:
        yield wrong("virus scanner", str(error), "Protected mail waits, and readers can add no files.", "Start clamd.")
        return
    if found.is_old(timezone.now()):
        age = f"of {found.signatures_at:%d %B %Y, %H:%M}" if found.signatures_at else "without a date"
        yield notice(
            "virus scanner",
            f"ClamAV {found.engine} answers, with signatures {age}.",
            "It does not know what has come since.",
            "Start freshclam, or see in its log why it fetches none.",
        )
    elif (host := urlsplit(configuration.virus_scanner).hostname) and not is_loopback(host):
        yield notice(
            "virus scanner",
            f"ClamAV {found.engine} answers, on another host.",
            "What it looks at crosses the network in clear.",
            "Run clamd on this host and name its socket, or reach it through a tunnel.",
        )
    else:
        yield well("virus scanner", f"ClamAV {found.engine} answers, with signatures of the last 48 hours.")


def _of_health(check: str, state: str, why: str, fix: str) -> Finding:
    return well(check, "Works.") if state == health.OK else wrong(check, state, why, fix)
