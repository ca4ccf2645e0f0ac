"""Webhooks as they are kept: made, changed and found, their address and secrets sealed."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from urllib.parse import urlsplit
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from portal.api.errors import WebhookRefused
from portal.api.models import Delivery, Webhook
from portal.audit.models import Tree
from portal.audit.record import by_whom, record
from portal.keys.service import keys

SECRET_PREFIX = "whsec_"  # noqa: S105 # the form of Standard Webhooks, no secret
_SECRET_BYTES = 32
OLD_SECRET_FOR = timedelta(days=1)
"""For so long both sign, so that the other side can change over."""
LONGEST_URL = 2000
LONGEST_NAME = 80
MOST_EVENTS = 50
_LABEL = "webhook"
_KIND = re.compile(r"[a-z]+\.(\*|[a-z_]+)")
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")


@dataclass(frozen=True)
class Where:
    """What is sealed of a webhook."""

    url: str = field(repr=False)
    secret: str = field(repr=False)
    """Base64, without its prefix."""
    old_secret: str = field(default="", repr=False)
    old_until: str = ""

    def secrets(self, now: datetime) -> list[bytes]:
        """Keys to sign with, the newest first."""
        found = [self.secret]
        if self.old_secret and datetime.fromisoformat(self.old_until) > now:
            found.append(self.old_secret)
        return [base64.b64decode(secret) for secret in found]


def add(name: str, url: str, events: Sequence[str], *, private: bool, by: UUID | None = None) -> tuple[Webhook, str]:
    """A webhook that is told everything recorded from now on, and its secret, to be shown once. WebhookRefused.

    `by` is the administrator's row, here and below; None on the command line.
    """
    name = name.strip()
    if wrong := faults(name, url, events, private=private):
        raise WebhookRefused(" ".join(wrong.values()))
    tree = Tree.objects.filter(pk=1).first()
    hook = Webhook(name=name, events=list(events), private=private, next_index=tree.size if tree else 0)
    where = Where(url, _new_secret())
    _seal(hook, where)
    try:
        with transaction.atomic():
            hook.save(force_insert=True)
            record("webhook.added", webhook=str(hook.id), by=by_whom(by))
    except IntegrityError:
        raise WebhookRefused(
            "There is a webhook of this name. Choose another name, or remove that one first."
        ) from None
    return hook, SECRET_PREFIX + where.secret


def find(name: str) -> Webhook:
    """By its name. WebhookRefused when there is none."""
    hook = Webhook.objects.filter(name=name).first()
    if hook is None:
        raise WebhookRefused("There is no webhook of this name; `manage.py webhook list` shows them.")
    return hook


def where(hook: Webhook) -> Where:
    """Its address and secrets."""
    return Where(**json.loads(keys().open_field(_LABEL, hook.id, bytes(hook.sealed))))


def renew_secret(hook: Webhook, *, by: UUID | None = None) -> str:
    """A new secret, to be shown once; the old one signs as well for a day."""
    known = where(hook)
    until = (timezone.now() + OLD_SECRET_FOR).isoformat()
    fresh = replace(known, secret=_new_secret(), old_secret=known.secret, old_until=until)
    with transaction.atomic():
        _seal(hook, fresh)
        hook.save(update_fields=["sealed"])
        record("webhook.secret_renewed", webhook=str(hook.id), by=by_whom(by))
    return SECRET_PREFIX + fresh.secret


def switch(hook: Webhook, *, on: bool, reason: str = "asked", by: UUID | None = None) -> None:
    """Off: nothing is sent and nothing is forgotten. On again: what waits is sent at once."""
    with transaction.atomic():
        Webhook.objects.filter(pk=hook.pk).update(on=on)
        if on:
            hook.deliveries.filter(state=Delivery.State.WAITING).update(due_at=timezone.now())
        record("webhook.switched", webhook=str(hook.id), on=on, reason=reason, by=by_whom(by))


def remove(hook: Webhook, *, by: UUID | None = None) -> None:
    """With all that waits for it."""
    with transaction.atomic():
        record("webhook.removed", webhook=str(hook.id), by=by_whom(by))
        hook.delete()


def wants(hook: Webhook, kind: str) -> bool:
    """Whether a webhook is told of this kind. None is told of webhooks: one that failed would tell of failing."""
    family, _, _ = kind.partition(".")
    return family != "webhook" and (not hook.events or kind in hook.events or f"{family}.*" in hook.events)


def faults(name: str, url: str, events: Sequence[str], *, private: bool) -> dict[str, str]:
    """All that keeps a webhook from being like this: a sentence each, by `name`, `url` and `events`."""
    found: dict[str, str] = {}
    if not name.strip() or len(name.strip()) > LONGEST_NAME:
        found["name"] = f"Give the webhook a name of 1 to {LONGEST_NAME} characters."
    checks: tuple[tuple[str, Callable[[], object]], ...] = (
        ("url", partial(check_url, url, private=private)),
        ("events", partial(_check_events, events)),
    )
    for where, check in checks:
        try:
            check()
        except WebhookRefused as refused:
            found[where] = str(refused)
    return found


def check_url(url: str, *, private: bool) -> None:
    """WebhookRefused unless it is https, or http within a network of one's own."""
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname or ""
    except ValueError:
        raise WebhookRefused("This is no address.") from None
    if parts.scheme != "https" and not (parts.scheme == "http" and private):
        raise WebhookRefused("The address must begin with https://; http:// only within a network of your own.")
    plain = url.isascii() and not any(character <= " " or character == "\x7f" for character in url)
    if not plain or not _HOST.fullmatch(host) or port == 0 or parts.fragment or parts.username is not None:
        raise WebhookRefused("The address must be a plain one: host, path and query, without user name or fragment.")
    if len(url) > LONGEST_URL:
        raise WebhookRefused(f"The address is too long; {LONGEST_URL:,} characters is the limit.")


def _check_events(events: Sequence[str]) -> None:
    if len(events) > MOST_EVENTS:
        raise WebhookRefused(f"Name at most {MOST_EVENTS} kinds of events, or a family like message.*.")
    for event in events:
        if not _KIND.fullmatch(event):
            raise WebhookRefused("An event is written like message.opened, a family of them like message.*.")


def _seal(hook: Webhook, known: Where) -> None:
    hook.sealed = keys().seal_field(_LABEL, hook.id, json.dumps(asdict(known)).encode())


def _new_secret() -> str:
    return base64.b64encode(os.urandom(_SECRET_BYTES)).decode()
