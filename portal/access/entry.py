"""One-time links by which an administrator gets in: made on the command line, good once and for a day."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from branding import choosing
from portal.access import cookies
from portal.access.models import EntryLink, Person
from portal.audit.record import record

LIFE = timedelta(hours=24)


def make(person: Person) -> str:
    """A new secret (43 characters) for an administrator's link; only its digest is kept."""
    secret = cookies.new_token()
    EntryLink.objects.create(token=cookies.digest(secret), person=person, expires_at=timezone.now() + LIFE)
    record("administrator.link_made")
    return secret


def link(secret: str) -> str:
    """The whole address to open, on the default brand's host."""
    return choosing.origin(choosing.default()) + reverse("enter", args=[secret])


def is_good(secret: str) -> bool:
    """Whether a link would let someone in; changes nothing."""
    return _good(secret).exists()


def redeem(secret: str) -> Person | None:
    """Use a link up and give its administrator; None when it is used, too old, unknown, or theirs no more."""
    row = _good(secret).select_related("person").first()
    # The condition is the lock: of two who press at once, one row is changed and one person is in.
    if row is None or not EntryLink.objects.filter(pk=row.pk, used_at=None).update(used_at=timezone.now()):
        return None
    record("administrator.entered")
    return row.person


def _good(secret: str) -> QuerySet[EntryLink]:
    return EntryLink.objects.filter(
        token=cookies.digest(secret), used_at=None, expires_at__gt=timezone.now(), person__role=Person.Role.OWNER
    )
