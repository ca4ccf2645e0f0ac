"""What every template knows about who is signed in."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.access import people, sessions
from portal.access.models import Person, Session

OFFICE, INBOX = "/admin/", "/inbox/"


def person(request: HttpRequest) -> dict[str, object]:
    """Context processor: `signed_in_as`, the own address of whoever is signed in here, or "".

    On the administrator's pages that is the administrator, on all others the reader; then also `inbox_url`, "" where
    the session is for one message, and `session_over_in`, the seconds that it lasts if nothing is done.
    """
    if not request.path.startswith(OFFICE):
        return {"signed_in_as": getattr(request, "session_address", ""), **_session(request)}
    administrator: Person | None = getattr(request, "office_person", None)
    # The first administrator is made before any address is known.
    return {"signed_in_as": people.address_of(administrator) or _("Administrator") if administrator else ""}


def _session(request: HttpRequest) -> dict[str, object]:
    row: Session | None = getattr(request, "session_row", None)
    if row is None:
        return {"inbox_url": "", "session_over_in": 0}
    left = (sessions.over_at(row) - timezone.now()).total_seconds()
    return {"inbox_url": "" if sessions.is_for_one_message(row) else INBOX, "session_over_in": max(1, int(left))}
