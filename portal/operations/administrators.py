"""The first administrator, who gets in by a one-time link before any address is known."""

from __future__ import annotations

import uuid

from django.db import transaction

from portal.access import entry, grants
from portal.access.models import Person
from portal.access.people import NO_PASSWORD


def first_link() -> str | None:
    """Make the first administrator and give their one-time link; None when there is an administrator already."""
    with transaction.atomic():
        if Person.objects.filter(role=Person.Role.OWNER).exists():
            return None
        # People are found by the hash of their address; this is a name that no address hashes to.
        owner = Person(lookup=f"owner-{uuid.uuid4().hex}", role=Person.Role.OWNER, password=NO_PASSWORD)
        grants.seal(owner)
        owner.save(force_insert=True)
        return entry.link(entry.make(owner))
