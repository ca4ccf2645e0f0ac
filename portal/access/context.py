"""What every template knows about who is signed in."""

from __future__ import annotations

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from portal.access import people, sessions
from portal.access.models import Person, Session

OFFICE, SENT, INBOX = "/admin/", "/sent/", "/inbox/"


def person(request: HttpRequest) -> dict[str, object]:
    """Context processor: `signed_in_as`, the own address of whoever is signed in here, or "".

    On the administrator's pages that is the administrator, on those about what was sent the sender, on all others the
    reader; then also `inbox_url`, "" where the session is for one message, and `session_over_in`, the seconds that it
    lasts if nothing is done.
    """
    if request.path.startswith(SENT):
        return _sender(request)
    if not request.path.startswith(OFFICE):
        return {"signed_in_as": getattr(request, "session_address", ""), **_session(request)}
    administrator: Person | None = getattr(request, "office_person", None)
    # The first administrator is made before any address is known.
    return {"signed_in_as": people.address_of(administrator) or _("Administrator") if administrator else ""}


def _sender(request: HttpRequest) -> dict[str, object]:
    row: Session | None = getattr(request, "sender_row", None)
    shown = {"inbox_url": "", "session_over_in": _left(row) if row else 0}
    urls = {"session_url": reverse("sent-session"), "own_url": reverse("sent-settings")}
    return {"signed_in_as": people.address_of(row.person) if row else "", **shown, **urls}


def _session(request: HttpRequest) -> dict[str, object]:
    row: Session | None = getattr(request, "session_row", None)
    if row is None:
        return {"inbox_url": "", "session_over_in": 0}
    return {"inbox_url": "" if sessions.is_for_one_message(row) else INBOX, "session_over_in": _left(row)}


def _left(row: Session) -> int:
    return max(1, int((sessions.over_at(row) - timezone.now()).total_seconds()))
