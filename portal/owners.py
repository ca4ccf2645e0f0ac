"""Who decides alone: owners, and whoever is at the command line. What gives mail to further people asks it.

It lies outside the rooms, because rules, brands and the life of a message ask the same, and none of them knows roles.
"""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth import get_user_model

OWNER = "owner"
"""portal.access.models.Person.Role.OWNER; a test holds the two together."""


def decides_alone(by: UUID | None) -> bool:
    """Whether this administrator is an owner now. None is the command line, which has the installation in its hands."""
    if by is None:
        return True
    row = get_user_model()._default_manager.filter(pk=by, role=OWNER).first()
    return bool(getattr(row, "is_owner", False))
