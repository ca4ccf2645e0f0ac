"""One-time links by which an administrator gets in: printed on the command line or mailed, good once and for a day."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from branding import choosing
from portal.access import budgets, cookies, grants, people, roles
from portal.access.models import EntryLink, Person
from portal.audit.record import record

LIFE = timedelta(hours=24)
PATH = "admin/enter/"
"""Where links lead to. By its name it could be found only by loading every page, which takes half of a first start."""


def make(person: Person, *, mailed: bool = False) -> str:
    """A new secret (43 characters) for an administrator's link; only its digest is kept, and older ones end."""
    secret = cookies.new_token()
    with budgets.one_at_a_time(person.id.bytes):
        older = EntryLink.objects.filter(person=person, used_at=None)
        ended = list(older)
        older.delete()
        row = EntryLink(token=cookies.digest(secret), person=person, mailed=mailed, expires_at=timezone.now() + LIFE)
        grants.seal(row)
        row.save(force_insert=True)
        record("administrator.link_made", person=str(person.id), mailed=mailed)
        grants.end(*ended)
    return secret


def link(secret: str) -> str:
    """The whole address to open, on the default brand's host."""
    return f"{choosing.origin(choosing.default())}/{PATH}{secret}"


def find(secret: str) -> EntryLink | None:
    """The row of a link that would let someone in; None when it is used, too old, unknown, or theirs no more."""
    row = _good(secret).select_related("person").first()
    return row if row is not None and grants.is_whole(row) and roles.permissions_of(row.person) else None


def is_theirs(row: EntryLink, address: str) -> bool:
    """Whether what was typed is the address that the link was mailed to; true for a link that nobody mailed."""
    return not row.mailed or people.has_address(row.person, address)


def redeem(row: EntryLink) -> Person | None:
    """Use a link up and give its administrator; None when another was quicker."""
    with transaction.atomic():
        # The condition is the lock: of two who press at once, one row is changed and one person is in.
        if not EntryLink.objects.filter(pk=row.pk, used_at=None).update(used_at=timezone.now()):
            return None
        grants.end(row)
    return row.person


def _good(secret: str) -> QuerySet[EntryLink]:
    return EntryLink.objects.filter(
        token=cookies.digest(secret), used_at=None, expires_at__gt=timezone.now(), person__role__in=roles.OFFICE
    )
