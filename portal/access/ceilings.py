"""How much passcode mail one network, or all strangers together at one brand, may cause in an hour.

Budgets protect each mailbox (portal.access.budgets); these protect the many mailboxes that one stranger could name.
Rows in the database, so that no restart and no broker forgets them. A browser in which the address proved itself
before passes them all: a ceiling must not become the way to lock a whole brand out.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from branding.models import Brand
from portal.access import alarms
from portal.access.budgets import HOUR, NOWHERE, Limit, Origin, opens
from portal.access.models import Asked, CeilingReached
from portal.keys.service import keys
from portal.networks import client_network

NETWORKS_AROUND = 4
"""What a whole /48 may cause, in shares of one network: homes are given a /56 or a /48, whose every /64 would else be a
stranger of its own, and 65,536 of them would reach any brand's ceiling."""
THIS_COMPUTER = ("127.0.0.0/24", "::/64")
C = CeilingReached.Ceiling


@dataclass(frozen=True)
class _Ceiling:
    """Rows that count together, and how many may."""

    kind: C
    rows: QuerySet[Asked]
    count: int


def origin_of(environ: Mapping[str, Any]) -> Origin:
    """Where a request (its WSGI environ) comes from, as one of our TLS proxies says if it is from there.

    Nowhere for this computer: its own requests are no stranger's, and a proxy on it that forgets to say for whom it
    asks would make one network of all the world.
    """
    configuration = settings.LETTERLOCK
    name = client_network(environ, configuration.proxies if configuration.https else ())
    if name in ("", *THIS_COMPUTER):
        return NOWHERE
    network = ipaddress.ip_network(name)
    around = "" if network.version == 4 else str(network.supernet(new_prefix=48))
    return Origin(keys().lookup("network", name), keys().lookup("network", around) if around else b"")


def reached(brand: Brand, origin: Origin, now: datetime) -> datetime | None:
    """When a stranger from there may cause a mail again; None when now. Tells administrators when a ceiling is reached.

    Counted without a lock: requests in the same moment may overstep a ceiling by as many as there are threads.
    """
    for ceiling in _ceilings(brand, origin):
        until = opens(ceiling.rows, Limit(ceiling.count, HOUR), now)
        if until is not None:
            alarms.begin(brand, ceiling.kind, now)
            return until
    return None


def _ceilings(brand: Brand, origin: Origin) -> Iterator[_Ceiling]:
    strangers = Asked.objects.filter(trusted=b"")
    each = settings.LETTERLOCK.passcodes_per_network
    if origin.network:
        yield _Ceiling(C.NETWORK, strangers.filter(network=origin.network), each)
    if origin.around:
        yield _Ceiling(C.NETWORK, strangers.filter(around=origin.around), NETWORKS_AROUND * each)
    yield _Ceiling(C.BRAND, strangers.filter(brand=brand), settings.LETTERLOCK.passcodes_per_brand)
