"""Whether more passcode mail is asked for than may leave."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils import timezone

from portal.access import alarms
from portal.access.models import CeilingReached
from portal.operations.doctor.finding import Finding, notice, well

CHECK = "passcode mail"


def ceilings() -> Iterator[Finding]:
    reached = alarms.current()
    if not reached:
        yield well(CHECK, "No ceiling is reached.")
    for row in reached:
        said = alarms.words(CeilingReached.Ceiling(row.ceiling), row.brand)
        since = timezone.localtime(row.began_at).strftime("%d %B, %H:%M")
        yield notice(CHECK, f"{said.what} Since {since}.", said.noticed, said.first)
