"""MTA-STS policies, remembered: fetched anew each day, and kept while that fails (RFC 8461 section 3.3)."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import cbor2
from django.utils import timezone

from portal.delivery import lanes, resolving, results
from portal.delivery.errors import Deferred
from portal.delivery.models import Lane
from portal.delivery.sts import PolicyUnusable, StsPolicy, fetch
from portal.keys.service import keys

RENEWED_AFTER = timedelta(days=1)
"""Or after half of a policy's life, whichever is first: it must not end while its domain still publishes it."""
AGAIN_AFTER = timedelta(minutes=10)
"""Between fetches that fail; five is the least."""
_RENEWING_SECONDS = 60
"""For one round of renewing; the oldest come first, and the next round is in an hour."""
_RECORD = re.compile(r"v=STSv1\s*;(.*)", re.DOTALL)
_ID = re.compile(r"(?:^|;)\s*id\s*=\s*([A-Za-z0-9]{1,32})\s*(?:;|$)")


@dataclass(frozen=True)
class Known:
    """What is remembered of a domain."""

    policy: StsPolicy | None = None
    """None when none was ever had, or its time is over."""
    old: bool = False
    """Whether it should be fetched anew although its id is the same."""
    tried: bool = False
    """Whether a fetch failed a moment ago."""


def policy_of(domain: str, ask: Callable[[Callable[[], Any]], Any] = lambda call: call()) -> StsPolicy | None:
    """The domain's policy; None when it publishes none.

    A policy that was fetched once holds until its time, whatever happens to its record or its web server meanwhile
    (section 5.1): else whoever can drop an answer could take the protection away. `ask` has the database's part done
    (Desk.ask).

    Raises:
        PolicyUnusable: one is announced for the first time and cannot be had.
    """
    known: Known = ask(partial(_known, domain))
    policy = known.policy
    try:
        id_ = _announced(domain)
    except Deferred:
        id_ = ""
    if policy is not None and id_ in ("", policy.id) and not known.old:
        return policy
    if policy is None and not id_:
        return None
    try:
        if known.tried:
            raise PolicyUnusable("sts-policy-fetch-error")
        found = fetch(domain, id_ or (policy.id if policy else ""))
    except PolicyUnusable:
        if not known.tried:
            ask(partial(_note_failure, domain))
        if policy is not None:
            return policy
        raise
    ask(partial(_keep, domain, found))
    return found


def renew_due(now: datetime) -> int:
    """Fetch old policies of domains that mail went to in the last 90 days, as long as a minute allows; how many there
    were. Without it one would end between two mails, and the next mail could be robbed of it as a first one can."""
    until, tried = time.monotonic() + _RENEWING_SECONDS, 0
    used = Lane.objects.filter(sts_until__gt=now, last_at__gt=now - results.KEPT).exclude(sts=b"")
    for lane in used.order_by("sts_until"):
        known = _of_lane(lane, now)
        if known.old and not known.tried:
            if time.monotonic() > until:
                break
            policy_of(lanes.name_of(lane))
            tried += 1
    return tried


def _announced(domain: str) -> str:
    """The id of the TXT record at _mta-sts, "" for none; of several none counts (section 3.1)."""
    found = [match.group(1) for text in resolving.txt(f"_mta-sts.{domain}") if (match := _RECORD.match(text))]
    if len(found) != 1:
        return ""
    id_ = _ID.search(found[0])
    return id_.group(1) if id_ else ""


def _known(domain: str) -> Known:
    lane = Lane.objects.filter(pk=lanes.lane_id(domain)).first()
    return _of_lane(lane, timezone.now()) if lane is not None else Known()


def _of_lane(lane: Lane, now: datetime) -> Known:
    tried = lane.sts_failed_at is not None and lane.sts_failed_at > now - AGAIN_AFTER
    if not lane.sts or lane.sts_until is None or lane.sts_until <= now:
        return Known(tried=tried)
    id_, mode, mx, max_age = cbor2.loads(keys().open_field("lane-sts", lane.id, bytes(lane.sts)))
    age = now - (lane.sts_until - timedelta(seconds=max_age))
    old = age >= min(RENEWED_AFTER, timedelta(seconds=max_age) / 2)
    return Known(StsPolicy(id_, mode, tuple(mx), max_age), old, tried)


def _keep(domain: str, policy: StsPolicy) -> None:
    lane = lanes.named(domain)
    document = cbor2.dumps([policy.id, policy.mode, list(policy.mx), policy.max_age])
    sealed = keys().seal_field("lane-sts", lane.pk, document)
    until = timezone.now() + timedelta(seconds=policy.max_age)
    Lane.objects.filter(pk=lane.pk).update(sts=sealed, sts_until=until, sts_failed_at=None)


def _note_failure(domain: str) -> None:
    Lane.objects.filter(pk=lanes.named(domain).pk).update(sts_failed_at=timezone.now())
