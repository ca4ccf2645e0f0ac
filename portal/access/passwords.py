"""The password of the first administrator: set while there is no better way, and never enough without the app."""

from __future__ import annotations

import re
import unicodedata
from copy import copy
from datetime import datetime
from functools import cache
from pathlib import Path

from django.contrib.auth.hashers import check_password, make_password
from django.utils import timezone

from portal.access import authenticators, budgets, cookies, grants, office_ways, people, roles, sessions
from portal.access.budgets import Purse
from portal.access.errors import FactorRefused
from portal.access.models import Failed, Person, Session
from portal.access.office_errors import NotLetIn, PasswordClosed, PasswordTooCommon, PasswordTooLong, PasswordTooShort
from portal.audit.record import record
from portal.keys.service import keys
from portal.mime.errors import BadAddress
from portal.vault import readers

LEAST, LONGEST = 12, 200
_FEWEST_LETTERS = 5
"""Different characters: "121212121212" has two."""
_COMMON = frozenset((Path(__file__).parent / "common-passwords.txt").read_text(encoding="utf-8").splitlines())
"""What is tried first, whole or with figures and signs around it, like "Password-2026!"."""
_NO_LETTERS = re.compile(r"[\W\d_]+")


def set_first(person: Person, password: str) -> None:
    """Give the only administrator a password. It lets nobody in before an authenticator app is set up too.

    Raises:
        PasswordClosed: there is a better way, or this is not the only administrator.
        PasswordTooShort, PasswordTooLong, PasswordTooCommon.
    """
    if not (office_ways.password_is_open() and office_ways.is_alone(person)):
        raise PasswordClosed
    chosen = _normal(password)
    _must_be_strong(chosen)
    if not roles.permissions_of(person):
        raise PasswordClosed
    person.password = make_password(chosen)
    grants.seal(person)
    person.save(update_fields=["password", "seal"])
    record("administrator.password_set", person=str(person.id))


def check(address: str, password: str, network: str, trusted: str) -> Person:
    """The administrator whose address and password these are. Raises NotLetIn, PasswordClosed.

    `network` is the /24 or /64 that asks, `trusted` the browser's cookie. Every failure is alike: who is not known
    costs the same work, and a budget that is spent is not told from a wrong password.
    """
    if not office_ways.password_is_open():
        raise PasswordClosed
    lookup = _lookup(address)
    counted = _count(lookup, network, trusted)
    person = Person.objects.filter(lookup=lookup.hex(), role__in=roles.OFFICE).first()
    known = person is not None and person.has_usable_password() and authenticators.of(person) is not None
    known = known and person is not None and bool(roles.permissions_of(person))  # a password that nobody set is none
    right = check_password(_normal(password), person.password if person is not None and known else _nobodys())
    if not (right and known and person is not None):
        if person is not None:
            record("administrator.password_failed", person=str(person.id))
        raise NotLetIn
    _take_back(counted)
    return person


def finish(half: Session, code: str, network: str, trusted: str) -> None:
    """Check the authenticator's code after the password. Raises NotLetIn, PasswordClosed."""
    if not office_ways.password_is_open():
        raise PasswordClosed
    counted = _count(bytes.fromhex(half.person.lookup), network, trusted)
    try:
        authenticators.check(half.person, code)
    except FactorRefused:
        record("administrator.password_failed", person=str(half.person.id))
        raise NotLetIn from None
    _take_back(counted)


def trust(person: Person, token: bytes) -> None:
    """A browser that got in has a budget of its own: no stranger can lock it out."""
    budgets.trust(token, keys().lookup("office-address", person.lookup), timezone.now())


def end_all() -> None:
    """There is a passkey now: passwords are gone for good, and with them sessions that only one of them began."""
    holders = Person.objects.filter(role__in=roles.OFFICE).exclude(password__startswith=people.NO_PASSWORD)
    for person in list(holders):
        Session.objects.filter(person=person, office=True, method=sessions.PASSWORD).delete()
        record("administrator.password_ended", person=str(person.id))
        before = copy(person)
        person.password = people.NO_PASSWORD
        if grants.fits(before):
            grants.seal(person)
        person.save(update_fields=["password", "seal"])
        grants.end(before)


# ------------------------------------------------------------------------------------------------------- what they need


def _must_be_strong(password: str) -> None:
    """Length before all (NIST SP 800-63B-4 section 3.1.1.2), and none of those that are tried first."""
    if len(password) < LEAST:
        raise PasswordTooShort
    if len(password) > LONGEST:
        raise PasswordTooLong
    plain = password.casefold()
    if plain in _COMMON or _NO_LETTERS.sub("", plain) in _COMMON or len(set(plain)) < _FEWEST_LETTERS:
        raise PasswordTooCommon


def _normal(password: str) -> str:
    """One form for what keyboards write in several (NIST SP 800-63B-4 section 3.1.1.2); cut where none can be right."""
    return unicodedata.normalize("NFKC", password[: LONGEST + 1])


def _lookup(address: str) -> bytes:
    """As people are found by; what is no address has a budget too, or its answer would come sooner."""
    try:
        return readers.address_lookup(address)
    except BadAddress:
        return keys().lookup("office-no-address", address)


def _count(lookup: bytes, network: str, trusted: str) -> list[int]:
    """Count a try as failed before it is compared, so that parallel ones all count. NotLetIn when none is left."""
    now = timezone.now()
    ours = keys().lookup("office-address", lookup.hex())
    own = Purse.of(ours, cookies.digest(trusted) if trusted else b"")
    # The network first: once it is shut, no address that is tried from there has a row made or a try spent. For a
    # browser that got in before it does not count, or whoever sits in the same network would shut it out.
    purses = (own,) if own.trusted else (Purse(keys().lookup("office-network", network)), own)
    rows: list[int] = []
    for purse in purses:
        with budgets.one_at_a_time(purse.lookup):
            if budgets.guessing_opens(purse, None, now) is not None:
                raise NotLetIn
            rows.append(_failed(purse, now))
    return rows


def _failed(purse: Purse, now: datetime) -> int:
    return Failed.objects.create(address_lookup=purse.lookup, trusted=purse.trusted, reader=None, at=now).pk


def _take_back(rows: list[int]) -> None:
    Failed.objects.filter(pk__in=rows).delete()


@cache
def _nobodys() -> str:
    """The hash of a password that nobody knows, to spend the same time on strangers."""
    return make_password(cookies.new_token())
