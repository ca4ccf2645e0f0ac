"""Telling webhooks: entries of the record become deliveries, and each is sent until the other side takes it.

Standard Webhooks (standardwebhooks.com): signed with HMAC-SHA256 over id, time and body, tried again for three days.
What is told was signed before (portal.audit.sequencing), so it is told in the record's order, and nothing is left out.
"""

from __future__ import annotations

import base64
import hmac
import json
import time
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from portal.api import posting, webhooks
from portal.api.errors import EntryGone
from portal.api.models import Delivery, Webhook
from portal.audit.leaves import moment
from portal.audit.models import Entry, Leaf
from portal.audit.record import plain, record
from portal.lifecycle.actors import COMMAND, Actor

PAUSES = tuple(
    timedelta(seconds=seconds) for seconds in (5, 300, 1800, 7200, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
)
"""After each try that failed; after the last one it is given up, some three days after the first."""
KEPT = timedelta(days=30)
AT_ONCE = 500
"""Entries that a webhook is given a time."""
RUN_SECONDS = 30
_LEASE = timedelta(seconds=60)
"""A try takes a sixth of it; a delivery whose worker died is tried again after that."""
GONE = 410
ENTRY_GONE = "the entry is gone"


def tell(now: datetime) -> int:
    """Make deliveries of what is new, and send what is due for half a minute at most. Returns how many are over."""
    for hook in Webhook.objects.filter(on=True):
        while _feed(hook.pk, now) == AT_ONCE:
            pass
    sent, until = 0, time.monotonic() + RUN_SECONDS
    troubled: set[uuid.UUID] = set()
    while time.monotonic() < until and (delivery := _claim(troubled)):
        if _try(delivery):
            sent += 1
        else:
            troubled.add(delivery.webhook_id)  # the others of one that is away wait for the next round
    return sent


def again(hook: Webhook, deliveries: Iterable[Delivery], by: Actor = COMMAND) -> int:
    """Send these of a webhook once more, as if they were new. Returns how many."""
    chosen = hook.deliveries.filter(pk__in=[delivery.pk for delivery in deliveries])
    with transaction.atomic():
        number = chosen.update(state=Delivery.State.WAITING, due_at=timezone.now(), tries=0)
        record("webhook.redelivered", webhook=str(hook.pk), deliveries=number, **by.facts())
    return number


def test(hook: Webhook) -> Delivery:
    """Send an event that tells of nothing, now. Returns its delivery with what came of it."""
    now = timezone.now()
    delivery = Delivery.objects.create(webhook=hook, made_at=now, due_at=now + _LEASE)
    _try(delivery)
    delivery.refresh_from_db()
    return delivery


def tidy(now: datetime) -> int:
    """Forget deliveries of a month ago that are over."""
    over = Delivery.objects.filter(made_at__lt=now - KEPT).exclude(state=Delivery.State.WAITING)
    return over.delete()[0]


def body_of(delivery: Delivery) -> bytes:
    """What is sent: kind, time, and the entry as the record has it now, who and how erased or not.

    Raises EntryGone when somebody took the entry out of the table.
    """
    if delivery.entry is None:
        told: dict[str, object] = {"type": "test", "timestamp": moment(delivery.made_at), "data": {}}
        return json.dumps(told).encode()
    entry = Entry.objects.filter(pk=delivery.entry).first()
    if entry is None:
        raise EntryGone
    data = plain(entry)
    return json.dumps({"type": data.pop("kind"), "timestamp": data.pop("at"), "data": data}).encode()


def signature(secrets: list[bytes], id_: str, at: int, body: bytes) -> str:
    """The webhook-signature header: one `v1,…` for each secret."""
    signed = f"{id_}.{at}.".encode() + body
    return " ".join(f"v1,{base64.b64encode(hmac.digest(secret, signed, 'sha256')).decode()}" for secret in secrets)


def _feed(hook_id: uuid.UUID, now: datetime) -> int:
    with transaction.atomic():
        found = Webhook.objects.select_for_update().filter(pk=hook_id, on=True).first()
        if found is None:
            return 0
        leaves = list(Leaf.objects.filter(index__gte=found.next_index).order_by("index")[:AT_ONCE])
        if not leaves:
            return 0
        kinds = dict(Entry.objects.filter(pk__in=[leaf.entry for leaf in leaves]).values_list("pk", "kind"))
        Delivery.objects.bulk_create(
            Delivery(webhook=found, entry=leaf.entry, made_at=now, due_at=now)
            for leaf in leaves
            if webhooks.wants(found, kinds.get(leaf.entry, "webhook."))
        )
        found.next_index = leaves[-1].index + 1
        found.save(update_fields=["next_index"])
        return len(leaves)


def _claim(troubled: set[uuid.UUID]) -> Delivery | None:
    """The next one that is due, taken so that no other worker sends it as well."""
    now = timezone.now()
    due = Delivery.objects.filter(state=Delivery.State.WAITING, due_at__lte=now, webhook__on=True)
    with transaction.atomic():
        chosen = due.exclude(webhook__in=troubled).order_by("due_at", "entry")
        if connection.features.has_select_for_update_skip_locked:
            chosen = chosen.select_for_update(skip_locked=True, of=("self",))
        delivery = chosen.first()
        if delivery is not None:
            delivery.due_at = now + _LEASE
            delivery.save(update_fields=["due_at"])
    return delivery


def _try(delivery: Delivery) -> bool:
    hook = delivery.webhook
    known, now = webhooks.where(hook), timezone.now()
    try:
        body, id_ = body_of(delivery), f"msg_{delivery.id.hex}"
    except EntryGone:
        # There is nothing to tell, and never will be: manage.py audit verify says that the record was changed.
        _settle(delivery, good=False, answer=ENTRY_GONE, over=True)
        return True
    at = int(now.timestamp())
    headers = {
        "webhook-id": id_,
        "webhook-timestamp": str(at),
        "webhook-signature": signature(known.secrets(now), id_, at, body),
    }
    try:
        status = posting.post(known.url, body, headers, private=hook.private)
        good, answer = 200 <= status < 300, str(status)
    except posting.NotPosted as error:
        status, good, answer = 0, False, str(error)
    _settle(delivery, good=good, answer=answer)
    if status == GONE and delivery.entry is not None:
        webhooks.switch(hook, on=False, reason="gone")  # the other side says that it wants no more
    return good


def _settle(delivery: Delivery, *, good: bool, answer: str, over: bool = False) -> None:
    over = over or delivery.entry is None or delivery.tries >= len(PAUSES)
    delivery.answer = answer
    with transaction.atomic():
        if good:
            delivery.state = Delivery.State.DELIVERED
        elif over:
            delivery.state = Delivery.State.FAILED
            if delivery.entry is not None:
                reason = "entry_gone" if answer == ENTRY_GONE else "not_taken"
                record("webhook.given_up", webhook=str(delivery.webhook_id), delivery=str(delivery.pk), reason=reason)
        else:
            delivery.due_at = timezone.now() + PAUSES[delivery.tries]
        delivery.tries += 1
        delivery.save(update_fields=["state", "answer", "tries", "due_at"])
