"""One-time links with which an administrator signs in first."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from portal.access.models import EntryLink, Person

LINK_LIFE = timedelta(hours=24)


def first_link(public_url: str) -> str | None:
    """Make the first administrator with a link when there is none; None when there is one already."""
    with transaction.atomic():
        if Person.objects.filter(role=Person.Role.OWNER).exists():
            return None
        return _link(_new_owner(), public_url)


def new_link(public_url: str) -> str:
    """A fresh link for the administrator, who is made if need be; links that were not used yet stop working."""
    with transaction.atomic():
        owner = Person.objects.filter(role=Person.Role.OWNER).order_by("id").first() or _new_owner()
        EntryLink.objects.filter(person=owner, used_at=None).delete()
        return _link(owner, public_url)


def digest(secret: str) -> bytes:
    """What is stored of a link's secret: SHA-256, 32 bytes, so that a dump of the database signs nobody in."""
    return hashlib.sha256(secret.encode()).digest()


def _new_owner() -> Person:
    # No address is known yet, so the name that people are found by is one that no address can hash to.
    return Person.objects.create(lookup=f"owner-{uuid.uuid4().hex}", role=Person.Role.OWNER)


def _link(owner: Person, public_url: str) -> str:
    secret = secrets.token_urlsafe(32)
    EntryLink.objects.create(token=digest(secret), person=owner, expires_at=timezone.now() + LINK_LIFE)
    return f"{public_url}/admin/enter/{secret}"
