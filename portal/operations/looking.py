"""The doctor's findings, kept: what each check said last, and since when it has been so."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from branding.models import Brand
from portal.configuration import Configuration
from portal.operations.doctor import beside
from portal.operations.doctor.examining import Area, examine
from portal.operations.doctor.examining import all_of as asked_of
from portal.operations.doctor.finding import Finding, State
from portal.operations.doctor.names import Names
from portal.operations.logs import hide
from portal.operations.models import Looked
from portal.operations.release import VERSION

FRESH = timedelta(seconds=30)
"""Who looks again sooner sees the same: looking asks many others."""
_NUMBERS = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b|\b[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){3,7}\b", re.IGNORECASE)


def look(configuration: Configuration, now: datetime) -> None:
    """Examine everything and keep what was found; takes some seconds."""
    last = Looked.objects.order_by("-at").values_list("at", flat=True).first()
    if last is not None and now - last < FRESH:
        return
    keep([*examine(configuration), *_beside(configuration)], now)


def keep(areas: Iterable[Area], now: datetime) -> None:
    """Write what was found; what is not looked at any more goes."""
    found = {f"{area.name}/{one.check}"[:120]: one for area in areas for one in area.findings}
    with transaction.atomic():
        before = Looked.objects.in_bulk(list(found))
        Looked.objects.exclude(pk__in=list(found)).delete()
        rows = [_row(name, one, before.get(name), now) for name, one in found.items()]
        Looked.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["name"],
            update_fields=["state", "seen", "why", "fix", "since", "at"],
        )


def _row(name: str, one: Finding, before: Looked | None, now: datetime) -> Looked:
    since = before.since if before is not None and before.state == one.state else now
    return Looked(name=name, state=one.state, seen=one.seen, why=one.why, fix=one.fix, since=since, at=now)


def _beside(configuration: Configuration) -> list[Area]:
    names = Names(configuration.dns)
    return [
        Area("DNS", tuple(asked_of("DNS", [lambda: beside.policies(configuration, names)]))),
        Area("keys", tuple(asked_of("keys", [beside.restored]))),
        Area("version", tuple(asked_of("version", [beside.version]))),
    ]


def rows() -> list[Looked]:
    """What was found last, the worst first, else by area."""
    return list(Looked.objects.order_by("-state", "name"))


def for_support() -> str:
    """The same as text that may be sent to strangers: without addresses, hosts, domains, brands or networks."""
    found = rows()
    at = found[0].at.isoformat(timespec="minutes") if found else "never"
    lines = [f"Letterlock {VERSION}, looked at {at}", ""]
    for row in found:
        lines.append(f"{State(row.state).word:6}  {row.name}  since {row.since:%Y-%m-%d %H:%M}Z")
        if row.state != State.WELL:
            lines += [f"        {row.seen}", f"        {row.fix}"]
    return redacted("\n".join(lines) + "\n")


def redacted(text: str) -> str:
    """Names of ours become words for what they are."""
    chosen = settings.LETTERLOCK
    names = {chosen.public_host: "<portal>", str(chosen.data): "<data>"}
    for number, domain in enumerate(sorted(chosen.inside_domains), 1):
        names[domain] = f"<domain {number}>"
    for number, (host, name) in enumerate(Brand.objects.order_by("pk").values_list("host", "name"), 1):
        names.setdefault(host, f"<brand {number}>")
        names.setdefault(name, f"<brand {number}>")
    hidden = hide(text)
    for name in sorted((name for name in names if len(name) > 2), key=len, reverse=True):
        hidden = names[name].join(re.split(re.escape(name), hidden, flags=re.IGNORECASE))
    return _NUMBERS.sub("<address>", hidden)
