"""R14, signed-in devices: in which browsers a person reads now, and ending those they do not know or need."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from portal.access import said, sessions, way_in
from portal.access.models import Session
from portal.access.requests import Request
from portal.access.responses import see_other
from portal.access.sections import Section
from portal.audit.record import record

LONGEST_NUMBER = 18
"""Digits of a row's number that any database takes."""


@dataclass(frozen=True)
class Device:
    """One signed-in browser as its owner knows it."""

    number: int
    name: str
    """Like "Safari on iPhone"; "" when the browser said nothing that is known."""
    brand: str
    how: str
    since: datetime
    seen_at: datetime
    here: bool


def section(request: Request) -> Section | None:
    """The list, this browser first."""
    if request.session_row is None:
        return None
    ended = said.word(request, request.session_row) == "ended"
    return section_of(request.session_row, reverse("end-devices"), ended=ended)


def section_of(here: Session, url: str, *, ended: bool) -> Section:
    """The same for the session of any kind, whose forms lead to `url`."""
    rows = sessions.of_person(here.person, sessions.kind_of(here), timezone.now())
    found = [_device(row, here.pk) for row in rows]
    found.sort(key=lambda device: not device.here)
    shown = {"list": found, "others": len(found) > 1, "ended": ended, "url": url}
    return Section("access/settings/devices.html", "devices", shown)


@require_http_methods(["GET", "HEAD", "POST"])
def end(request: Request) -> HttpResponse:
    """Sign out one other browser, or every other one; from its next request on, and in the middle of a download."""
    if request.person is None or request.session_row is None:
        return way_in.neutral(request, status=200)
    if request.method != "POST":
        return see_other("/settings/#devices")
    if which := end_of(request.session_row, request.POST.get("device", "")):
        record("recipient.signed_out", which=which)
    return said.see_said("/settings/#devices", "ended", request.session_row)


def end_of(here: Session, which: str) -> str:
    """End what a form names, of the same person and kind: `others` or `one` for the record, "" when nothing ended."""
    if which == "others":
        sessions.end_others(here)
        return which
    # A number of someone else's session ends nothing, and is answered like one that is over already.
    return "one" if _is_other(which, here) and sessions.end_another(here, int(which)) else ""


def _is_other(which: str, here: Session) -> bool:
    return which.isascii() and which.isdecimal() and len(which) <= LONGEST_NUMBER and int(which) != here.pk


def _device(row: Session, here: int) -> Device:
    return Device(row.pk, row.device, row.brand.name, _how(row), row.made_at, row.seen_at, row.pk == here)


def _how(row: Session) -> str:
    if row.method == sessions.PASSKEY:
        return _("by passkey")
    if row.method == sessions.PROVIDER:
        return _("with {provider}").format(provider=row.provider.replace("-", " ").capitalize())
    return _("by passcode")
