"""The second factor by an authenticator app (TOTP, RFC 6238), with recovery codes for the day it is lost.

For recipients and administrators alike: nothing here knows of a brand, a page or a cookie.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from urllib.parse import quote, urlencode
from uuid import uuid4

from django.utils import timezone
from django_otp.oath import hotp

from portal.access import brake, budgets, codes, grants, levels
from portal.access.brake import BRAKE
from portal.access.budgets import DAY, Limit
from portal.access.errors import (
    AuthenticatorThere,
    FactorCodeUsed,
    FactorRefused,
    NoAuthenticator,
    NoFactorEntered,
    TooManyCodes,
    WrongFactorCode,
)
from portal.access.models import Authenticator, Person, RecoveryCode, Session, WrongFactor
from portal.audit.record import record
from portal.keys.service import keys

SECRET_BYTES = 20
"""As long as the HMAC's output (RFC 4226 section 4, R6)."""
STEP_SECONDS, DIGITS = 30, 6
"""With SHA-1, the one form that every app reads."""
DRIFT = 1
"""Steps before and after this one that are taken: phones' clocks are up to half a minute off."""
LIMITS = (Limit(5, timedelta(minutes=15)), Limit(30, DAY))
"""Wrong codes. Three of a million codes are right at a time, so 30 guesses a day are a chance of 1 in 11,000."""
SET_UP = timedelta(minutes=15)
"""How long a secret that was begun is shown and can be confirmed: one that was left lying in a browser on a desk would
let whoever comes by set up an app of their own, without the fresh proof that beginning takes."""
RECOVERY_CODES = 10
_RECOVERY_CHARACTERS = 12
"""Of 5 bits: nobody guesses 60."""
_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
_READ_AS = str.maketrans({"o": "0", "i": "1", "l": "1", "-": "", " ": ""})
T = TypeVar("T")


@dataclass(frozen=True)
class Factor:
    """What was proved: by `totp` or by a `recovery` code, and since when the app is set up."""

    kind: str
    set_up_at: datetime


def of(person: Person) -> Authenticator | None:
    """The app that counts for a person; None when there is none, or it was never confirmed."""
    rows = Authenticator.objects.select_related("person")
    return rows.filter(person=person, confirmed_at__isnull=False).first()


def begin(person: Person, session: Session) -> Authenticator:
    """A fresh secret for a person, to be confirmed in this session. What was begun before is replaced.

    Raises AuthenticatorThere when one counts already: it is removed first, which needs a code of its own.
    """
    number = uuid4()
    secret = keys().seal_field("authenticator", number, secrets.token_bytes(SECRET_BYTES))
    with budgets.one_at_a_time(person.id.bytes):
        if of(person) is not None:
            raise AuthenticatorThere
        Authenticator.objects.filter(person=person, confirmed_at=None).delete()
        return Authenticator.objects.create(
            id=number, person=person, session=session, secret=secret, made_at=timezone.now()
        )


def pending(person: Person, session: Session) -> Authenticator | None:
    """What was begun in this session not long ago; its secret is shown to nobody else."""
    begun = Authenticator.objects.filter(person=person, session=session, confirmed_at=None)
    return begun.filter(made_at__gt=timezone.now() - SET_UP).first()


def confirm(person: Person, session: Session, typed: str) -> list[str]:
    """Let the app count from now on, for one code from it; the recovery codes, which are shown this once.

    Raises FactorRefused: one of its kinds, with the sentence for the page.
    """

    def work(found: Authenticator, now: datetime) -> list[str]:
        _take_step(found, _digits(typed), now)
        budgets.count_added(person.id, "app", now)
        found.confirmed_at, found.session = now, None
        grants.seal(found)
        found.save(update_fields=["confirmed_at", "session", "seal"])
        record("authenticator.added")
        return _fresh_codes(found)

    if until := budgets.adding_opens(person.id, "app", timezone.now()):
        raise TooManyCodes(until)
    return _counting(person, lambda: pending(person, session), work)


def check(person: Person, typed: str) -> Factor:
    """Take a code of the person's app, or one of their recovery codes; each proves once.

    Raises FactorRefused: one of its kinds. Right or wrong is looked at only while the budget lasts.
    """

    def work(found: Authenticator, now: datetime) -> Factor:
        since = found.confirmed_at or now
        if recovery := recovery_of(typed):
            _take_recovery(found, recovery, now)
            record("authenticator.recovery_used")
            return Factor("recovery", since)
        _take_step(found, _digits(typed), now)
        return Factor("totp", since)

    # Before all else, for what is refused within would not be recorded.
    if (held := of(person)) is not None and not grants.is_whole(held):
        raise NoAuthenticator
    return _counting(person, lambda: _whole(person), work)


def _whole(person: Person) -> Authenticator | None:
    found = of(person)
    return found if found is not None and grants.fits(found) else None


def remove(person: Person) -> bool:
    """Take a person's app and recovery codes away; whether there was one. Call only after a fresh proof of it."""
    with budgets.one_at_a_time(person.id.bytes):
        found = Authenticator.objects.filter(person=person).first()
        if found is not None:
            found.delete()
            levels.lower(person, found.confirmed_at)
            record("authenticator.removed")
            grants.end(found)
    return found is not None


def codes_left(authenticator: Authenticator) -> int:
    return authenticator.recovery_codes.filter(used_at=None).count()


def secret_of(authenticator: Authenticator) -> bytes:
    """The 20 bytes; for `confirm`, `check` and the page on which the app is set up."""
    return keys().open_field("authenticator", authenticator.id, bytes(authenticator.secret))


def spelt(authenticator: Authenticator) -> str:
    """The secret as people type it into an app: base32 in groups of four."""
    letters = base64.b32encode(secret_of(authenticator)).decode()
    return " ".join(letters[start : start + 4] for start in range(0, len(letters), 4))


def address_for_app(authenticator: Authenticator, issuer: str, account: str) -> str:
    """What the picture says to the app: an otpauth address (Google Authenticator's key URI format)."""
    told = {"secret": base64.b32encode(secret_of(authenticator)).decode(), "issuer": issuer}
    return f"otpauth://totp/{quote(issuer)}:{quote(account)}?{urlencode(told, quote_via=quote)}"


def recovery_of(typed: str) -> str:
    """A recovery code as typed, in its one form; "" when it cannot be one."""
    found = typed[: codes.LONGEST_TYPED].strip().lower().translate(_READ_AS)
    return found if len(found) == _RECOVERY_CHARACTERS and set(found) <= set(_CROCKFORD) else ""


# ------------------------------------------------------------------------------------------------------- what they need


def _counting(
    person: Person, find: Callable[[], Authenticator | None], work: Callable[[Authenticator, datetime], T]
) -> T:
    """Do `work` while the budget lasts, alone for this person, and count when it refuses."""
    now = timezone.now()
    with budgets.one_at_a_time(person.id.bytes):
        found = find()
        if found is None:
            raise NoAuthenticator
        # Handed out, not raised: an exception would undo the very counting that it reports.
        answer = _tried(found, work, now)
    if isinstance(answer, FactorRefused):
        raise answer
    return answer


def _tried(found: Authenticator, work: Callable[[Authenticator, datetime], T], now: datetime) -> T | FactorRefused:
    until = _opens(found, now)
    if until is not None:
        return TooManyCodes(until)
    guessed = ("app", found.person_id)
    if not BRAKE.take(guessed, brake.OF_AN_APP):
        return TooManyCodes(now + DAY)
    try:
        done = work(found, now)
        BRAKE.give_back(guessed)
        return done
    except NoFactorEntered as refused:
        BRAKE.give_back(guessed)
        return refused
    except FactorRefused as refused:
        WrongFactor.objects.create(authenticator=found, at=now)
        return refused


def _opens(authenticator: Authenticator, now: datetime) -> datetime | None:
    """When a code is looked at again; None when one is now."""
    moments = []
    for limit in LIMITS:
        recent = WrongFactor.objects.filter(authenticator=authenticator, at__gt=now - limit.span).order_by("-at")
        wrong: list[datetime] = list(recent.values_list("at", flat=True)[: limit.count])
        if len(wrong) == limit.count:
            moments.append(wrong[-1] + limit.span)
    return max(moments, default=None)


def _digits(typed: str) -> str:
    digits = codes.digits_of(typed)
    if not digits:
        raise NoFactorEntered
    return digits


def _take_step(authenticator: Authenticator, digits: str, now: datetime) -> None:
    """Use up the step whose code this is. Raises WrongFactorCode, FactorCodeUsed; key errors, and nothing counts."""
    secret, middle = secret_of(authenticator), int(now.timestamp()) // STEP_SECONDS
    # All are compared: the time does not say which clock the phone has.
    right = [step for step in range(middle - DRIFT, middle + DRIFT + 1) if codes.same(digits, code_at(secret, step))]
    if not right:
        raise WrongFactorCode
    step = max(right)
    newer = Authenticator.objects.filter(pk=authenticator.pk, last_step__lt=step)
    if not newer.update(last_step=step):
        raise FactorCodeUsed
    # Asked of the keyring as well, for the row says only what somebody wrote: a code is accepted once (section 5.2).
    digest = keys().lookup("app-code", f"{authenticator.id} {step}")
    if not keys().used.spend(digest, (step + DRIFT + 1) * STEP_SECONDS, int(now.timestamp())):
        raise FactorCodeUsed


def code_at(secret: bytes, step: int) -> str:
    """The 6 digits of one 30-second step since 1970 (RFC 6238 section 4.2)."""
    return f"{hotp(secret, step, DIGITS):0{DIGITS}d}"


def _take_recovery(authenticator: Authenticator, code: str, now: datetime) -> None:
    digest = _digest(authenticator, code)
    if not RecoveryCode.objects.filter(authenticator=authenticator, digest=digest, used_at=None).update(used_at=now):
        raise WrongFactorCode
    # Asked of the keyring itself, for a row says only what somebody wrote: a code that was put back stays used up.
    if not keys().grants.spend(digest):
        grants.tell_put_back("recovery", authenticator, digest)
        raise WrongFactorCode


def _fresh_codes(authenticator: Authenticator) -> list[str]:
    made = ["".join(secrets.choice(_CROCKFORD) for _ in range(_RECOVERY_CHARACTERS)) for _ in range(RECOVERY_CODES)]
    RecoveryCode.objects.filter(authenticator=authenticator).delete()
    RecoveryCode.objects.bulk_create(
        RecoveryCode(authenticator=authenticator, digest=_digest(authenticator, code)) for code in made
    )
    return ["-".join(code[start : start + 4] for start in range(0, len(code), 4)) for code in made]


def _digest(authenticator: Authenticator, code: str) -> bytes:
    """Keyed, so that a dump of the database gives nothing to guess at; found by equality, for 60 bits have no near."""
    return keys().lookup("recovery-code", f"{authenticator.id} {code}")
