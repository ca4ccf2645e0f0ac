"""What to publish in DNS for a brand as its draft has it, and a look at all of it at once."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from branding import addresses
from branding.models import Brand
from portal.delivery import records, resolving
from portal.delivery.models import DkimKey
from portal.delivery.records import Checked, Record, State

SECONDS = 6.0
"""All DNS questions of one look together."""


@dataclass(frozen=True)
class Line:
    """A record to publish, and what DNS has, if it was looked up."""

    record: Record
    checked: Checked | None = None


def shown(brand: Brand) -> dict[str, Any]:
    """What the page shows besides its fields: what to publish, and the keys that sign."""
    domain = addresses.portal_address(brand).rpartition("@")[2]
    return {
        "records": [Line(one) for one in records.records_of(brand)],
        "sending_domain": domain,
        "keys": list(DkimKey.objects.filter(domain=domain).order_by("-active", "-made_at")),
    }


def looked_up(wanted: Sequence[Record]) -> list[Line]:
    """All at once, so that one server that says nothing costs the others no time."""
    resolving.forget()
    pool = ThreadPoolExecutor(max_workers=8)
    asked = [pool.submit(records.check, one) for one in wanted]
    wait(asked, timeout=SECONDS)
    pool.shutdown(wait=False, cancel_futures=True)
    silent = Checked(State.UNKNOWN, (), _("No name server gave an answer."))
    return [
        Line(one, found.result() if found.done() and not found.cancelled() and not found.exception() else silent)
        for one, found in zip(wanted, asked, strict=True)
    ]
