"""Signed-in browsers: one row each, looked at on every request, so that deleting it signs out at once."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from branding.models import Brand
from portal.access import binding, cookies
from portal.access.errors import NotAPerson, SessionOver
from portal.access.models import NOBODY, Person, Session
from portal.audit.record import record
from portal.vault.models import Reader

IDLE = timedelta(minutes=30)
KEPT = timedelta(hours=8)
LONGEST = timedelta(hours=8)
"""However busy, and kept or not: the page says "for 8 hours"."""
FRESH = timedelta(minutes=10)
"""A browser that was left open must not be enough to let someone else in for good."""
TOUCH = timedelta(seconds=30)
"""Activity is noted this often; a write for every request would cost more than it tells."""
PASSCODE, PROVIDER, PASSKEY, ENTRY = "passcode", "provider", "passkey", "entry"
PASSWORD, AUTHENTICATOR = "password", "totp"
"""Of administrators: the password alone, which opens nothing yet; the password and the authenticator's code."""


class Kind(StrEnum):
    """Whose a session is. Each has a cookie of its own, and a token of one is worth nothing as another."""

    READER = "reader"
    OFFICE = "office"
    SENDER = "sender"


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
    sender: bool = False,
    device: str = "",
    anew: bool = True,
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
    row = Session(
        token=cookies.digest(token),
        person=person,
        brand=brand,
        method=method,
        level=level,
        provider=provider,
        reader=reader,
        office=office,
        sender=sender,
        device=device,
        anew=anew,
        factor_at=factor_at,
        made_at=now,
        seen_at=now,
        idle_seconds=int((KEPT if keep else IDLE).total_seconds()),
        ends_at=now + LONGEST,
    )
    row.seal = binding.seal(row)
    row.save(force_insert=True)
    return token


def is_fresh(session: Session) -> bool:
    """Whether it was proved in the last ten minutes who sits there. Each proof begins a new session."""
    return session.anew and timezone.now() - session.made_at < FRESH


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
    # From what was read and found whole with this request, never from what stands there now.
    renewed = copy(session)
    for name, value in {**changes, "token": cookies.digest(token)}.items():
        setattr(renewed, name, value)
    changes |= {"token": renewed.token, "seal": binding.seal(renewed)}
    # By the old token and seal too: of two proofs at once one goes on, a row that is gone is not made again, and one
    # that was lowered meanwhile is not raised.
    rows = Session.objects.filter(pk=session.pk, token=bytes(session.token), seal=bytes(session.seal))
    if not rows.update(seen_at=timezone.now(), **changes):
        raise SessionOver
    return token


def change(found: QuerySet[Session], alter: Callable[[Session], None]) -> None:
    """Change what sessions claim, and seal them anew; those whose seal does not fit end. Call in a transaction."""
    for row in found.select_for_update(of=("self",)).select_related("person"):
        if not binding.fits(row):
            end(row)
            continue
        alter(row)
        row.seal = binding.seal(row)
        row.save(update_fields=["person", "level", "factor_at", "seal"])


def set_cookie(response: HttpResponseBase, token: str, *, keep: bool, name: str = cookies.SESSION) -> None:
    """Hand the browser its token; unless kept, it forgets it when it is closed."""
    cookies.write(response, name, token, int(KEPT.total_seconds()) if keep else None)


def of_token(token: str, brand: Brand) -> Session | None:
    """The row of a cookie's token, ended or not; None when there is none for this brand, or its seal does not fit."""
    if not token:
        return None
    rows = Session.objects.select_related("person").filter(token=cookies.digest(token), brand=brand)
    row = next(iter(rows[:1]), None)
    if row is None or not _is_whole(row):
        return None
    row.brand = brand
    return row


def _is_whole(row: Session) -> bool:
    """Whether it is as it was sealed. Another ends, and is recorded that once."""
    if binding.fits(row):
        return True
    # One without any seal is of the version before: its software, beside this one, still knows it.
    if row.seal:
        with transaction.atomic():
            if Session.objects.filter(pk=row.pk, seal=bytes(row.seal)).delete()[0]:
                record("session.forged", whose=str(kind_of(row)))
    return False


def kind_of(session: Session) -> Kind:
    """Whose it is. Rows of version 0.1.0 say that they are an administrator's by their method alone."""
    if session.office or session.method == ENTRY:
        return Kind.OFFICE
    return Kind.SENDER if session.sender else Kind.READER


def is_for_one_message(session: Session) -> bool:
    """Whether it opens the message it was begun at and nothing else, not even the list of messages."""
    # A brand may have become strict since: what was begun before then opens no message at all.
    return session.reader_id is not None or session.brand.session_scope == "message"


def opens(session: Session | None, reader: Reader) -> bool:
    """Whether it proves that this is the reader, and is for this message or for all."""
    if session is None or kind_of(session) is not Kind.READER:
        return False
    if session.person.lookup != bytes(reader.address_lookup).hex():
        return False
    return session.reader_id == reader.id if is_for_one_message(session) else True


def is_over(session: Session, now: datetime) -> bool:
    """Whether it sat idle for too long, or its longest time has passed."""
    return now >= over_at(session)


def over_at(session: Session) -> datetime:
    """When it is over, unless something is done before."""
    return min(session.ends_at, _idle_until(session))


def is_idle_first(session: Session) -> bool:
    """Whether doing something would make it last longer."""
    return _idle_until(session) < session.ends_at


def why_over(session: Session, now: datetime) -> str:
    """The sentence for a person whose session is over; "" while it is not."""
    if not is_over(session, now):
        return ""
    if not is_idle_first(session):
        return _("You were signed out because 8 hours have passed since you confirmed.")
    minutes = session.idle_seconds // 60
    said = ngettext(
        "You were signed out because nothing happened for {n} minute.",
        "You were signed out because nothing happened for {n} minutes.",
        minutes,
    )
    return said.format(n=minutes)


def still_lasts(number: int) -> bool:
    """Whether the session of this row still lets a download run: it was not ended, and has not reached its longest.

    Sitting idle does not count here: who waits for a large file does nothing meanwhile.
    """
    return Session.objects.filter(pk=number, ends_at__gt=timezone.now()).exists()


def touch(session: Session, now: datetime) -> None:
    """Note that a signed-in person did something."""
    first = session.seen_at == session.made_at
    if first or now - session.seen_at >= TOUCH:
        session.seen_at = max(now, session.made_at + timedelta(microseconds=1)) if first else now
        Session.objects.filter(pk=session.pk).update(seen_at=session.seen_at)


def never_seen(token: bytes) -> QuerySet[Session]:
    """The session of this digest of a token, if no request ever came with it: its browser did not get the answer."""
    return Session.objects.filter(token=token, seen_at=F("made_at"))


def of_person(person: Person, kind: Kind, now: datetime) -> list[Session]:
    """The browsers in which a person is signed in now, of every brand, last used first."""
    rows = _of_kind(person, kind).select_related("brand").order_by("-seen_at", "-id")
    return [row for row in rows if not is_over(row, now)]


def end(session: Session) -> None:
    """Sign one browser out, from its next request on."""
    Session.objects.filter(pk=session.pk).delete()


def end_another(session: Session, number: int) -> bool:
    """Sign another browser of a session's person out; False when they have no such session of the same kind."""
    return bool(_of_kind(session.person, kind_of(session)).filter(pk=number).delete()[0])


def end_others(session: Session) -> int:
    """Sign a person out of every browser but this one; how many."""
    return int(_of_kind(session.person, kind_of(session)).exclude(pk=session.pk).delete()[0])


def _of_kind(person: Person, kind: Kind) -> QuerySet[Session]:
    """Not those of another kind of the same person: reading proves too little to touch those of the office."""
    rows = Session.objects.filter(person=person, sender=kind is Kind.SENDER)
    if kind is Kind.OFFICE:
        return rows.filter(Q(office=True) | Q(method=ENTRY))
    return rows.filter(office=False).exclude(method=ENTRY)


def _idle_until(session: Session) -> datetime:
    return session.seen_at + timedelta(seconds=session.idle_seconds)
