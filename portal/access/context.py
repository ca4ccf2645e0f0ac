"""What every template knows about who is signed in."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.translation import gettext as _

from portal.access import people
from portal.access.models import Person

OFFICE = "/admin/"


def person(request: HttpRequest) -> dict[str, object]:
    """Context processor: `signed_in_as`, the own address of whoever is signed in here, or "".

    On the administrator's pages that is the administrator, on all others the reader.
    """
    if not request.path.startswith(OFFICE):
        return {"signed_in_as": getattr(request, "session_address", "")}
    administrator: Person | None = getattr(request, "office_person", None)
    # The first administrator is made before any address is known.
    return {"signed_in_as": people.address_of(administrator) or _("Administrator") if administrator else ""}
