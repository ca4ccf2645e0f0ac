"""Signed-in browsers: one row each, looked at on every request, so that deleting it signs out at once."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.http.response import HttpResponseBase
from django.utils import timezone

from branding.models import Brand
from portal.access import cookies
from portal.access.errors import NotAPerson, SessionOver
from portal.access.models import NOBODY, Person, Session
from portal.vault.models import Reader

IDLE = timedelta(minutes=30)
KEPT = timedelta(hours=8)
LONGEST = timedelta(hours=8)
"""However busy, and kept or not: the page says "for 8 hours"."""
TOUCH = timedelta(seconds=30)
"""Activity is noted this often; a write for every request would cost more than it tells."""
PASSCODE, PROVIDER, PASSKEY, ENTRY = "passcode", "provider", "passkey", "entry"
PASSWORD, AUTHENTICATOR = "password", "totp"
"""Of administrators: the password alone, which opens nothing yet; the password and the authenticator's code."""


def begin(
    person: Person,
    brand: Brand,
    *,
    keep: bool,
    method: str = PASSCODE,
    level: int = 1,
    provider: str = "",
    reader: Reader | None = None,
    office: bool = False,
    device: str = "",
    factor_at: datetime | None = None,
    instead_of: Session | None = None,
) -> str:
    """Sign a browser in and give the token for its cookie. The session it had before ends: each proof, a new token.

    The names are those of the row's fields; `keep` lets it sit idle for eight hours.
    """
    if person.lookup == NOBODY:
        raise NotAPerson
    if instead_of is not None:
        end(instead_of)
    now = timezone.now()
    token = cookies.new_token()
    Session.objects.create(
        token=cookies.digest(token),
        person=person,
        brand=brand,
        method=method,
        level=level,
        provider=provider,
        reader=reader,
        office=office,
        device=device,
        factor_at=factor_at,
        made_at=now,
        seen_at=now,
        idle_seconds=int((KEPT if keep else IDLE).total_seconds()),
        ends_at=now + LONGEST,
    )
    return token


def raise_level(session: Session, *, factor_at: datetime) -> str:
    """A second factor was proved on top of the address: level 3, in the same row. The new token for its cookie.

    `factor_at` is when the factor was set up. SessionOver when the browser was signed out in this very moment.
    """
    return _rotate(session, level=3, factor_at=factor_at)


def rotate(session: Session) -> str:
    """Another token for the same row: each proof, a new one, so that whoever saw the old one is left outside."""
    return _rotate(session)


def is_kept(session: Session) -> bool:
    """Whether its cookie outlives the browser."""
    return session.idle_seconds >= int(KEPT.total_seconds())


def _rotate(session: Session, **changes: object) -> str:
    token = cookies.new_token()
    # By the old token too: of two proofs at once one goes on, and a row that is gone is not made again.
    rows = Session.objects.filter(pk=session.pk, token=bytes(session.token))
    if not rows.update(token=cookies.digest(token), seen_at=timezone.now(), **changes):
        raise SessionOver
    return token


def set_cookie(response: HttpResponseBase, token: str, *, keep: bool, name: str = cookies.SESSION) -> None:
    """Hand the browser its token; unless kept, it forgets it when it is closed."""
    cookies.write(response, name, token, int(KEPT.total_seconds()) if keep else None)


def of_token(token: str, brand: Brand) -> Session | None:
    """The row of a cookie's token, ended or not; None when there is none for this brand."""
    if not token:
        return None
    rows = Session.objects.select_related("person", "brand")
    return rows.filter(token=cookies.digest(token), brand=brand).first()


def is_office(session: Session) -> bool:
    """Whether it is an administrator's. Rows of version 0.1.0 say it by their method alone."""
    return session.office or session.method == ENTRY


def is_over(session: Session, now: datetime) -> bool:
    """Whether it sat idle for too long, or its longest time has passed."""
    return now >= session.ends_at or now - session.seen_at >= timedelta(seconds=session.idle_seconds)


def touch(session: Session, now: datetime) -> None:
    """Note that a signed-in person did something."""
    if now - session.seen_at >= TOUCH:
        Session.objects.filter(pk=session.pk).update(seen_at=now)


def end(session: Session) -> None:
    """Sign one browser out, from its next request on."""
    Session.objects.filter(pk=session.pk).delete()


def end_all(person: Person) -> None:
    """Sign a person out everywhere."""
    Session.objects.filter(person=person).delete()
