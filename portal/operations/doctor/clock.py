"""Clocks: of this host, of the database and of what the public address passes through."""

from __future__ import annotations

import http.client
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from django.db import connection

from portal.configuration import Configuration
from portal.operations.doctor.finding import Finding, notice, unknown, well, wrong

NOTED, TOO_FAR = 2.0, 30.0
"""Seconds apart; a lease lasts 30."""
SECONDS = 4.0
_WHY = "Leases, passcodes and the days of keys go by the clock: hosts that disagree do work twice or too early."
_FIX = "Let every host keep time by NTP: timedatectl set-ntp true."


def database() -> Iterator[Finding]:
    if connection.vendor == "sqlite":
        yield well("database clock", "Not needed: the database is in this process.")
        return
    before = datetime.now(UTC)
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        theirs = cursor.fetchone()[0]
    yield judged("database clock", apart(theirs, before, datetime.now(UTC)))


def public(configuration: Configuration) -> Iterator[Finding]:
    """By the Date header (RFC 9110 section 6.6.1) of the public address; it counts whole seconds."""
    check = "clock at the public address"
    where = urlsplit(configuration.public_url)
    line: http.client.HTTPConnection
    if configuration.https:
        context = ssl.create_default_context()
        line = http.client.HTTPSConnection(where.hostname or "", where.port or 443, timeout=SECONDS, context=context)
    else:
        line = http.client.HTTPConnection(where.hostname or "", where.port or 80, timeout=SECONDS)
    before = datetime.now(UTC).replace(microsecond=0)
    try:
        line.request("GET", "/livez")
        date = line.getresponse().headers.get("Date", "")
        theirs = parsedate_to_datetime(date)
    except (OSError, http.client.HTTPException, ValueError, TypeError):
        yield unknown(
            check,
            f"{configuration.public_url}/livez gave no Date.",
            "Start the web part, and the TLS proxy before it. Any answer of theirs tells the time, be it 404.",
        )
        return
    finally:
        line.close()
    yield judged(check, apart(theirs, before, datetime.now(UTC)))


def apart(theirs: datetime, before: datetime, after: datetime) -> float:
    """Seconds by which another clock is surely ahead of ours, which said `before` and `after` when it was read: how
    long the answer took is no difference between clocks.
    """
    return (theirs - min(max(theirs, before), after)).total_seconds()


def judged(check: str, ahead: float) -> Finding:
    """By how many seconds another clock is ahead of ours."""
    if abs(ahead) <= NOTED:
        return well(check, "It agrees with this host's.")
    seen = f"It is {abs(ahead):.0f} seconds {'ahead of' if ahead > 0 else 'behind'} this host's."
    return (wrong if abs(ahead) > TOO_FAR else notice)(check, seen, _WHY, _FIX)


def synchronised() -> Iterator[Finding]:
    check = "NTP"
    program = shutil.which("timedatectl")
    said = ""
    if program:
        try:
            done = subprocess.run(
                [program, "show", "-p", "NTPSynchronized", "--value"], capture_output=True, timeout=SECONDS, check=False
            )
            said = done.stdout.decode("ascii", "replace").strip()
        except (OSError, subprocess.TimeoutExpired):
            said = ""
    if said == "yes":
        yield well(check, "This host's clock is kept by NTP.")
    elif said == "no":
        yield notice(check, "This host's clock is not kept by NTP.", _WHY, _FIX)
    else:
        yield unknown(
            check,
            "there is no timedatectl that answers, as in most containers.",
            "Look on the machine below: timedatectl show -p NTPSynchronized.",
        )
