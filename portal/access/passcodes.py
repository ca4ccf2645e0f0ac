"""Proving an address by a passcode: asked for by one browser, mailed to the address, checked in that browser."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import datetime

import django_otp
from django.conf import settings
from django.db.models import F
from django.utils import timezone
from django.utils.translation import get_language

from branding.models import Brand
from portal.access import brake, budgets, ceilings, codes, people, references, sessions
from portal.access.brake import BRAKE
from portal.access.budgets import NOWHERE, Origin, Purse
from portal.access.errors import (
    AccessError,
    AskedTooSoon,
    NotEightDigits,
    NothingEntered,
    OtherBrowser,
    PasscodeDead,
    PasscodeRefused,
    PasscodeUsed,
    TooManyTries,
    WrongPasscode,
)
from portal.access.models import GUESSES, LIFE, LONGEST, Challenge
from portal.audit.models import Entry
from portal.audit.record import record
from portal.ids import new_id
from portal.keys.service import keys
from portal.mime.addresses import normalise
from portal.vault import readers
from portal.vault.models import Reader


@dataclass(frozen=True)
class Browser:
    """A browser by the digests of its cookies, empty where it has none, and where it is."""

    token: bytes
    trusted: bytes = b""
    origin: Origin = NOWHERE


@dataclass(frozen=True)
class Claim:
    """That someone can use an address: of one message's reader, or typed on the neutral page (`reader` is None)."""

    brand: Brand
    lookup: bytes
    reader: Reader | None
    typed: str = field(default="", repr=False)
    errand: str = ""
    """What else than reading it is for (portal.access.places.Errand)."""

    @classmethod
    def of_reader(cls, reader: Reader) -> Claim:
        return cls(reader.message.brand, bytes(reader.address_lookup), reader)

    @classmethod
    def of_address(cls, brand: Brand, typed: str, errand: str = "") -> Claim:
        """BadAddress when it is none. Whether anyone has the address is not looked at: every answer is the same."""
        # On an errand there is no mail that it is known from, so the passcode goes to the address as it was typed.
        return cls(brand, readers.address_lookup(typed), None, typed.strip() if errand else normalise(typed), errand)


def ask(claim: Claim, browser: Browser) -> Challenge:
    """Mail a passcode, and give the challenge that the browser must answer.

    While this browser's last challenge for the same claim lives, it is that one with new digits and the guesses left.

    Raises:
        AskedTooSoon: this browser's passcode was mailed within the last minute and still works.
        TooManyTries: a budget is spent.
    """
    now = timezone.now()
    with budgets.one_at_a_time(claim.lookup):
        answer = _ask(claim, browser, now)
    if isinstance(answer, AccessError):
        raise answer
    return answer


def check(brand: Brand, reader: Reader | None, browser: Browser, typed: str, errand: str = "") -> Challenge:
    """Take a typed passcode; the challenge it answers is used up and its address proved.

    Typed again in the same browser while it lives, it counts as the first time if nobody ever came with the session
    that was begun then. Whoever begins one notes it in the challenge, under the same `budgets.one_at_a_time`.

    Raises:
        PasscodeRefused: one of its kinds, with the sentence for the page.
        TooManyTries: a budget is spent; the passcode was not even looked at.
    """
    digits = codes.digits_of(typed)
    if not digits:
        raise NothingEntered
    challenge = latest(brand, reader, browser, errand)
    if challenge is None:
        raise OtherBrowser
    if len(digits) != codes.DIGITS:
        raise NotEightDigits(len(digits))
    with budgets.one_at_a_time(bytes(challenge.address_lookup)):
        challenge.refresh_from_db()
        # Handed out, not raised: an exception would undo the very counting that it reports.
        refused = _check(challenge, browser, digits, timezone.now())
    if refused is not None:
        raise refused
    return challenge


def latest(brand: Brand, reader: Reader | None, browser: Browser, errand: str = "") -> Challenge | None:
    """The last challenge of a browser for a message, for the neutral page or on an errand; it may be over."""
    if not browser.token:
        return None
    mine = Challenge.objects.select_related("reader__message", "brand").filter(browser=browser.token, brand=brand)
    found: Challenge | None = mine.filter(reader=reader, errand=errand).order_by("-made_at", "-id").first()
    return found


def refusal(challenge: Challenge, now: datetime) -> PasscodeRefused | None:
    """Why no passcode of a challenge works any more; None while one does, also once more where its answer was lost."""
    found = challenge.refusal(now)
    if not isinstance(found, PasscodeUsed) or challenge.errand or challenge.is_over(now):
        return found
    if not sessions.never_seen(bytes(challenge.began)).exists():
        return found
    return PasscodeDead() if challenge.guesses >= GUESSES else None


def claim_of(challenge: Challenge) -> Claim:
    """What a challenge was asked for, to ask again."""
    if challenge.reader is not None:
        return Claim.of_reader(challenge.reader)
    return Claim(challenge.brand, bytes(challenge.address_lookup), None, challenge.asked_address(), challenge.errand)


def _ask(claim: Claim, browser: Browser, now: datetime) -> Challenge | AccessError:
    purse = Purse.of(claim.lookup, browser.trusted)
    number = claim.reader.id if claim.reader else None
    # A spent guessing budget refuses here too: the mail would bring a passcode that cannot be used.
    spent = budgets.asking_opens(purse, now), budgets.guessing_opens(purse, number, now)
    if any(spent):
        return _throttled(claim.reader, max(moment for moment in spent if moment), now)
    live = latest(claim.brand, claim.reader, browser, claim.errand)
    if live is not None and (live.refusal(now) or bytes(live.address_lookup) != claim.lookup):
        live = None
    if live is not None and live.made_at + LONGEST < now + LIFE:
        live = None  # what is mailed now is to last as long as its mail says
    next_at = budgets.next_mail_at(purse, now)
    if next_at is not None:
        return AskedTooSoon(live.sent_at, next_at) if live else _throttled(claim.reader, next_at, now)
    if not purse.trusted:
        until = ceilings.reached(claim.brand, browser.origin, now)
        if until is not None:
            return _throttled(claim.reader, until, now)
    budgets.count_mail(purse, now, claim.brand, browser.origin)
    challenge = _again(live, now) if live else _fresh(claim, browser, now)
    challenge.generate_challenge()
    _record("recipient.passcode_asked", claim.reader)
    return challenge


def _fresh(claim: Claim, browser: Browser, now: datetime) -> Challenge:
    """A new challenge. It replaces what the same browser asked for before, and nothing that another one asked for."""
    Challenge.objects.filter(browser=browser.token, used_at=None, expires_at__gt=now).update(expires_at=now)
    number = new_id(now)
    made: Challenge = Challenge.objects.create(
        public_id=number,
        user=people.for_challenge(claim.lookup),
        name="passcode",
        brand=claim.brand,
        reader=claim.reader,
        address_lookup=claim.lookup,
        typed_address=keys().seal_field("challenge", number, claim.typed.encode()) if claim.typed else b"",
        browser=browser.token,
        errand=claim.errand,
        reference=references.new(),
        language=get_language() or "",
        made_at=now,
        sent_at=now,
        expires_at=now + LIFE,
    )
    return made


def _again(live: Challenge, now: datetime) -> Challenge:
    """New digits for the same page: the old ones die, the count of guesses stays. The reference is new, for two mails
    with the same one would not say which of them holds the passcode that works."""
    Challenge.objects.filter(pk=live.pk).update(
        round=F("round") + 1,
        reference=references.new(),
        sent_at=now,
        expires_at=now + LIFE,
        language=get_language() or "",
    )
    live.refresh_from_db()
    return live


def _check(challenge: Challenge, browser: Browser, digits: str, now: datetime) -> AccessError | None:
    purse = Purse.of(bytes(challenge.address_lookup), browser.trusted)
    until = budgets.guessing_opens(purse, challenge.reader_id, now)
    if until is not None:
        return _throttled(challenge.reader, until, now)
    over = refusal(challenge, now)
    if over is not None:
        return over
    guessed = _guessed(challenge)
    if not all(BRAKE.take(what, most) for what, most in guessed.items()):
        return _throttled(challenge.reader, now + budgets.HOUR, now)
    if challenge.used_at is not None:
        # The answer to its first use was lost. What that began ends unseen, so that it opens once all the same.
        if challenge.verify_again(digits):
            BRAKE.give_back(*guessed)
            return None if sessions.never_seen(bytes(challenge.began)).delete()[0] else PasscodeUsed()
    elif django_otp.verify_token(challenge.user, challenge.persistent_id, digits) is not None:
        BRAKE.give_back(*guessed)
        return None
    challenge.refresh_from_db()
    left = max(0, GUESSES - challenge.guesses)
    budgets.count_failure(purse, challenge.reader_id, now)
    _record("recipient.passcode_failed", challenge.reader, left=left)
    return WrongPasscode(left) if left else PasscodeDead()


def _guessed(challenge: Challenge) -> dict[Hashable, int]:
    """At what a guess is one, and how many there may be in a day: of a brand, five for each mail to a stranger."""
    of_brand = GUESSES * 24 * settings.LETTERLOCK.passcodes_per_brand
    address = bytes(challenge.address_lookup)
    return {("passcode", address): brake.OF_AN_ADDRESS, ("passcodes", challenge.brand_id): of_brand}


def _throttled(reader: Reader | None, until: datetime, now: datetime) -> TooManyTries:
    """Recorded once an hour for a reader: a stranger who keeps pressing must not fill the record."""
    recent = Entry.objects.filter(
        kind="recipient.throttled", reader=reader.id if reader else None, at__gt=now - budgets.HOUR
    )
    if not recent.exists():
        _record("recipient.throttled", reader)
    return TooManyTries(budgets.as_shown(until, now))


def _record(kind: str, reader: Reader | None, **facts: int) -> None:
    record(kind, message=reader.message_id if reader else None, reader=reader.id if reader else None, **facts)
