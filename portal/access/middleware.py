"""Who is signed in, looked up in the database on every request."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import cast

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from portal.access import cookies, people, roles, sessions
from portal.access.models import Person, Session
from portal.access.requests import Request
from portal.access.sessions import Kind


class SignedInPerson:
    """Sets `request.person`, `request.session_row`, `.session_ended`, and the same for the office and for senders.

    It writes no cookie.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        self._look(cast(Request, request), timezone.now())
        return self.get_response(request)

    def _look(self, request: Request, now: datetime) -> None:
        counts = not _only_asks(request)
        row = _row(request, cookies.SESSION, Kind.READER)
        request.session_ended = sessions.why_over(row, now) if row else ""
        request.session_row = _live(row, now, counts=counts)
        request.person = request.session_row.person if request.session_row else None
        request.session_address = _address_of(request.person)
        office = _live(_row(request, cookies.OFFICE, Kind.OFFICE), now, counts=counts)
        # The role is looked at each time: who is no administrator any more is out at once.
        office = office if office and roles.permissions_of(office.person) else None
        half = office is not None and office.method == sessions.PASSWORD
        request.half_row, request.office_row = (office, None) if half else (None, office)
        request.office_person = request.office_row.person if request.office_row else None
        sender = _row(request, cookies.SENDER, Kind.SENDER)
        request.sender_ended = sessions.why_over(sender, now) if sender else ""
        request.sender_row = _live(sender, now, counts=counts)


def _address_of(person: Person | None) -> str:
    """Opened only when a page shows it."""
    return cast(str, SimpleLazyObject(lambda: people.address_of(person))) if person else ""


def _row(request: Request, cookie: str, kind: Kind) -> Session | None:
    """The session of a cookie, if it was begun for that cookie: an administrator's token moved over opens no mail."""
    brand = getattr(request, "brand", None)
    token = cookies.read(request, cookie)
    row = sessions.of_token(token, brand) if token and brand is not None else None
    return row if row is not None and sessions.kind_of(row) is kind else None


def _only_asks(request: Request) -> bool:
    """A page that asks by itself how long the session lasts must not make it last: nobody need be there."""
    return request.method in ("GET", "HEAD") and request.path in (reverse("session"), reverse("sent-session"))


def _live(row: Session | None, now: datetime, *, counts: bool) -> Session | None:
    if row is None or sessions.is_over(row, now):
        return None
    if counts:
        sessions.touch(row, now)
    return row
